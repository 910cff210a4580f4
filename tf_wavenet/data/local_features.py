"""Where the local features of recordings come from."""

import json
import os
from pathlib import Path

import numpy as np

from tf_wavenet.data.audio_error import AudioError
from tf_wavenet.data.features import log_mel
from tf_wavenet.data.preprocess import preprocess
from tf_wavenet.mel_spec import MelSpec


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

    def __init__(self, spec: MelSpec):
        self.spec = spec
        self.hop_length = spec.hop_length
        self.channels = spec.num_mels

    def __call__(self, file, waveform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the waveform that a model learns to speak, and its features `[frames, channels]`, both float32."""
        target, gain = preprocess(waveform, self.spec)
        return target, np.asarray(log_mel(np.float32(gain) * waveform, self.spec))


class StoredFeatures:
    """Features that lie in a folder: `NAME.npz` with float32 `features` `[frames, channels]`, NAME the recording's.

    A file `spec.json` beside them says `hop_length`, in samples; `python -m training.prepare_linguistic` writes such a
    folder.

    Args:
        folder: The folder.

    Raises:
        AudioError: If there is no such folder with a `spec.json`; on use, if a recording's features are missing, are no
            such array, or do not cover the recording.

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

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)
        path = self.folder / "spec.json"
        try:
            self.hop_length = int(json.loads(path.read_text(encoding="utf-8"))["hop_length"])
            first = next(iter(sorted(self.folder.rglob("*.npz"))))
        except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
            raise AudioError(path, f"expected a folder of features with hop_length. Received: {error!r}") from None
        self.channels = _read(first).shape[1]

    def __call__(self, file, waveform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the waveform as it is, and the features of `file`, an `AudioFile`."""
        path = self.folder / f"{file.name}.npz"
        features = _read(path)
        needed = -(-len(waveform) // self.hop_length)
        if len(features) < needed or features.shape[1] != self.channels:
            expected = f"expected at least {needed} frames of {self.channels} channels"
            raise AudioError(path, f"{expected}. Received: shape {features.shape}")
        return waveform, features


def _read(path):
    try:
        with np.load(path, allow_pickle=False) as content:
            features = np.asarray(content["features"], np.float32)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise AudioError(path, f"expected features. Received: {error}") from None
    if features.ndim != 2 or not np.isfinite(features).all():
        raise AudioError(path, f"expected finite features [frames, channels]. Received: shape {features.shape}")
    return features
