"""Makes linguistic features of a corpus: `python -m training.prepare_linguistic CORPUS --out FEATURES`."""

import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tyro
from tqdm import tqdm

from tf_wavenet.data import AudioFile
from tf_wavenet.files import atomic_path
from training.cli.command_line import parse, run
from training.corpora.read_corpus import read_corpus
from training.text.align import SAMPLE_RATE as ALIGNER_RATE
from training.text.align import Aligner
from training.text.espeak_voice import VOICES
from training.text.f0 import measure_f0
from training.text.labels import LABEL_SUFFIXES, read_labels, write_htk
from training.text.linguistic import linguistic_features
from training.text.linguistic_spec import LinguisticSpec
from training.text.phonemes import Phone, espeak_version, phonemize, speak_phonemes

SPEC_FILE = "spec.json"
ALIGNED_VOICE = "en-us"
_SAME = 0.01  # full scale; the sample corpus and espeak-ng 1.51 differ by the rounding to 16 bits


@dataclasses.dataclass(frozen=True)
class PrepareLinguisticConfig:
    """Writes the linguistic features of each recording, NAME.npz, and their spec.json: phones, timing, pitch.

    What is spoken when is read from label files, or with --align found in the recordings, whose texts must be known.
    Without either the corpus has to be the sample corpus, which espeak-ng speaks again to tell. Timing that was not
    read is written too, as NAME.lab.
    """

    corpus: tyro.conf.Positional[Path]
    """Folder of recordings, as for training."""
    out: Path
    """Folder to write to."""
    labels: Path | None = None
    """Folder of label files named as the recordings: .TextGrid (Praat, Montreal Forced Aligner) or .lab (HTK, HTS)."""
    align: bool = False
    """Have espeak-ng pronounce the texts, in US English, and pocketsphinx find the phones in the recordings; those that
    do not say their text are left out."""
    tier: str = "phones"
    """Tier of a TextGrid that holds the phones."""
    sample_rate: int = 16000
    """Rate in Hz that the model is trained at."""
    hop_length: int = 80
    """Samples of a frame; 80 at 16 kHz are the 5 ms of the WaveNet paper."""
    f0_floor: float = 60.0
    """Lowest pitch to look for, in Hz."""
    f0_ceil: float = 400.0
    """Highest pitch to look for, in Hz."""

    def __post_init__(self) -> None:
        """Checks that there is one way to the phones."""
        if self.align and self.labels is not None:
            raise ValueError("Expected --labels or --align. Received: both")


def labels_of_files(folder: Path, tier: str) -> Callable[[AudioFile], list[Phone]]:
    """Returns a function that reads the label file of a recording: `folder / f"{name}.TextGrid"`, or `.lab`.

    Args:
        folder: Folder of label files.
        tier: Tier of a TextGrid that holds the phones.
    """

    def read(file: AudioFile) -> list[Phone]:
        paths = [folder / f"{file.name}{suffix}" for suffix in LABEL_SUFFIXES]
        found = [path for path in paths if path.is_file()]
        if not found:
            raise ValueError(f"{paths[0]}: expected a label file of {file.path}, or {paths[1].name}.")
        return read_labels(found[0], tier)

    return read


def labels_of_espeak(sample_rate: int) -> Callable[[AudioFile], list[Phone]]:
    """Returns a function that has espeak-ng speak the text of a recording of the sample corpus.

    It raises a ValueError where that is not what the recording holds.

    Args:
        sample_rate: In Hz.
    """

    def speak(file: AudioFile) -> list[Phone]:
        if file.speaker not in VOICES or not file.text:
            expected = f"a text, and a speaker out of {', '.join(VOICES)}, as in the sample corpus; or --labels"
            raise ValueError(f"{file.path}: expected {expected}. Received: speaker {file.speaker}, text {file.text!r}.")
        spoken, phones = speak_phonemes(file.text, VOICES[file.speaker], sample_rate)
        recorded = file.load(sample_rate)
        if len(spoken) != len(recorded) or np.abs(spoken - recorded).max() > _SAME:
            made = f"what espeak-ng {espeak_version()} speaks for its text (1.51 made the sample corpus); or --labels"
            raise ValueError(
                f"{file.path}: expected {made}. "
                f"Received: another waveform, {len(recorded)} samples where espeak-ng speaks {len(spoken)}."
            )
        return phones

    return speak


def align(files: Sequence[AudioFile]) -> dict[AudioFile, list[Phone]]:
    """Finds the phones of recordings by forced alignment, and names on stderr those that it leaves out.

    Args:
        files: Recordings of US English whose texts are known.

    Returns:
        The phones of each recording that says its text.

    Raises:
        ValueError: If espeak-ng or pocketsphinx is not installed, or no recording says its text.
    """
    aligner, labels = Aligner(), {}
    symbols = phonemize([file.text or "" for file in files], ALIGNED_VOICE)
    bar = _progress(zip(files, symbols, strict=True), "phones", total=len(files))
    for file, spoken in bar:
        try:
            labels[file] = aligner.align(file.load(ALIGNER_RATE), spoken)
        except ValueError as error:
            bar.write(f"left out: {file.path}: {error}", file=sys.stderr)
    if not labels:
        raise ValueError("Expected recordings that say their texts (metadata.csv, or NAME.txt). Received: none")
    return labels


def prepare(config: PrepareLinguisticConfig) -> LinguisticSpec:
    """Writes the features of a corpus; spec.json last, so that a folder that has it is whole.

    Args:
        config: What to read and where to write.

    Returns:
        The spec of the features; its phones are those of the corpus.

    Raises:
        ValueError: For recordings, labels or settings that cannot be used.
        OSError: For files that cannot be read or written.
    """
    frames = {name: getattr(config, name) for name in ("sample_rate", "hop_length", "f0_floor", "f0_ceil")}
    LinguisticSpec(("_",), **frames)  # settings are checked before minutes are spent
    files = read_corpus(config.corpus, config.sample_rate).files
    if config.align:
        labels = align(files)
    else:
        from_files = config.labels is not None
        label = labels_of_files(config.labels, config.tier) if from_files else labels_of_espeak(config.sample_rate)
        labels = {file: label(file) for file in _progress(files, "phones")}
    spec = LinguisticSpec(tuple(sorted({phone.symbol for phones in labels.values() for phone in phones})), **frames)
    (config.out / SPEC_FILE).unlink(missing_ok=True)
    for file, phones in _progress(labels.items(), "pitch"):
        waveform = file.load(config.sample_rate)
        if phones[-1].start >= len(waveform) / config.sample_rate:
            received = f"{len(waveform) / config.sample_rate:.2f} s, and a phone at {phones[-1].start:.2f} s"
            raise ValueError(f"{file.path}: expected a recording as long as its labels. Received: {received}.")
        features = linguistic_features(phones, measure_f0(waveform, spec), spec)
        with atomic_path(config.out / f"{file.name}.npz") as partial:
            np.savez_compressed(partial, features=features, spec=np.array(json.dumps(spec.get_config())))
        if config.labels is None:
            write_htk(config.out / f"{file.name}.lab", phones)
    spec.save(config.out / SPEC_FILE)
    return spec


def _progress(items, what, **options):
    return tqdm(items, desc=what, unit="file", dynamic_ncols=True, leave=False, disable=None, **options)


def main() -> None:
    """Runs the command."""
    config = parse(PrepareLinguisticConfig)
    spec = prepare(config)
    print(f"{len(spec.phones)} phones: {' '.join(spec.phones)}")
    print(f"wrote {config.out}: {spec.num_channels} channels, {spec.sample_rate / spec.hop_length:g} frames a second")


if __name__ == "__main__":
    run(main)
