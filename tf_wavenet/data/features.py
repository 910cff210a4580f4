"""Log-mel features in files, together with their recipe."""

import json
import os
from pathlib import Path

import numpy as np

from tf_wavenet.data.arrays import read_arrays
from tf_wavenet.data.audio_error import AudioError
from tf_wavenet.files import atomic_path
from tf_wavenet.signal.mel_spec import MelSpec


def save_features(path: str | os.PathLike, features, spec: MelSpec) -> None:
    """Writes features and their recipe to a file; it appears whole or not at all.

    Args:
        path: File to write, ending in .npz: NumPy arrays `features`, as given, and `spec`, JSON text.
        features: Float array `[frames, num_mels]` or `[batch, frames, num_mels]`.
        spec: Their recipe.

    Raises:
        ValueError: If the path does not end in .npz, or the features cannot be of this recipe.

    Example:
    >>> import tempfile
    >>> from tf_wavenet.signal import log_mel
    >>> spec = MelSpec.from_preset("speech_16k")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_features(f"{folder}/clip.npz", log_mel(np.zeros(16000, "float32"), spec), spec)
    ...     load_features(f"{folder}/clip.npz", spec).shape
    (80, 80)
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise ValueError(f"Expected a path that ends in .npz. Received: {path}")
    features = np.asarray(features)
    spec.check_features(features)
    with atomic_path(path) as partial:
        np.savez(partial, features=features, spec=np.array(json.dumps(spec.get_config())))


def load_features(path: str | os.PathLike, spec: MelSpec) -> np.ndarray:
    """Reads features and makes sure that they are of the recipe asked for.

    Args:
        path: What `save_features` wrote, whose recipe is compared field by field; or a .npy file, or a .npz file of
            `features` alone, as other programs and earlier versions write, whose values are looked at
            (`MelSpec.check_features`).
        spec: The recipe that the reader needs, such as a model's.

    Returns:
        float32 array `[frames, num_mels]` or `[batch, frames, num_mels]`.

    Raises:
        AudioError: If the file is missing, broken, holds something else, or features of another recipe; a ValueError
            of one line that names file and field.

    Example:
    >>> import tempfile
    >>> spec = MelSpec.from_preset("jik876")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/mel.npy", np.full((100, 80), -5.0, "float16"))
    ...     load_features(f"{folder}/mel.npy", spec).dtype
    dtype('float32')
    """
    content = read_arrays(path, ("features",), optional="spec")
    features = content if isinstance(content, np.ndarray) else content["features"]
    try:
        if isinstance(content, dict) and "spec" in content:
            spec.check_same(MelSpec.from_config(json.loads(str(content["spec"]))))
        spec.check_features(features)
    except (TypeError, AttributeError, json.JSONDecodeError) as error:
        raise AudioError(path, f"expected features as save_features writes. Received: {error}") from None
    except ValueError as error:
        raise AudioError(path, " ".join(str(error).split())) from None
    return features.astype(np.float32)
