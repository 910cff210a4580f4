"""Recordings of a TensorFlow Datasets (TFDS) dataset."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from tf_wavenet.data.audio_error import AudioError
from tf_wavenet.data.manifest import AudioFile, Manifest
from tf_wavenet.data.read_audio import check_sample_rate
from tf_wavenet.data.records import TFDS

_SPEAKERS, _TEXTS = ("speaker", "speaker_id"), ("text_normalized", "normalized_text", "text", "transcription")
_FULL_SCALE = 32768.0


def index_tfds(
    corpus: str | os.PathLike, sample_rate: int = 16000, *, progress: Callable[[int, int], None] | None = None
) -> Manifest:
    """Indexes a dataset of TFDS. Every recording is decoded once; bad ones are listed with their reason and left out.

    The dataset must be in ArrayRecord files, whose records can be read in any order. Its first `Audio` feature is the
    recording, "speaker" or "speaker_id" the speaker, "text_normalized", "text" or "transcription" the text.

    Args:
        corpus: "tfds:NAME", which is downloaded and prepared if need be, or "tfds:FOLDER", a prepared dataset.
        sample_rate: Rate in Hz, 1000 to 384000, that the corpus will be read at.
        progress: Called with (recordings decoded, recordings in all) after each.

    Returns:
        The manifest: recordings of all splits, by their place there.

    Raises:
        AudioError: If there is no such dataset, it has no `Audio` feature of a known rate, it is in files of another
            format, or none of its recordings can be read.
        ImportError: If tensorflow_datasets is not installed.
    """
    check_sample_rate(sample_rate, "sample_rate")
    corpus = os.fspath(corpus)
    dataset = _dataset(corpus)
    places = [(split, number) for split, source in sorted(dataset.sources.items()) for number in range(len(source))]
    files, rejected = [], []
    for done, (split, number) in enumerate(places, start=1):
        name = f"{split}/{number:08d}"
        path = Path(corpus, name)
        example = dataset.sources[split][number]
        try:
            length = len(dataset.waveform(example, path, sample_rate))
            files.append(AudioFile(path, length, *dataset.labels(example), name=name, record=number))
        except AudioError as error:
            rejected.append((path, error.reason))
        if progress is not None:
            progress(done, len(places))
    if not files:
        received = rejected[0][1] if rejected else "none"
        raise AudioError(corpus, f"expected at least one recording. Received: {received}")
    return Manifest(sample_rate, tuple(files), tuple(rejected))


def load_tfds(corpus: Path, record: int, name: str, sample_rate: int) -> np.ndarray:
    """Reads a recording.

    Args:
        corpus: As for `index_tfds`.
        record: Its place in the split.
        name: Its id in the manifest, "SPLIT/NUMBER".
        sample_rate: Rate in Hz.

    Returns:
        float32 array [time] in [-1, 1].

    Raises:
        AudioError: As `index_tfds` raises.
    """
    dataset = _dataset(os.fspath(corpus))
    source = dataset.sources.get(name.split("/")[0], ())
    if record >= len(source):
        raise AudioError(corpus, f"expected {name}. Received: {len(source)} recordings; index the corpus anew.")
    return dataset.waveform(source[record], Path(corpus, name), sample_rate)


@functools.lru_cache(maxsize=4)
def _dataset(corpus):
    return _Dataset(corpus)


class _Dataset:
    def __init__(self, corpus: str) -> None:
        try:
            import tensorflow_datasets as tfds
        except ImportError as error:
            message = f'{corpus}: expected tensorflow_datasets: pip install "tf-wavenet[scale]"'
            raise ImportError(message) from error
        name = corpus.removeprefix(TFDS)
        try:
            if Path(name).is_dir():
                builder = tfds.builder_from_directory(name)
            else:
                builder = tfds.builder(name, file_format="array_record")
                builder.download_and_prepare(file_format="array_record")
            self.sources = builder.as_data_source()
        except NotImplementedError:
            how = "python -m tensorflow_datasets.scripts.convert_format --out_file_format array_record"
            raise AudioError(corpus, f"expected array_record files. Received: others; convert them: {how}") from None
        except Exception as error:  # of many kinds, from the network to the name
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise AudioError(corpus, f"expected a dataset of TFDS, by name or folder. Received: {reason}") from None
        features = builder.info.features
        audio = [name for name, feature in features.items() if isinstance(feature, tfds.features.Audio)]
        if not audio:
            raise AudioError(corpus, f"expected an Audio feature. Received: {', '.join(sorted(features))}.")
        self.audio, self.rate = audio[0], features[audio[0]].sample_rate
        if not self.rate:
            raise AudioError(corpus, f"expected the Audio feature {self.audio!r} to tell its sample_rate.")
        self._speaker = next((name for name in _SPEAKERS if name in features), None)
        self._text = next((name for name in _TEXTS if name in features), None)
        self._classes = getattr(features[self._speaker] if self._speaker else None, "int2str", None)

    def labels(self, example: dict[str, Any]) -> tuple[str | None, str | None]:
        """Returns speaker and text of an example."""
        speaker = example.get(self._speaker)
        if speaker is not None:
            speaker = self._classes(int(speaker)) if self._classes else _text(speaker)
        return speaker or None, _text(example.get(self._text, "")) or None

    def waveform(self, example: dict[str, Any], path: Path, sample_rate: int) -> np.ndarray:
        """Returns the audio of an example, mono, at a rate."""
        audio = np.asarray(example[self.audio])
        waveform = audio.astype(np.float32) / (_FULL_SCALE if audio.dtype.kind in "iu" else 1.0)
        if waveform.ndim == 2:
            waveform = waveform.mean(axis=1)
        if not waveform.size or not np.abs(waveform).max() <= 1.0:
            received = f"{waveform.size} samples" if not waveform.size else f"a peak of {np.abs(waveform).max():g}"
            raise AudioError(path, f"expected 16-bit or float samples within full scale. Received: {received}.")
        if self.rate != sample_rate:
            waveform = np.clip(soxr.resample(waveform, self.rate, sample_rate, quality="HQ"), -1.0, 1.0)
        return waveform


def _text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
