"""What models do through TensorFlow, imported on first use."""

from types import ModuleType

import keras

from tf_wavenet import backend


def import_decoding() -> ModuleType:
    """Returns `tf_wavenet.decoding`; raises a RuntimeError if the Keras backend is not TensorFlow, and in a graph."""
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(f"Expected the Keras backend to be tensorflow. Received: {keras.backend.backend()}")
    check_eager("generate and stream", "a graph that generates is what export_saved_model makes")
    from tf_wavenet import decoding

    return decoding


def check_eager(names, instead) -> None:
    """Raises a RuntimeError in a function that is being traced: what returns NumPy arrays needs values."""
    if backend.in_graph():
        raise RuntimeError(f"Expected {names} to be called outside of a compiled function: {instead}.")
