"""TensorFlow, for the functions of this room that make its pipelines; the rest works without it."""

from types import ModuleType


def import_tensorflow(name: str) -> ModuleType:
    """Returns TensorFlow, or raises an ImportError of one line which says that the function `name` needs it."""
    try:
        import tensorflow
    except ImportError:
        raise ImportError(f"{name} needs TensorFlow: pip install tensorflow") from None
    return tensorflow
