"""Decoding without TensorFlow in the loop: a WaveNet's loop over samples and an amplifier's blocks, compiled by numba.

Needs numba (`pip install tf-wavenet[fast]`). May import nothing of this package.
"""

import importlib.util

ENGINES = ("native", "xla")


def is_native(model, engine=None) -> bool:
    """Returns whether a model is decoded by this room rather than by XLA.

    Args:
        model: The model.
        engine: "native", "xla", or None: native where numba is installed and the model fits.

    Raises:
        ValueError: If the engine is none of these, or cannot decode the model.
    """
    return _chosen(engine, lambda: why_not(model))


def is_native_in_blocks(model, engine=None) -> bool:
    """Returns whether a model is processed block by block by this room; arguments and errors as `is_native`."""

    def reason():
        return _no_numba() or (None if hasattr(model, "layer_arrays") else f"{type(model).__name__} is no NamWaveNet")

    return _chosen(engine, reason)


def _chosen(engine, why_not):
    if engine is not None and engine not in ENGINES:
        raise ValueError(f"Expected engine to be None, 'native' or 'xla'. Received: engine={engine!r}")
    if engine == "xla":
        return False
    reason = why_not()
    if engine == "native" and reason is not None:
        raise ValueError(f"Expected engine=None or 'xla': {reason}. Received: engine='native'")
    return reason is None


def _no_numba():
    return None if importlib.util.find_spec("numba") else "numba is not installed (pip install tf-wavenet[fast])"


def why_not(model) -> str | None:
    """Returns why a model cannot be decoded here, or None if it can."""
    reason = _no_numba()
    if reason is not None:
        return reason
    if not all(hasattr(model, name) for name in ("causal_conv", "stack", "head", "input_encoding")):
        return f"{type(model).__name__} is no WaveNet"
    return None
