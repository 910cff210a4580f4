"""Decoding without TensorFlow in the loop: a WaveNet's loop over samples, compiled by numba for the processor at hand.

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
    if engine is not None and engine not in ENGINES:
        raise ValueError(f"Expected engine to be None, 'native' or 'xla'. Received: engine={engine!r}")
    if engine == "xla":
        return False
    reason = why_not(model)
    if engine == "native" and reason is not None:
        raise ValueError(f"Expected engine=None or 'xla': {reason}. Received: engine='native'")
    return reason is None


def why_not(model) -> str | None:
    """Returns why a model cannot be decoded here, or None if it can."""
    if importlib.util.find_spec("numba") is None:
        return "numba is not installed (pip install tf-wavenet[fast])"
    if not all(hasattr(model, name) for name in ("causal_conv", "stack", "head", "input_encoding")):
        return f"{type(model).__name__} is no WaveNet"
    if model.context_stack is not None:
        return "the model has a context stack"
    return None
