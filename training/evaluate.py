"""Measures bits per sample: `python -m training.evaluate --model runs/first [--data FOLDER] [--json]`."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from tf_wavenet import WaveNet
from tf_wavenet.data import Manifest, StoredFeatures, window_dataset
from training.cli.command_line import parse, run
from training.corpora.read_corpus import read_corpus
from training.runs.conditions import check_files, check_meaning, window_arguments
from training.runs.config import load_config
from training.runs.run_folder import find_run, load_model, stored_sample_rate
from training.scoring.baselines import entropy_bits
from training.scoring.scores import BASELINE_UNIT, Baselines, Score, table, unit_of

WINDOW_SAMPLES = 16000


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
    """Measures bits per sample of a model, file by file, beside codes that a model of 256 mu-law levels must beat.

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


def evaluate_files(
    model: WaveNet, manifest: Manifest, conditions: dict[str, Any], baselines: Baselines | None
) -> tuple[list[Score], Score]:
    """Scores each file, every sample with its full context.

    Args:
        model: The model.
        manifest: The files.
        conditions: Of `window_arguments`.
        baselines: Fit to the training files; None for a model whose bits are of another unit.

    Returns:
        Scores of the files, and of all of them together, each sample counting alike.
    """
    model.compile()
    unit, rate = unit_of(model.distribution), manifest.sample_rate
    scores, counts = [], 0
    for file in tqdm(manifest.files, unit="file", desc="evaluate", dynamic_ncols=True):
        alone = dataclasses.replace(manifest, files=(file,))
        windows = window_dataset(alone, WINDOW_SAMPLES, model.context_samples, 1, **conditions)
        bits = model.evaluate(windows, verbose=0, return_dict=True)["bits_per_sample"]
        figures, levels = ({}, 0) if baselines is None else baselines.score(file.load(rate))
        name = file.name or file.path.stem
        scores.append(Score(name, file.num_samples, file.num_samples / rate, unit, bits, **figures))
        counts = counts + levels
    samples = [score.samples for score in scores]
    means = {
        name: float(np.average([getattr(score, name) for score in scores], weights=samples))
        for name in ("model", "linear", "unigram", "uniform")
        if getattr(scores[0], name) is not None
    }
    if baselines is not None:
        means["entropy"] = entropy_bits(counts)
    return scores, Score("all", sum(samples), sum(samples) / rate, unit, **means)


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
    sample_rate = stored_sample_rate(config.model, model, config.sample_rate)
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
        features = load_config(trained.config).features
    conditions = window_arguments(model, features)
    check_files(conditions, manifest)
    if trained is not None and isinstance(conditions.get("features"), StoredFeatures):
        check_meaning(conditions["features"], trained)
    comparable = unit_of(model.distribution) == BASELINE_UNIT
    baselines = Baselines(list(learnt.files), sample_rate, model.mel_spec) if comparable else None
    return evaluate_files(model, manifest, conditions, baselines)


def main() -> None:
    """Evaluates as the command line says."""
    config = parse(EvaluateConfig)
    scores, total = evaluate(config)
    if config.json:
        files = [dataclasses.asdict(score) for score in scores]
        print(json.dumps({"model": str(config.model), "total": dataclasses.asdict(total), "files": files}))
    else:
        print(table(scores, total))


if __name__ == "__main__":
    run(main)
