"""A NamWaveNet as a list of operations for `effect_kernel`."""

from typing import NamedTuple

import numpy as np

from tf_wavenet.decoding.native import effect_kernel as kernel
from tf_wavenet.decoding.native.products import LANES

_FUNCTIONS = {
    "Tanh": kernel.TANH,
    "Sigmoid": kernel.SIGMOID,
    "SiLU": kernel.SILU,
    "Hardswish": kernel.HARD_SILU,
    "Softsign": kernel.SOFTSIGN,
}
# Least, most, slope below, slope above, as far as a file does not say otherwise.
_CLIPPED = {
    "Hardtanh": (-1.0, 1.0, 0.0, 0.0),
    "LeakyHardtanh": (-1.0, 1.0, 0.01, 0.01),
    "LeakyHardTanh": (-1.0, 1.0, 0.01, 0.01),
    "ReLU": (0.0, np.inf, 0.0, 0.0),
    "LeakyReLU": (0.0, np.inf, 0.01, 0.0),
    "PReLU": (0.0, np.inf, 0.01, 0.0),
}
_BOUNDS = ("min_val", "max_val", "min_slope", "max_slope")


class Past(NamedTuple):
    """What a convolution has seen: a buffer's last steps."""

    buffer: int
    steps: int


class Program(NamedTuple):
    """What `effect_kernel.process` takes of a model."""

    operations: np.ndarray
    sources: np.ndarray
    buffers: np.ndarray
    weights: np.ndarray  # float32, the beginning of the array that all is in
    size: int  # elements of one stream's buffers
    pasts: list[Past]  # in the order of the model's state
    channels: int  # of the output


def program_of(model, most) -> Program:
    """Returns the program of a `NamWaveNet`, with its weights of now.

    Args:
        model: The model, built.
        most: Int, steps of the largest part of a block.
    """
    writer = _Writer()
    writer.model(model, writer.buffer(1))
    buffers, size = [], 0
    for channels, past in writer.buffers:
        length = past + most + kernel.SPARE if past else 0
        stride = length + most + 2 * kernel.SPARE  # copies touch a vector more
        buffers.append((size, channels, length, stride))
        size += channels * stride
    return Program(
        operations=np.array([(*row, *[0] * (2 + kernel.ARGUMENTS - len(row))) for row in writer.operations], np.int64),
        sources=np.array(writer.sources, np.int64),
        buffers=np.array(buffers, np.int64),
        weights=np.concatenate([np.ravel(part) for part in writer.weights]).astype(np.float32),
        size=size,
        pasts=writer.pasts,
        channels=model.output_channels,
    )


class _Writer:
    """Walks through a model as its `compute` does. Methods return the buffer of what they compute."""

    def __init__(self) -> None:
        self.operations, self.sources, self.buffers, self.pasts = [], [], [], []
        self.weights, self.used = [np.ones(4 * LANES), np.zeros(4 * LANES)], 8 * LANES
        self.scratches = {}

    def model(self, model, waveform) -> int:
        condition = waveform if model.condition_dsp is None else self.model(model.condition_dsp, waveform)
        x, head = waveform, None
        for i, array in enumerate(model.layer_arrays):
            last = i == len(model.layer_arrays) - 1
            x, head = self.array(array, x, condition, head, last, model.head_scale if last else 1.0)
        if model.post_head is not None:
            for conv in model.post_head.convs:
                x = self.buffer(conv.input_channels, conv.receptive_field - 1)
                self.activation(x, head, model.post_head.activation, conv.input_channels)
                head = self.convolution(conv, self.seen(conv, x))
        return head

    def array(self, array, x, condition, head, last, scale) -> tuple[int, int]:
        x = self.convolution(array.rechannel, x, past=_past(array.layers[0]))
        total = self.buffer(array.head_input_channels, array.head_rechannel.receptive_field - 1)
        if head is None:
            head = self.buffer(array.head_input_channels)  # stays zero
        for layer, following in zip(array.layers, [*array.layers[1:], None], strict=True):
            a, y = self.layer(layer, x, condition)
            self.operations.append((kernel.ADD, total, head, y))
            head = total
            if following is not None or not last:
                x = self.residual(layer, x, a, condition, 0 if following is None else _past(following))
        conv = array.head_rechannel
        return x, self.convolution(conv, self.seen(conv, total), scale=scale)

    def layer(self, layer, x, condition) -> tuple[int, int]:
        """Returns what the layer tells the residual path and what it tells the head."""
        conv, films = layer.conv, layer.films
        x = self.film(layer, "conv_pre_film", x, condition, conv.input_channels, past=conv.receptive_field - 1)
        x = self.seen(conv, x)
        told = self.film(layer, "input_mixin_pre_film", condition, condition, layer.input_mixin.input_channels)
        bottleneck = conv.filters if layer.gating_mode == "none" else conv.filters // 2
        halves = []
        for first in range(0, conv.filters, bottleneck):
            part = slice(first, first + bottleneck)
            name = f"z{first}"
            mixed = self.taps(layer.input_mixin, told, part)
            if "conv_post_film" in films or "input_mixin_post_film" in films:
                z = self.product(self.taps(conv, x, part), bottleneck, self.bias(conv, part), name=name)
                z = self.film(layer, "conv_post_film", z, condition, conv.filters, part)
                mixed = self.product(mixed, bottleneck, name="mixed")
                mixed = self.film(layer, "input_mixin_post_film", mixed, condition, conv.filters, part)
                self.operations.append((kernel.ADD, z, z, mixed))
            else:
                terms = [*self.taps(conv, x, part), *mixed]
                z = self.product(terms, bottleneck, self.bias(conv, part), name=name)
            halves.append(self.film(layer, "activation_pre_film", z, condition, conv.filters, part))
        z, a = halves[0], self.scratch("a", bottleneck)
        self.activation(a, z, layer.activation, bottleneck)
        if layer.gating_mode != "none":
            gate = halves[1]
            self.activation(gate, gate, layer.secondary_activation, bottleneck)
            self.operations.append(
                (kernel.MULTIPLY, a, a, gate) if layer.gating_mode == "gated" else (kernel.BLEND, a, a, gate, z)
            )
        a = head = self.film(layer, "activation_post_film", a, condition, bottleneck)
        if layer.head1x1 is not None:
            head = self.convolution(layer.head1x1, a, name="head1x1")
            head = self.film(layer, "head1x1_post_film", head, condition, layer.head1x1.filters)
        return a, head

    def residual(self, layer, x, a, condition, past) -> int:
        """Returns the input of the next layer, which will be looked back at for `past` steps."""
        conv = layer.layer1x1
        if conv is None:
            channels = layer.conv.input_channels
            return self.product([(x, 0, np.eye(channels))], channels, past=past)
        if "layer1x1_post_film" not in layer.films:
            return self.convolution(conv, a, begin=x, past=past)
        y = self.convolution(conv, a, name="layer1x1")
        y = self.film(layer, "layer1x1_post_film", y, condition, conv.filters)
        result = self.buffer(conv.filters, past)
        self.operations.append((kernel.ADD, result, x, y))
        return result

    def film(self, layer, site, x, condition, size, part=slice(None), past=0) -> int:
        """Scales and shifts part of `size` channels by the condition, where the layer does at this site."""
        if site not in layer.films:
            return x
        conv = layer.films[site]
        bias, shifts = _array(conv.bias), conv.filters > size
        scale, shift = np.arange(size)[part], size + np.arange(size)[part]
        channels = len(scale)
        factor = self.product(self.taps(conv, condition, scale), channels, bias[scale], name=f"{site} scale")
        result = self.buffer(channels, past) if past else self.scratch(f"{site} of {part}", channels)
        self.operations.append((kernel.MULTIPLY, result, x, factor))
        if shifts:
            offset = self.product(self.taps(conv, condition, shift), channels, bias[shift], name=f"{site} shift")
            self.operations.append((kernel.ADD, result, result, offset))
        return result

    def seen(self, conv, x) -> int:
        """Notes that a convolution looks back at a buffer, which is complete."""
        if conv.receptive_field > 1:
            self.operations.append((kernel.COMMIT, x))
            self.pasts.append(Past(x, conv.receptive_field - 1))
        return x

    def activation(self, result, x, function, channels) -> None:
        parameters = dict(function) if isinstance(function, dict) else {"type": function}
        name = parameters.pop("type")
        slopes = parameters.pop("negative_slopes", None)
        if slopes is not None:
            kind, values = kernel.SLOPES, slopes
        elif name in _FUNCTIONS:
            kind, values = _FUNCTIONS[name], ()
        else:
            kind, values = kernel.CLIPPED, dict(zip(_BOUNDS, _CLIPPED[name], strict=True))
            if "negative_slope" in parameters:
                values["min_slope"] = parameters.pop("negative_slope")
            values = list({**values, **parameters}.values())
        self.operations.append((kind, result, x, x, x, self.numbers(values)))

    def convolution(self, conv, x, **options) -> int:
        return self.product(self.taps(conv, x), conv.filters, self.bias(conv), **options)

    def taps(self, conv, x, part=slice(None)) -> list[tuple[int, int, np.ndarray]]:
        """Terms of a product: of a buffer so many steps back, by a matrix."""
        delays = range(conv.receptive_field - 1, -1, -conv.dilation_rate)
        taps = _array(conv.kernel)
        if conv.groups > 1:
            taps = np.stack([_dense(tap, conv.groups) for tap in taps])
        return [(x, delay, tap[:, part]) for delay, tap in zip(delays, taps, strict=True)]

    def bias(self, conv, part=slice(None)) -> np.ndarray | None:
        return _array(conv.bias)[part] if conv.use_bias else None

    def product(self, terms, channels, bias=None, begin=None, past=0, scale=1.0, name=None) -> int:
        """Adds terms, a bias and the buffer `begin`; the result is kept for `past` steps, or is scratch with a name."""
        if bias is not None:
            terms = [*terms, (-1, 0, np.asarray(bias)[None])]
        rows = scale * np.concatenate([matrix for _, _, matrix in terms])
        first = len(self.sources)
        self.sources += [(buffer, delay, len(matrix)) for buffer, delay, matrix in terms]
        result = self.buffer(channels, past) if name is None else self.scratch(name, channels)
        weights = self.numbers(rows)
        self.operations.append((kernel.PRODUCT, result, first, len(terms), weights, -1 if begin is None else begin))
        return result

    def scratch(self, name, channels) -> int:
        """A buffer for what the next layer writes over."""
        key = name, channels
        if key not in self.scratches:
            self.scratches[key] = self.buffer(channels)
        return self.scratches[key]

    def buffer(self, channels, past=0) -> int:
        self.buffers.append((channels, past))
        return len(self.buffers) - 1

    def numbers(self, array) -> int:
        """Returns the element where these numbers begin."""
        self.weights.append(np.asarray(array))
        first, self.used = self.used, self.used + self.weights[-1].size
        return first


def _past(layer):
    return 0 if "conv_pre_film" in layer.films else layer.conv.receptive_field - 1


def _dense(tap, groups):
    """A grouped kernel's matrix with zeros between groups."""
    inputs, outputs = tap.shape[0], tap.shape[1] // groups
    matrix = np.zeros((inputs * groups, tap.shape[1]))
    for g in range(groups):
        columns = slice(g * outputs, (g + 1) * outputs)
        matrix[g * inputs : (g + 1) * inputs, columns] = tap[:, columns]
    return matrix


def _array(variable):
    return np.asarray(variable, np.float32)
