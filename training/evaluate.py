"""Measures bits per sample: `python -m training.evaluate --model runs/first [--data FOLDER] [--json]`."""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tf_wavenet import MelSpec, WaveNet
from tf_wavenet.data import AudioFile, Manifest, preprocess, window_dataset
from training.baselines import LinearPredictor, count_levels, entropy_bits, unigram_bits
from training.command_line import parse, run
from training.conditions import window_arguments
from training.config import TrainConfig
from training.corpus import read_corpus
from training.runs import find_run, load_model, stored_sample_rate

WINDOW_SAMPLES = 16000
BASELINE_SAMPLES = 30 * 60 * 16000  # the baselines learn from no more than this, in whole files


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
    """Measures bits per sample of a model, file by file, beside codes that a model must beat.

    entropy: empirical entropy of the file's own mu-law levels, which no code without context can undercut.
    unigram: the levels' frequencies in the training files (add-one smoothing), coding the file.
    linear: an order-2 least-squares predictor of the waveform; the density of its error, fit to the training files
    as a mixture of four Laplace densities, integrated over each level's interval.
    """

    model: Path = Path("runs/wavenet")
    """Run folder, or a .keras file."""
    data: Path | None = None
    """Folder of recordings; the run's held-out files if not given."""
    features: Path | None = None
    """Folder of features for `data`, if the model was trained with such; the run's if not given."""
    sample_rate: int | None = None
    """Rate in Hz of the model; that of the training run if not given."""
    json: bool = False
    """Print one JSON object instead of a table."""


@dataclasses.dataclass(frozen=True)
class Score:
    """Bits per sample of one file, or of all.

    Attributes:
        name: Id of the file in its corpus, or "all".
        samples: Its length.
        model: The model.
        linear: The order-2 linear predictor.
        unigram: The training files' frequencies of levels.
        entropy: The file's own frequencies of levels.
        uniform: No knowledge at all.
    """

    name: str
    samples: int
    model: float
    linear: float
    unigram: float
    entropy: float
    uniform: float = 8.0


class Baselines:
    """The codes that know no more than their training files' levels, or two samples of context.

    Args:
        files: Training files.
        sample_rate: In Hz.
        spec: `MelSpec` of the model, if it has one: its pre-emphasis and loudness are applied first, as for the model.
    """

    def __init__(self, files: list[AudioFile], sample_rate: int, spec: MelSpec | None = None) -> None:
        chosen, samples = [], 0
        for index in np.random.default_rng(0).permutation(len(files)):
            if samples < BASELINE_SAMPLES:
                chosen.append(files[index])
                samples += files[index].num_samples
        self._spec = spec
        waveforms = [self._prepared(file.load(sample_rate)) for file in chosen]
        self.counts = sum(count_levels(waveform) for waveform in waveforms)
        self.predictor = LinearPredictor.fit(waveforms)

    def score(self, name: str, waveform: np.ndarray, model_bits: float) -> tuple[Score, np.ndarray]:
        """Codes one file.

        Args:
            name: Its name.
            waveform: Float array `[time]`.
            model_bits: What the model needs, in bits per sample.

        Returns:
            Its score, and the counts of its levels.
        """
        waveform = self._prepared(waveform)
        counts = count_levels(waveform)
        score = Score(
            name=name,
            samples=len(waveform),
            model=model_bits,
            linear=self.predictor.bits(waveform) / len(waveform),
            unigram=unigram_bits(self.counts, counts),
            entropy=entropy_bits(counts),
        )
        return score, counts

    def _prepared(self, waveform: np.ndarray) -> np.ndarray:
        return waveform if self._spec is None else preprocess(waveform, self._spec)[0]


def evaluate_files(
    model: WaveNet, manifest: Manifest, baselines: Baselines, features: Path | None = None
) -> tuple[list[Score], Score]:
    """Scores each file, every sample with its full context.

    Args:
        model: The model.
        manifest: The files.
        baselines: Fit to the training files.
        features: Folder of the files' features, if the model was trained with such.

    Returns:
        Scores of the files, and of all of them together, each sample counting alike.
    """
    model.compile()
    conditions = window_arguments(model, features)
    scores, counts = [], 0
    for file in tqdm(manifest.files, unit="file", desc="evaluate", dynamic_ncols=True):
        alone = dataclasses.replace(manifest, files=(file,))
        windows = window_dataset(alone, WINDOW_SAMPLES, model.context_samples, 1, **conditions)
        bits = model.evaluate(windows, verbose=0, return_dict=True)["bits_per_sample"]
        score, levels = baselines.score(file.name or file.path.stem, file.load(manifest.sample_rate), bits)
        scores.append(score)
        counts = counts + levels
    samples = [score.samples for score in scores]
    means = {
        name: float(np.average([getattr(score, name) for score in scores], weights=samples))
        for name in ("model", "linear", "unigram")
    }
    return scores, Score("all", sum(samples), entropy=entropy_bits(counts), **means)


def evaluate(config: EvaluateConfig) -> tuple[list[Score], Score]:
    """Scores a model on the held-out files of its run, or on a folder.

    Args:
        config: Model and data.

    Returns:
        Scores of the files, and of all of them together.

    Raises:
        ValueError: For a model or data that cannot be used.
    """
    model = load_model(config.model)
    sample_rate = stored_sample_rate(config.model, config.sample_rate)
    trained = find_run(config.model)
    if config.data is not None:
        manifest = read_corpus(config.data, sample_rate)
    elif trained is not None:
        manifest = Manifest.load(trained.validation)
    else:
        raise ValueError(f"Expected --data, because no training run lies around {config.model}")
    # A model without its run cannot tell what it was trained on; then the baselines may learn from the very files
    # that they code, which makes them harder to beat.
    learnt = manifest if trained is None else Manifest.load(trained.train)
    seen = {file.path.resolve() for file in learnt.files} & {file.path.resolve() for file in manifest.files}
    if trained is not None and seen:
        print(f"note: {len(seen)} of these {len(manifest.files)} files were trained on", file=sys.stderr)
    features = config.features
    if features is None and trained is not None:
        features = TrainConfig.load(trained.config).features
    return evaluate_files(model, manifest, Baselines(list(learnt.files), sample_rate, model.mel_spec), features)


def table(scores: list[Score], total: Score, sample_rate: int) -> str:
    """Lays out scores.

    Args:
        scores: Of the files.
        total: Of all of them.
        sample_rate: In Hz.

    Returns:
        Lines of text.
    """
    width = max(len(name) for name in ["file", "all", *(score.name for score in scores)])
    columns = ("model", "linear", "unigram", "entropy", "uniform")
    lines = [f"{'file':{width}}  seconds  " + "".join(f"{column:>9}" for column in columns) + "  (bits per sample)"]
    for score in [*scores, total]:
        figures = "".join(f"{getattr(score, column):9.3f}" for column in columns)
        lines.append(f"{score.name:{width}}  {score.samples / sample_rate:7.2f}  {figures}")
    return "\n".join(lines)


def main() -> None:
    """Evaluates as the command line says."""
    config = parse(EvaluateConfig)
    scores, total = evaluate(config)
    if config.json:
        files = [dataclasses.asdict(score) for score in scores]
        print(json.dumps({"model": str(config.model), "total": dataclasses.asdict(total), "files": files}))
    else:
        print(table(scores, total, stored_sample_rate(config.model, config.sample_rate)))


if __name__ == "__main__":
    run(main)
