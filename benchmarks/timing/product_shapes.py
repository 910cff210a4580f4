"""The matrices of a WaveNet."""

from tf_wavenet import WaveNet


def product_shapes(model: WaveNet) -> dict[str, list[tuple[int, int]]]:
    """Lists the matrices that a model multiplies activations with.

    Args:
        model: Any WaveNet.

    Returns:
        Shapes (channels in, channels out): of the taps of the first convolution ("input"), of the taps of each block
        in turn ("tap"), of each block but the last ("residual"), of each block ("skip"), and of the head ("head").
    """
    residual, skip, levels = model.residual_channels, model.skip_channels, model.distribution.parameter_size
    gate = model.gate_channels or 2 * residual
    hidden = model.head_channels or skip
    blocks = len(model.dilations)
    encoded = levels if model.input_encoding == "one_hot" else 1
    return {
        "input": [(encoded, residual)] * model.causal_kernel_size,
        "tap": [(residual, gate)] * (blocks * model.kernel_size),
        "residual": [(gate // 2, residual)] * (blocks - 1),
        "skip": [(gate // 2, skip)] * blocks,
        "head": [(skip, hidden), (hidden, levels)],
    }
