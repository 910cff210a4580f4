"""A WaveNet's weights in the order in which they are read, padded for vectors."""

import numpy as np

from tf_wavenet.decoding.native.network import COMPANDED, ONE_HOT, SCALAR, Network
from tf_wavenet.decoding.native.products import LANES, TILE
from tf_wavenet.decoding.native.sampling import CATEGORICAL, GAUSSIAN, LOGISTIC
from tf_wavenet.decoding.native.stack import bfloat16
from tf_wavenet.decoding.positions import TURN, TURNS, positions_of

_ENCODINGS = {"one_hot": ONE_HOT, "scalar": SCALAR, "companded": COMPANDED}


def matrices_of(model, conditioned=False) -> list[list[np.ndarray]]:
    """Returns a model's products of now in the order in which they are taken.

    Args:
        model: A `WaveNet`.
        conditioned: Bool, whether the condition is one more input of each convolution.

    Returns:
        For each product its matrices, float32 `[inputs, outputs]`: those of several inputs, whose products are summed.
    """
    projection = _array(model.conditioning.projection.kernel) if conditioned else None
    products = _products_of(model.stack, projection)
    products += [[_array(model.head.hidden.kernel)], [_array(model.head.out.kernel)]]
    return [[_padded(_matrix(matrix)) for matrix in product] for product in products]


def matrices_of_context(context) -> list[list[np.ndarray]]:
    """Returns what `matrices_of` does, of a `ContextStack`."""
    products = [*_products_of(context.stack), [_array(context.out.kernel)]]
    return [[_padded(_matrix(matrix)) for matrix in product] for product in products]


def _products_of(stack, projection=None):
    products, units = [], stack.blocks[0].conv.filters
    for layer, block in enumerate(stack.blocks):
        products.append(list(_array(block.conv.kernel)))
        if projection is not None:
            products[-1].append(projection[:, layer * units : (layer + 1) * units])
        if block.use_residual:
            products.append([_array(block.residual.kernel)])
    skips = [_matrix(_array(block.skip.kernel)) for block in stack.blocks]
    return [*products, [np.float32(stack.skip_scale) * np.concatenate(skips)]]


def _matrix(kernel):
    return kernel.reshape(-1, kernel.shape[-1])


def network(model, weights, conditioned=False) -> Network:
    """Returns a model's sizes and biases, and its packed matrices.

    Args:
        model: A `WaveNet`.
        weights: What `pack` or `pack_halves` returned of its matrices.
        conditioned: As of `matrices_of`.
    """
    head, first = model.head, _array(model.causal_conv.kernel)
    hidden, outputs = head.hidden.kernel.shape[1], head.out.kernel.shape[1]
    kind, classes, log_scale_min, steps = _distribution(model.distribution)
    return Network(
        **_sizes_of(model.stack, model.conditioning.projection if conditioned else None),
        hidden=hidden,
        hidden_wide=_wide(hidden),
        outputs_wide=_wide(outputs),
        condition=model.conditioning.encoded_channels if conditioned else 0,
        first_taps=len(first),
        encoding=_ENCODINGS[model.input_encoding],
        channels=first.shape[1],
        mu=model.mu,
        kind=kind,
        classes=classes,
        order=-1 if model.predictor is None else model.predictor.order,
        cycle=positions_of(model).cycle,
        turn=TURN,
        turns=TURNS,
        gain=np.float32(1.0 if model.predictor is None else model.distribution.gain),
        log_scale_min=log_scale_min,
        steps=steps,
        preemphasis=np.float32(getattr(model.mel_spec, "preemphasis", 0.0)),
        weights=weights,
        first_kernel=_padded(first),
        first_bias=_padded(_bias(model.causal_conv, model.stack.residual_channels)),
        hidden_bias=_padded(_bias(head.hidden, hidden)),
        out_bias=_padded(_bias(head.out, outputs)),
    )


def context_network(context, weights) -> Network:
    """Returns a `ContextStack`'s sizes and biases, and its packed matrices."""
    frame, nothing = _array(context.frame.kernel), np.zeros(0, np.float32)
    return Network(
        **_sizes_of(context.stack),
        hidden=0,
        hidden_wide=0,
        outputs_wide=_wide(context.units),
        condition=0,
        first_taps=len(frame),
        encoding=SCALAR,
        channels=1,
        mu=0,
        kind=CATEGORICAL,
        classes=0,
        order=-1,
        cycle=0,
        turn=TURN,
        turns=TURNS,
        gain=np.float32(1.0),
        log_scale_min=0.0,
        steps=0.0,
        preemphasis=np.float32(0.0),
        weights=weights,
        first_kernel=_padded(frame[:, None]),
        first_bias=_padded(_bias(context.frame, frame.shape[1])),
        hidden_bias=nothing,
        out_bias=_padded(_bias(context.out, context.units)),
    )


def _sizes_of(stack, projection=None):
    """What the residual layers of a model and those of a context stack have in common."""
    blocks = stack.blocks
    residual, half = stack.residual_channels, blocks[0].conv.filters // 2
    gate_biases = np.stack([_bias(block.conv, 2 * half) for block in blocks])
    if projection is not None:
        gate_biases = gate_biases + _bias(projection, gate_biases.size).reshape(gate_biases.shape)
    residual_biases = [_bias(block.residual, residual) for block in blocks[:-1]] + [np.zeros(residual, np.float32)]
    return {
        "layers": len(blocks),
        "kernel_size": stack.kernel_size,
        "residual": residual,
        "residual_wide": _wide(residual),
        "gates": 2 * half,
        "gates_wide": _wide(2 * half),
        "skip": stack.skip_channels,
        "skip_wide": _wide(stack.skip_channels),
        "residual_scale": np.float32(stack.residual_scale),
        "gate_biases": _padded(gate_biases),
        "residual_biases": _padded(np.stack(residual_biases)),
        "skip_bias": _padded(np.float32(stack.skip_scale) * sum(_bias(b.skip, stack.skip_channels) for b in blocks)),
        "dilations": np.asarray(stack.dilations, np.int64),
    }


def _distribution(distribution):
    """Returns kind, classes, least log scale and steps of the distribution, or of what it says of the residual."""
    distribution = getattr(distribution, "distribution", distribution)
    if hasattr(distribution, "mu"):
        return CATEGORICAL, distribution.mu + 1, 0.0, 0.0
    mixtures = 0 if distribution.parameter_size == 2 else distribution.num_mixtures
    if hasattr(distribution, "bits"):
        return LOGISTIC, mixtures, distribution.log_scale_min, 2.0**distribution.bits - 1.0
    return GAUSSIAN, mixtures, distribution.log_scale_min, 0.0


def pack(matrices, dtype="float16") -> np.ndarray:
    """Packs matrices for `products`.

    Args:
        matrices: What `matrices_of` returned.
        dtype: "float16" or "float32". Weights beyond what float16 holds stay float32.
    """
    tiles = [
        matrix[:, first : first + TILE].ravel()
        for product in matrices
        for matrix in product
        for first in range(0, matrix.shape[1], TILE)
    ]
    packed = np.concatenate(tiles)
    if dtype == "float16" and np.abs(packed).max() <= np.finfo(np.float16).max:
        packed = packed.astype(np.float16).view(np.uint16)
    return _aligned(packed)


def pack_halves(matrices) -> np.ndarray:
    """Packs matrices for products in bfloat16, those of several inputs as one."""
    return _aligned(np.concatenate([bfloat16.pack_matrix(np.concatenate(product)) for product in matrices]))


def _aligned(array):
    room = np.empty(array.nbytes + 64, np.uint8)
    start = -room.ctypes.data % 64
    aligned = room[start : start + array.nbytes].view(array.dtype)
    aligned[:] = array
    return aligned


def _wide(n):
    return -(-n // LANES) * LANES


def _padded(array):
    """Zeros behind the last axis up to a multiple of the lanes; float32, contiguous."""
    array = np.asarray(array, np.float32)
    width = [(0, 0)] * (array.ndim - 1) + [(0, _wide(array.shape[-1]) - array.shape[-1])]
    return np.array(np.pad(array, width), order="C")


def _array(variable):
    return np.asarray(variable, np.float32)


def _bias(layer, size):
    return _array(layer.bias) if layer.use_bias else np.zeros(size, np.float32)
