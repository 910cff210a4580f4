"""Reads a checkpoint of either common format."""

import os
from typing import Any

import numpy as np

from tf_wavenet.importers.checkpoint_error import CheckpointError
from tf_wavenet.importers.torch_files.torch_checkpoint import read_torch_checkpoint

# What users give instead of a checkpoint: where its sign stands, the sign, what it is.
_OTHERS = (
    (0, b"<", "a web page, in place of a file that was to be downloaded"),
    (0, b"version https://git-lfs", "a pointer to a file of Git LFS, which `git lfs pull` gets"),
    (0, b"{", "JSON, perhaps the configuration"),
    (0, b"\x1f\x8b", "a compressed archive, to be unpacked first"),
    (257, b"ustar", "an archive, to be unpacked first"),
    (0, b"\x89HDF", "HDF5"),
)


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
            start = file.read(512)
    except OSError as error:
        raise CheckpointError(path, error.strerror or str(error)) from None
    is_safetensors = start[8:9] == b"{" and b"\0" in start[:8]
    other = next((kind for at, sign, kind in _OTHERS if start[at:].lstrip().startswith(sign)), None)
    if other is not None and not is_safetensors:
        raise CheckpointError(path, f"expected a PyTorch or safetensors file. Received: {other}")
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
