"""Where the local features of recordings come from."""

import json
import os
import reprlib
from pathlib import Path

import keras
import numpy as np

from tf_wavenet.data.arrays import read_arrays
from tf_wavenet.data.audio_error import AudioError
from tf_wavenet.signal.log_mel import log_mel
from tf_wavenet.signal.mel_spec import MelSpec
from tf_wavenet.signal.preprocess import preprocess

_MAX_HOP_LENGTH = 1 << 20  # samples
_SPARE_FRAMES = 2  # other programs count a last frame, or one at either end, that the recording does not need
_EXPECTED = "expected a folder of features with hop_length, a positive int"


class MelFeatures:
    """Log-mel features, computed from the recording itself; the waveform is preprocessed as the spec says.

    Args:
        spec: The recipe.

    Example:
    >>> features = MelFeatures(MelSpec.from_preset("speech_16k"))
    >>> waveform, mel = features(None, np.zeros(1000, "float32"))
    >>> waveform.shape, mel.shape, features.hop_length
    ((1000,), (5, 80), 200)
    """

    def __init__(self, spec: MelSpec) -> None:
        self.spec = spec
        self.hop_length = spec.hop_length
        self.channels = spec.num_mels

    def __call__(self, file, waveform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the waveform that a model learns to speak, and its features `[frames, channels]`, both float32."""
        target, gain = preprocess(waveform, self.spec)
        return target, _log_mel(np.float32(gain) * waveform, self.spec)


class StoredFeatures:
    """Features that lie in a folder: `NAME.npz` with float32 `features` `[frames, channels]`, NAME the recording's.

    A file `spec.json` beside them says `hop_length`, in samples, and whatever else the features mean; `python -m
    training.prepare_linguistic` writes such a folder. Without it, the first file's own recipe says so, as
    `save_features` writes it. Files that carry a recipe must carry this one.

    Attributes:
        spec: What `spec.json`, or the first file, says, a dict.
        hop_length: Samples of a frame.
        channels: Int, as in the first file of the folder.

    Args:
        folder: The folder.

    Raises:
        AudioError: If there is no such folder with a `spec.json` and features; on use, if a recording's features are
            missing, are no such array, are of another recipe, do not cover the recording, or go on for more than 2
            frames after it.

    Example:
    >>> import tempfile
    >>> from tf_wavenet.data import AudioFile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/clip.npz", features=np.zeros((10, 3), "float32"))
    ...     _ = Path(f"{folder}/spec.json").write_text('{"hop_length": 80}')
    ...     features = StoredFeatures(folder)
    ...     _, frames = features(AudioFile(Path("clip.wav"), 800, name="clip"), np.zeros(800, "float32"))
    >>> frames.shape, features.hop_length
    ((10, 3), 80)
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self.folder = Path(folder)
        first, path = min(self.folder.rglob("*.npz"), default=None), self.folder / "spec.json"
        features, recipe = (None, None) if first is None else _read(first)
        self.spec = _check_spec(first, recipe) if recipe and not path.exists() else _read_spec(path)
        if first is None:
            raise AudioError(self.folder, "expected features, NAME.npz of each recording. Received: none.")
        self.hop_length = self.spec["hop_length"]
        self.channels = features.shape[1]

    def __call__(self, file, waveform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the waveform as it is, and the features of `file`, an `AudioFile`."""
        return waveform, self.read(file)

    def read(self, file) -> np.ndarray:
        """Reads the features of a recording, which itself is not looked at.

        Args:
            file: An `AudioFile`.

        Returns:
            float32 `[frames, channels]`, at least as long as the recording, and at most 2 frames longer.

        Raises:
            AudioError: If there are no such features.
        """
        path = self.folder / f"{file.name}.npz"
        features, recipe = _read(path)
        for name in recipe.keys() & self.spec.keys():
            if recipe[name] != self.spec[name]:
                expected, received = (f"{name}={reprlib.repr(spec[name])}" for spec in (self.spec, recipe))
                raise AudioError(path, f"expected features of {expected}, as the others. Received: {received}")
        check_frames(features, file.num_samples, self.hop_length, self.channels, path)
        return features


def check_frames(features: np.ndarray, num_samples: int, hop_length: int, channels: int, subject) -> None:
    """Makes sure that features are those of a recording of this length.

    Args:
        features: Array `[frames, channels]`.
        num_samples: Of the recording.
        hop_length: Samples of a frame.
        channels: Of the features.
        subject: What the error names: the file of features.

    Raises:
        AudioError: Unless there is a frame for every sample, at most 2 more, and these channels.
    """
    needed = -(-num_samples // hop_length)
    if features.ndim != 2 or not needed <= len(features) <= needed + _SPARE_FRAMES or features.shape[1] != channels:
        expected = f"expected {needed} to {needed + _SPARE_FRAMES} frames of {channels} channels"
        received = f"{expected} for {num_samples} samples. Received: shape {features.shape}"
        raise AudioError(subject, received)


def _log_mel(waveform, spec):
    """Returns `log_mel(waveform, spec)`, computed on JAX at lengths that are powers of 2: it compiles each anew."""
    if keras.backend.backend() != "jax":
        return keras.ops.convert_to_numpy(log_mel(waveform, spec))
    frames = spec.num_frames(len(waveform))
    end = (frames - 1) * spec.hop_length + spec.fft_length - spec.frame_offset  # of what the last frame sees
    seen = max(end, spec.frame_offset + 1, len(waveform))
    padded = np.zeros(1 << (seen - 1).bit_length(), np.float32)
    if spec.padding == "zeros":
        padded[: len(waveform)] = waveform
    else:  # mirrored as far as the frames see
        position, period = np.arange(seen), max(2 * (len(waveform) - 1), 1)
        padded[:seen] = waveform[np.minimum(position % period, -position % period)]
    return keras.ops.convert_to_numpy(log_mel(padded, spec))[:frames]


def _read_spec(path):
    try:
        return _check_spec(path, json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise AudioError(path, f"{_EXPECTED}. Received: {error.strerror}.") from None
    except json.JSONDecodeError as error:
        raise AudioError(path, f"{_EXPECTED}. Received: {error}.") from None


def _check_spec(path, spec):
    hop_length = spec.get("hop_length") if isinstance(spec, dict) else None
    if type(hop_length) is not int or not 1 <= hop_length <= _MAX_HOP_LENGTH:
        raise AudioError(path, f"{_EXPECTED}. Received: hop_length={hop_length!r}.")
    return spec


def _read(path):
    """Returns the features of a file and their recipe, {} if it has none."""
    content = read_arrays(path, ["features"], optional="spec")
    features = content["features"] if isinstance(content, dict) else None
    if features is None or features.dtype.kind not in "fiu":
        received = "an array without a name" if features is None else f"values of type {features.dtype}"
        raise AudioError(path, f"expected a .npz file of numbers named features. Received: {received}.")
    features = features.astype(np.float32)
    if features.ndim != 2 or not np.isfinite(features).all():
        raise AudioError(path, f"expected finite features [frames, channels]. Received: shape {features.shape}")
    try:
        recipe = json.loads(str(content.get("spec", "{}")))
    except json.JSONDecodeError as error:
        raise AudioError(path, f"expected a recipe as JSON text. Received: {error}.") from None
    if not isinstance(recipe, dict):
        raise AudioError(path, f"expected a recipe as a JSON object. Received: {reprlib.repr(recipe)}.")
    return features, recipe
