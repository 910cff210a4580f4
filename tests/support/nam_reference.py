"""The arithmetic of `.nam` files in plain NumPy and float64, from the flat list of weights; and random files of it.

Silence before the start is not a matter of state here: the input is preceded by more zeros than the model looks back.
"""

import numpy as np

FILMS = (
    *["conv_pre_film", "conv_post_film", "input_mixin_pre_film", "input_mixin_post_film"],
    *["activation_pre_film", "activation_post_film", "layer1x1_post_film", "head1x1_post_film"],
)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def activate(spec, x):
    spec = {"type": spec} if isinstance(spec, str) else spec
    slope = np.array(spec.get("negative_slopes", spec.get("negative_slope", 0.01)), "float64")
    low, high = spec.get("min_val", -1.0), spec.get("max_val", 1.0)
    below, above = spec.get("min_slope", 0.01), spec.get("max_slope", 0.01)
    slope = slope[:, None] if slope.ndim else slope
    return {
        "Tanh": lambda: np.tanh(x),
        "Hardtanh": lambda: np.minimum(np.maximum(x, low), high),
        "ReLU": lambda: np.where(x > 0, x, 0),
        "LeakyReLU": lambda: np.where(x > 0, x, slope * x),
        "PReLU": lambda: np.where(x > 0, x, slope * x),
        "Sigmoid": lambda: sigmoid(x),
        "SiLU": lambda: x * sigmoid(x),
        "Hardswish": lambda: x * np.clip(x + 3, 0, 6) / 6,
        "LeakyHardtanh": lambda: np.where(
            x < low, (x - low) * below + low, np.where(x > high, (x - high) * above + high, x)
        ),
        "Softsign": lambda: x / (1 + abs(x)),
    }[spec["type"]]()


class Weights:
    """Takes convolutions from the front of the flat list, in PyTorch's order: [out][in / groups][tap], then biases."""

    def __init__(self, values):
        self.values, self.at = np.array(values, "float64"), 0

    def take(self, *shape):
        self.at += int(np.prod(shape))
        return self.values[self.at - int(np.prod(shape)) : self.at].reshape(shape)

    def conv(self, x, out, taps=1, dilation=1, bias=True, groups=1):
        kernel = self.take(out, len(x) // groups, taps)
        y, parts = [], np.split(x, groups)
        for o in range(out):
            part = parts[o // (out // groups)]
            total = np.zeros(x.shape[1])
            for tap in range(taps):
                delay = (taps - 1 - tap) * dilation
                total[delay:] += (kernel[o, :, tap] @ part)[: max(0, x.shape[1] - delay)]
            y.append(total)
        return np.array(y) + (self.take(out)[:, None] if bias else 0)


def each(value, count):
    return value if isinstance(value, (list, tuple)) else [value] * count


def layer(weights, array, x, c, taps, dilation, function, mode, secondary):
    channels, width = len(x), array.get("bottleneck", len(x))
    inner = width if mode == "none" else 2 * width
    head1x1, layer1x1 = array.get("head1x1", {"active": False}), array.get("layer1x1", {"active": True, "groups": 1})
    # The weights of the modulations come last, but some are needed first: compute in two passes.
    start = weights.at

    def run(film):
        weights.at = start
        z = film("conv_post_film", weights.conv(film("conv_pre_film", x), inner, taps, dilation,
                                                groups=array.get("groups_input", 1)))  # fmt: skip
        m = weights.conv(film("input_mixin_pre_film", c), inner, bias=False, groups=array.get("groups_input_mixin", 1))
        z = film("activation_pre_film", z + film("input_mixin_post_film", m))
        if mode == "none":
            a = activate(function, z)
        else:
            top, bottom = z[:width], activate(secondary, z[width:])
            a = activate(function, top) * bottom + (top * (1 - bottom) if mode == "blended" else 0)
        a = film("activation_post_film", a)
        out, head = x, a
        if layer1x1["active"]:
            out = x + film("layer1x1_post_film", weights.conv(a, channels, groups=layer1x1["groups"]))
        if head1x1["active"]:
            head = film("head1x1_post_film", weights.conv(a, head1x1["out_channels"], groups=head1x1["groups"]))
        return out, head

    run(lambda site, y: y)  # to find where the modulations begin
    sizes = (channels, inner, len(c), inner, inner, width, channels, head1x1.get("out_channels"))
    modulations = {}
    for site, size in zip(FILMS, sizes, strict=True):
        film = array.get(site)
        if film and film.get("active", True):
            shift = film.get("shift", True)
            y = weights.conv(c, size * (2 if shift else 1), groups=film.get("groups", 1))
            modulations[site] = (y[:size], y[size:] if shift else 0)
    end = weights.at

    def film(site, y):
        scale, shift = modulations.get(site, (1, 0))
        return y * scale + shift

    outputs = run(film)
    weights.at = end
    return outputs


def wavenet(nam, x, weights=None):
    """Output [channels, time] of a `.nam` dict for x [channels, time], from zeros in every convolution."""
    config, given = nam["config"], weights
    weights = weights or Weights(nam["weights"])
    c = wavenet(config["condition_dsp"], x) if config.get("condition_dsp") else x
    y, head = x, None
    for array in config["layers"]:
        count = len(array["dilations"])
        mode = array.get("gating_mode", "gated" if array.get("gated") else "none")
        y = weights.conv(y, array["channels"], bias=False)
        for arguments in zip(
            each(array.get("kernel_sizes", array.get("kernel_size")), count),
            array["dilations"],
            each(array["activation"], count),
            each(mode, count),
            each(array.get("secondary_activation", "Sigmoid"), count),
            strict=True,
        ):
            y, term = layer(weights, array, y, c, *arguments)
            head = term if head is None else head + term
        end = head_of(array)
        head = weights.conv(head, end["out_channels"], end["kernel_size"], end.get("head_dilation", 1), end["bias"])
    head = head * weights.values[-1]  # the last weight, though the convolutions that follow have theirs before it
    post = config.get("head")
    if post:
        widths = [post["channels"]] * (len(post["kernel_sizes"]) - 1) + [post["out_channels"]]
        for taps, width in zip(post["kernel_sizes"], widths, strict=True):
            head = weights.conv(activate(post["activation"], head), width, taps)
    assert given or weights.at == len(weights.values) - 1, f"{weights.at + 1} of {len(weights.values)} weights used"
    return head


def head_of(array):
    return array.get("head") or {"out_channels": array["head_size"], "kernel_size": 1, "bias": array["head_bias"]}


def lookback(nam):
    config = nam["config"]
    total = lookback(config["condition_dsp"]) if config.get("condition_dsp") else 0
    for array in config["layers"]:
        taps = each(array.get("kernel_sizes", array.get("kernel_size")), len(array["dilations"]))
        total += sum((k - 1) * d for k, d in zip(taps, array["dilations"], strict=True))
        total += (head_of(array)["kernel_size"] - 1) * head_of(array).get("head_dilation", 1)
    return total + sum(k - 1 for k in (config.get("head") or {"kernel_sizes": []})["kernel_sizes"])


def process(nam, waveform):
    """Output [time] of a `.nam` dict for a waveform [time], prewarmed as plug-ins do."""
    past = lookback(nam)
    return wavenet(nam, np.concatenate([np.zeros(past), waveform])[None])[0, past:]


def random_nam(config, seed=0, **rest):
    """A `.nam` dict with as many random weights, in float32, as the configuration takes."""
    rng = np.random.default_rng(seed)
    weights = Weights(rng.normal(0, 0.4, 100_000).astype("float32"))
    wavenet({"config": config}, np.zeros((1, 3)), weights)
    values = [*weights.values[: weights.at], 0.5]
    return {"version": "0.7.0", "architecture": "WaveNet", "config": config, "weights": values, **rest}
