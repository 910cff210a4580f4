"""Reads NumPy's files, in whatever state they are."""

import os
from collections.abc import Sequence

import numpy as np

from tf_wavenet.data.audio_error import AudioError


def read_arrays(
    path: str | os.PathLike, names: Sequence[str], optional: str | None = None
) -> np.ndarray | dict[str, np.ndarray]:
    """Reads a .npz or .npy file, told apart by its content. Pickled objects are never opened.

    Args:
        path: The file.
        names: The arrays that a .npz file must hold.
        optional: One more, which it may hold.

    Returns:
        Dict of these arrays of a .npz file; the array itself of a .npy file.

    Raises:
        AudioError: If the file is missing, damaged or lacks an array.
    """
    try:
        with open(path, "rb") as file:
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                return content
            arrays = {name: content[name] for name in (*names, *({optional} & set(content.files)))}
    except OSError as error:
        raise AudioError(path, f"expected features. Received: {error.strerror or error}.") from None
    except Exception as error:  # of a damaged file: what zipfile, zlib, tokenize and NumPy happen to stumble over
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise AudioError(path, f"expected features in a whole .npz or .npy file. Received: {reason}") from None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # what NumPy does not know it returns as bytes
            raise AudioError(path, f"expected {name} to be an array. Received: {type(array).__name__}.")
    return arrays
