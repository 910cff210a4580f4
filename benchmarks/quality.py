"""Quality of speech, scored: `python -m benchmarks.quality --model runs/vocoder [--json]`, `... --data FOLDER`.

The recordings of a corpus are analysed into log-mel features and spoken again (copy synthesis) by each model, and by
Griffin-Lim from the same features; beside them stand the recordings themselves and their mu-law round trip (256
levels). All are judged at 16 kHz: PESQ-WB, STOI, mel-cepstral distortion, multi-resolution STFT loss and DNSMOS,
averaged over the files that the judge can judge, and the word error rate of a recogniser over all words. Its language
model is built from the texts of the corpus, those of the scored files among them, and is the same for all systems.
Needs `pip install -e ".[quality]"`.
"""

import contextlib
import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.judging.griffin_lim import griffin_lim
from benchmarks.judging.packages import PACKAGES, require
from benchmarks.judging.recordings import read
from benchmarks.judging.scores import Corpus, score, summarise, table
from benchmarks.judging.words import make_recognizer
from tf_wavenet import MelSpec, Vocoder, WaveNet, mu_law_decode, mu_law_encode
from tf_wavenet.data import log_mel, preprocess
from tf_wavenet.files import atomic_path
from training.cli.command_line import check_numbers, parse, run
from training.cli.wav import WavWriter
from training.runs.run_folder import SPEAKERS, load_model, set_voiced_temperature

BASELINES = ("recordings", "mu-law", "Griffin-Lim")


@dataclasses.dataclass(frozen=True)
class QualityConfig:
    """Scores copy synthesis beside the recordings, their mu-law round trip and Griffin-Lim."""

    model: tuple[Path, ...] = ()
    """Run folders of vocoders, or .keras files; the baselines alone if not given."""
    data: Path | None = None
    """Folder of recordings; the held-out files of the first run if not given."""
    minutes: float = 5.0
    """How much to score; whole files are drawn at random, silent ones left out."""
    batch_size: int = 8
    """Files to speak at once."""
    seed: int = 0
    """Of the draw and of the model; same seed, same figures."""
    temperature: float = 1.0
    """Of a WaveNet's sampling."""
    voiced_temperature: float | None = None
    """Factor on it in voiced frames, for models with linear prediction; their own if not given."""
    out: Path | None = None
    """New folder to write: the audio of each system, and the scores of each file in scores.json."""
    json: bool = False
    """Print one JSON object a line, one line a system."""

    def __post_init__(self) -> None:
        """Checks what nothing else does."""
        check_numbers(self, "minutes", "batch_size")
        if not self.model and self.data is None:
            raise ValueError("Expected --data or --model. Received: neither")
        names = [path.stem for path in self.model]
        if len({*names, *BASELINES}) < len(names) + len(BASELINES):
            raise ValueError(f"Expected models of different names. Received: {', '.join(names)}")


def copy_synthesis(
    model: WaveNet | Vocoder, waveforms: list[np.ndarray], batch_size: int = 8, seed: int = 0, **sampling: float
) -> list[np.ndarray]:
    """Analyses recordings and lets a model speak them again: the one place that knows the model's interface.

    Files of similar length are spoken together, padded with silence. A progress bar counts samples.

    Args:
        model: A vocoder: `mel_spec`, and `generate` with `local_condition`.
        waveforms: Float arrays `[time]` in [-1, 1] at the spec's rate.
        batch_size: Files to speak at once.
        seed: Of what is drawn.
        **sampling: More keyword arguments of `WaveNet.generate`, for a WaveNet.

    Returns:
        float32 arrays `[time]`, each of its recording's length and aligned with it.
    """
    spec = model.mel_spec
    spoken = {}
    order = np.argsort([len(waveform) for waveform in waveforms], kind="stable")
    with tqdm(total=sum(map(len, waveforms)), desc="speak", unit="sample", dynamic_ncols=True) as bar:
        for rows in np.split(order, range(batch_size, len(order), batch_size)):
            batch = [waveforms[row] for row in rows]
            gains = np.array([preprocess(waveform, spec)[1] for waveform in batch])
            padded = np.zeros([len(batch), math.ceil(len(batch[-1]) / spec.hop_length) * spec.hop_length], np.float32)
            for target, waveform, gain in zip(padded, batch, gains, strict=True):
                target[: len(waveform)] = gain * waveform
            features = log_mel(padded, spec)
            if not isinstance(model, Vocoder):
                sampling |= {"num_samples": padded.shape[1], "batch_size": len(batch)}
            audio = model.generate(local_condition=features, seed=seed, **sampling)
            audio = audio / gains[:, None]
            spoken |= {row: made[: len(waveforms[row])] for row, made in zip(rows, audio, strict=True)}
            bar.update(sum(map(len, batch)))
    return [spoken[row] for row in range(len(waveforms))]


def systems(
    waveforms: list[np.ndarray], spec: MelSpec, models: dict[str, WaveNet | Vocoder], config: QualityConfig
) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Makes audio of recordings, one system after the other, under progress bars.

    Args:
        waveforms: Float arrays `[time]` in [-1, 1] at the spec's rate.
        spec: Recipe of the features that Griffin-Lim inverts first.
        models: Vocoders by name; Griffin-Lim inverts the features of each recipe among theirs, too.
        config: Batch size, seed and temperature.

    Yields:
        Name of a system, and float arrays `[time]` as long as the recordings.
    """
    yield "recordings", waveforms
    yield "mu-law", [np.asarray(mu_law_decode(mu_law_encode(waveform))) for waveform in waveforms]
    yield "Griffin-Lim", _griffin_lim(waveforms, spec)
    inverted = [spec]
    for name, model in models.items():
        if model.mel_spec not in inverted:
            yield f"Griffin-Lim ({name})", _griffin_lim(waveforms, model.mel_spec)
            inverted.append(model.mel_spec)
        sampling = {} if isinstance(model, Vocoder) else {"temperature": config.temperature}
        yield name, copy_synthesis(model, waveforms, config.batch_size, config.seed, **sampling)


def _griffin_lim(waveforms: list[np.ndarray], spec: MelSpec) -> list[np.ndarray]:
    bar = tqdm(waveforms, desc="Griffin-Lim", unit="file", dynamic_ncols=True)
    gains = [preprocess(waveform, spec)[1] for waveform in waveforms]
    return [griffin_lim(log_mel(g * w, spec), spec, len(w)) / g for w, g in zip(bar, gains, strict=True)]


def load(paths: tuple[Path, ...]) -> dict[str, WaveNet | Vocoder]:
    """Loads vocoders to compare.

    Args:
        paths: Run folders, or .keras files.

    Returns:
        The models, by the names of their folders or files.

    Raises:
        ValueError: If one is no vocoder, or they speak at different rates.
    """
    models = {path.stem: load_model(path, SPEAKERS) for path in paths}
    for path, model in zip(paths, models.values(), strict=True):
        if model.mel_spec is None:
            raise ValueError(f"Expected --model to be a vocoder, made with a mel_spec. Received: {path}")
    rates = {model.mel_spec.sample_rate for model in models.values()}
    if len(rates) > 1:
        raise ValueError(f"Expected models of one sample rate. Received: {', '.join(map(str, sorted(rates)))} Hz")
    return models


def write(folder: Path, corpus: Corpus, audio: list[np.ndarray], sample_rate: int) -> None:
    """Writes one system's audio.

    Args:
        folder: To make; a file's place below it is its name in the corpus.
        corpus: Files, for their names.
        audio: Float arrays `[time]`; what lies outside [-1, 1] is clipped.
        sample_rate: In Hz.
    """
    for (file, _), made in zip(corpus, audio, strict=True):
        path = folder / f"{file.name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with WavWriter(path, sample_rate) as writer:
            writer.write(made)


def evaluate(config: QualityConfig) -> list[dict]:
    """Scores all systems; prints each as soon as it is judged if JSON is asked for, and writes what is asked for.

    Args:
        config: What to score.

    Returns:
        What `summarise` returns of each system.

    Raises:
        ValueError: For a model or data that cannot be used, a package that is missing, or something in the way of
            what is to be written.
    """
    if config.out is not None and config.out.exists() and (not config.out.is_dir() or any(config.out.iterdir())):
        raise ValueError(f"Expected --out to be a new folder. Already there: {config.out}")
    for package in PACKAGES:
        require(package)
    models = load(config.model)
    for model in models.values():
        set_voiced_temperature(model, config.voiced_temperature)
    spec = next((model.mel_spec for model in models.values()), MelSpec.from_preset("speech_16k"))
    corpus, texts = read(config.model, config.data, spec.sample_rate, config.minutes, config.seed)
    recognizer = make_recognizer(texts)
    summaries = []
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(atomic_path(config.out)) if config.out is not None else None
        scores = {}
        for name, audio in systems([recording for _, recording in corpus], spec, models, config):
            scores[name] = score(name, corpus, audio, spec.sample_rate, recognizer)
            summaries.append(summarise(name, corpus, scores[name], spec.sample_rate))
            if config.json:
                print(json.dumps(summaries[-1]), flush=True)
            if folder is not None:
                write(folder / name, corpus, audio, spec.sample_rate)
        if folder is not None:
            (folder / "scores.json").write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
    return summaries


def main() -> None:
    """Scores as the command line says."""
    config = parse(QualityConfig)
    summaries = evaluate(config)
    if not config.json:
        print(table(summaries))


if __name__ == "__main__":
    run(main)
