"""From tensors of PyTorch to the variables of Keras layers."""

import numpy as np

from tf_wavenet.importers.state_dict import StateDict


def assign(variable, state: StateDict, *keys: str) -> None:
    """Gives a variable the values of a tensor, or of several side by side on its last axis.

    The axes of a kernel stand in opposite order there: `[out, in, taps]` becomes `[taps, in, out]`, and for transposed
    convolutions `[in, out, taps]` becomes `[taps, out, in]`. Axes of length 1 may be missing or more, so that a
    convolution with one tap becomes a dense layer.

    Args:
        variable: Of a layer that is built.
        state: The tensors.
        *keys: Their names, for a weight without what weight norm adds to it: "conv.weight".

    Raises:
        CheckpointError: If a tensor is missing, has another shape or is not finite.
    """
    *others, last = variable.shape
    shape = (last // len(keys), *reversed(others))
    parts = [state.take(key, shape).T.reshape(*others, -1) for key in keys]
    variable.assign(np.concatenate(parts, axis=-1))


def assign_layer(layer, state: StateDict, name: str) -> None:
    """Sets kernel and, where it has one, bias of a convolution or dense layer."""
    assign(layer.kernel, state, f"{name}.weight")
    if layer.bias is not None:
        assign(layer.bias, state, f"{name}.bias")
