"""What models do through TensorFlow, imported on first use."""

from types import ModuleType

import keras


def import_decoding() -> ModuleType:
    """Returns `tf_wavenet.decoding`; raises a RuntimeError if the Keras backend is not TensorFlow."""
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(f"Expected the Keras backend to be tensorflow. Received: {keras.backend.backend()}")
    from tf_wavenet import decoding

    return decoding
