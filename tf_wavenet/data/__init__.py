"""Recordings as training data: reading, indexing, windows."""

from tf_wavenet.data.audio import load_audio
from tf_wavenet.data.audio_error import AudioError
from tf_wavenet.data.corpus import index_corpus
from tf_wavenet.data.dataset import steps_per_epoch, window_dataset
from tf_wavenet.data.decode_audio import decode_audio
from tf_wavenet.data.manifest import AudioFile, Manifest

__all__ = [
    "AudioError",
    "AudioFile",
    "Manifest",
    "decode_audio",
    "index_corpus",
    "load_audio",
    "steps_per_epoch",
    "window_dataset",
]
