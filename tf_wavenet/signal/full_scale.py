"""Whether waveforms are in [-1, 1]: those that were read as 16-bit integers and not scaled are not."""

import keras
import numpy as np

_LOUDEST = 2.0  # filters and mixing overshoot full scale, but not so far


def check_full_scale(name, waveform) -> None:
    """Refuses what cannot be a waveform in [-1, 1]; what overshoots a little is clipped where that matters.

    Integers are refused by their dtype. Values are looked at where they are at hand: not in a graph.

    Args:
        name: What the waveform is called.
        waveform: Array or tensor of any shape.

    Raises:
        ValueError: If it holds integers, or numbers of more than twice full scale.

    Example:
    >>> check_full_scale("waveform", np.array([0.0, 8000.0]))
    Traceback (most recent call last):
        ...
    ValueError: Expected waveform in [-1, 1]: divide 16-bit samples by 32768. Received: values up to 8000
    """
    dtype = keras.backend.standardize_dtype(waveform.dtype)
    if "int" in dtype:
        expected = f"Expected {name} to be floating point numbers in [-1, 1]: divide 16-bit samples by 32768"
        raise ValueError(f"{expected}. Received: dtype {dtype}")
    values = at_hand(waveform)
    if values is not None:
        check_peak(name, np.abs(values).max(initial=0.0))


def at_hand(x) -> np.ndarray | None:
    """Returns an array or tensor as an array; None in a graph, on a GPU of PyTorch's, and of JAX's arrays."""
    if isinstance(x, np.ndarray):
        return x
    if not hasattr(x, "numpy") or getattr(x, "is_cuda", False):
        return None
    return keras.ops.convert_to_numpy(x)


def check_peak(name, peak) -> None:
    """Raises a ValueError if `peak`, a number, the largest magnitude of a waveform, is far above full scale."""
    if peak > _LOUDEST:
        expected = f"Expected {name} in [-1, 1]: divide 16-bit samples by 32768"
        raise ValueError(f"{expected}. Received: values up to {peak:.6g}")
