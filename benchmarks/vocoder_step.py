"""Speed of a vocoder's training step, before and after: `python -m benchmarks.vocoder_step [--json]`.

`istft_vocoder` in float32 with all four resolutions of the STFT loss in each step, in `mixed_bfloat16`, with two of
them in turn, and with both, as it is trained; `lpc_vocoder` in both precisions. Measured is `train_on_batch` on one
batch that stays in memory, compiled by XLA. The cases of a model take turns in one process and the best time of each
counts, because neighbours on a machine only ever make it slower; `ratio` is the first case's time over a case's.
"""

import dataclasses
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from tf_wavenet import GANVocoder, WaveNet
from training.cli.command_line import check_numbers, parse, run
from training.recipes.vocoder import make_gan
from training.runs.config import VocoderConfig

CASES = {
    "istft_vocoder": (("float32", False), ("mixed_bfloat16", False), ("float32", True), ("mixed_bfloat16", True)),
    "lpc_vocoder": (("float32", False), ("mixed_bfloat16", False)),
}


@dataclasses.dataclass(frozen=True)
class StepConfig:
    """Measures training steps of the two vocoders."""

    rounds: int = 5
    """Steps of each case that are timed; the best counts."""
    windows: int = 16
    """Windows of one second in a step of `istft_vocoder`; half as many of 2,400 samples in one of `lpc_vocoder`."""
    json: bool = False
    """Print one JSON object a line."""

    def __post_init__(self) -> None:
        """Checks each field."""
        check_numbers(self, "rounds", least=1)
        check_numbers(self, "windows", least=2)


def make(name: str, precision: str, in_turn: bool) -> keras.Model:
    """Makes a compiled model.

    Args:
        name: Of the model.
        precision: Keras dtype policy of the step.
        in_turn: Whether each step measures a share of the resolutions.

    Returns:
        The model.
    """
    if name == "lpc_vocoder":
        model = WaveNet.from_preset(name, dtype=precision)
        model.compile("adam", jit_compile=True)
        return model
    model = make_gan(VocoderConfig(model=name, precision=precision))
    if not in_turn:
        model = GANVocoder.from_config(model.get_config() | {"resolutions_per_step": None})
    model.compile("adam", jit_compile=True)
    return model


def batch(name: str, windows: int) -> tuple:
    """Makes a batch of noise.

    Args:
        name: Of the model.
        windows: Rows of `istft_vocoder`'s.

    Returns:
        Inputs and waveform, `[rows, samples]`.
    """
    rng = np.random.default_rng(0)
    rows, samples, margin = (windows // 2, 2400, 15) if name == "lpc_vocoder" else (windows, 16000, 0)
    waveform = tf.constant(rng.normal(0.0, 0.1, (rows, samples)), tf.float32)
    features = tf.constant(rng.normal(size=(rows, samples // 200 + 2 * margin, 80)), tf.float32)
    return {"waveform": waveform, "local_window" if margin else "local_condition": features}, waveform


def measure(name: str, config: StepConfig) -> list[dict[str, object]]:
    """Times the cases of a model.

    Args:
        name: Of the model.
        config: How often, and how large.

    Returns:
        The figures of each case.
    """
    models, data = [make(name, *case) for case in CASES[name]], batch(name, config.windows)

    def seconds(model: keras.Model) -> float:
        start = time.perf_counter()
        model.train_on_batch(*data)
        return time.perf_counter() - start

    for _ in range(2):  # compiles, and takes each share of the resolutions
        for model in models:
            seconds(model)
    # Two steps, since steps take turns in what they measure.
    turns = [[seconds(model) + seconds(model) for model in models] for _ in range(config.rounds)]
    best = np.min(turns, axis=0) / 2
    samples = int(np.prod(data[1].shape))
    return [
        {
            "model": name,
            "precision": precision,
            "resolutions_in_turn": in_turn,
            "samples_per_second": round(samples / seconds),
            "ratio": round(best[0] / seconds, 3),
            "tensorflow": tf.__version__,
        }
        for (precision, in_turn), seconds in zip(CASES[name], best, strict=True)
    ]


def main() -> None:
    """Prints a line for each case."""
    config = parse(StepConfig)
    for name in CASES:
        for figures in measure(name, config):
            line = ", ".join(f"{key} {value}" for key, value in figures.items())
            print(json.dumps(figures) if config.json else line, flush=True)


if __name__ == "__main__":
    run(main)
