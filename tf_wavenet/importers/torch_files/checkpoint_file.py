"""Reads a checkpoint of either common format."""

import os
from typing import Any

import numpy as np

from tf_wavenet.importers.checkpoint_error import CheckpointError
from tf_wavenet.importers.torch_files.torch_checkpoint import read_torch_checkpoint


def read_checkpoint(path: str | os.PathLike) -> Any:
    """Reads a PyTorch file or a safetensors file, told apart by their content.

    Args:
        path: The file.

    Returns:
        What `read_torch_checkpoint` returns; of a safetensors file a flat dict of arrays, bfloat16 as float32.

    Raises:
        CheckpointError: If the file is missing, damaged, or of another kind; if it is a safetensors file and the
            package safetensors is not installed.

    Example:
    >>> read_checkpoint("/no/such/file.safetensors")
    Traceback (most recent call last):
        ...
    tf_wavenet.importers.checkpoint_error.CheckpointError: /no/such/file.safetensors: No such file or directory

    References:
        https://github.com/huggingface/safetensors: a length of 8 bytes, then a JSON header, then the numbers.
    """
    try:
        with open(path, "rb") as file:
            is_safetensors = file.read(9)[8:] == b"{"
    except OSError as error:
        raise CheckpointError(path, error.strerror or str(error)) from None
    return _read_safetensors(path) if is_safetensors else read_torch_checkpoint(path)


def _read_safetensors(path):
    try:
        import ml_dtypes  # noqa: F401  NumPy knows bfloat16 by it; Keras needs it too
        import safetensors.numpy
    except ImportError:
        raise CheckpointError(path, "expected the package safetensors: pip install safetensors") from None
    try:
        tensors = safetensors.numpy.load_file(path)
    except (safetensors.SafetensorError, OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(path, f"expected a whole safetensors file. Received: {error}") from None
    return {name: x.astype(np.float32) if x.dtype.name == "bfloat16" else x for name, x in tensors.items()}
