"""Which recordings a benchmark scores."""

import sys
from pathlib import Path

import numpy as np

from benchmarks.judging.scores import Corpus
from tf_wavenet.data import Manifest
from training.corpora.read_corpus import read_corpus
from training.runs.run_folder import find_run

SILENCE = 10 ** (-50 / 20)


def draw(manifest: Manifest, minutes: float, seed: int) -> Corpus:
    """Draws recordings at random until there are enough.

    Args:
        manifest: The corpus.
        minutes: Length to reach.
        seed: Of the draw.

    Returns:
        Files and their waveforms, none of them silent (no sample above -50 dB), in the manifest's order.

    Raises:
        ValueError: If all are silent.
    """
    drawn, samples = {}, 0
    for index in np.random.default_rng(seed).permutation(len(manifest.files)):
        if samples >= 60 * minutes * manifest.sample_rate:
            break
        waveform = manifest.files[index].load(manifest.sample_rate)
        if np.max(np.abs(waveform)) >= SILENCE:
            drawn[index] = waveform
            samples += len(waveform)
    if not drawn:
        raise ValueError(f"Expected recordings that are not silent. Received: {len(manifest.files)} silent files")
    return [(manifest.files[index], drawn[index]) for index in sorted(drawn)]


def read(
    models: tuple[Path, ...], data: Path | None, sample_rate: int, minutes: float, seed: int
) -> tuple[Corpus, list[str | None]]:
    """Reads the recordings to score.

    Args:
        models: Run folders, or model files.
        data: Folder of recordings; None for the held-out files of the run around the first of `models`.
        sample_rate: In Hz.
        minutes: Length to draw.
        seed: Of the draw.

    Returns:
        Files with their waveforms, and the texts of the whole corpus, for the recogniser. A note on stderr tells how
        many of the files a model was trained on.

    Raises:
        ValueError: If there is nothing to score, or the run's files are of another rate.
    """
    runs = [run for run in map(find_run, models) if run is not None]
    learnt = [Manifest.load(run.train).files for run in runs]
    if data is not None:
        manifest = read_corpus(data, sample_rate)
        texts = [file.text for file in manifest.files]
    elif runs:
        manifest = Manifest.load(runs[0].validation)
        texts = [file.text for file in (*learnt[0], *manifest.files)]
    else:
        raise ValueError(f"Expected --data, because no training run lies around {', '.join(map(str, models))}")
    if manifest.sample_rate != sample_rate:
        raise ValueError(f"Expected recordings at {sample_rate} Hz. Received: a run at {manifest.sample_rate} Hz")
    corpus = draw(manifest, minutes, seed)
    seen = {file.path.resolve() for files in learnt for file in files} & {file.path.resolve() for file, _ in corpus}
    if seen:
        print(f"note: {len(seen)} of these {len(corpus)} files were trained on", file=sys.stderr)
    return corpus, texts
