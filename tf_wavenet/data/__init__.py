"""Recordings as training data: reading, indexing, windows, features.

May import files and signal. It passes on `log_mel`, `preprocess` and `restore`; no other room imports this one. Only
`decode_audio` and `window_dataset` need TensorFlow, which they import on first use.
"""

from tf_wavenet.data.audio import load_audio, load_channels
from tf_wavenet.data.audio_error import AudioError
from tf_wavenet.data.corpus import index_corpus
from tf_wavenet.data.dataset import window_dataset
from tf_wavenet.data.decode_audio import decode_audio
from tf_wavenet.data.features import load_features, save_features
from tf_wavenet.data.local_features import MelFeatures, StoredFeatures
from tf_wavenet.data.manifest import AudioFile, Manifest
from tf_wavenet.data.read_audio import read_audio
from tf_wavenet.data.voice_augmentation import VoiceAugmentation
from tf_wavenet.data.window_source import WindowSource
from tf_wavenet.data.windows import steps_per_epoch
from tf_wavenet.signal.log_mel import log_mel
from tf_wavenet.signal.preprocess import preprocess, restore

__all__ = [
    "AudioError",
    "AudioFile",
    "Manifest",
    "MelFeatures",
    "StoredFeatures",
    "VoiceAugmentation",
    "WindowSource",
    "decode_audio",
    "index_corpus",
    "load_audio",
    "load_channels",
    "load_features",
    "log_mel",
    "preprocess",
    "read_audio",
    "restore",
    "save_features",
    "steps_per_epoch",
    "window_dataset",
]
