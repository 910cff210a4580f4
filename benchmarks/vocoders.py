"""Speed and quality of vocoders: `python -m benchmarks.vocoders [--json]`, `... --runs runs/a runs/b`.

Without `--runs`, speed alone, of the published sizes and of the trained models that come with the package: each speaks
random mels of one utterance, compiled by XLA (`--no-jit-compile`: as TensorFlow runs a graph, by oneDNN's convolutions;
a WaveNet always by its own loop), the waveform fetched. Beside it, where PyTorch is installed and `--hifi-gan` or
`--parallel-wavegan` names a checkout of jik876/hifi-gan or kan-bayashi/ParallelWaveGAN, the original without weight
norm, on the same input in the same process. The two take turns and the best time of each counts; each uses the threads
that it chooses. `ratio` is our speed over the original's.

With `--runs`, trained models: what `benchmarks.quality` says of them, on the held-out files of the first, and how fast
each speaks.
"""

import dataclasses
import importlib
import json
import os
import sys
import time
import types
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

from benchmarks import quality
from benchmarks.judging.scores import table
from tf_wavenet import HiFiGAN, ISTFTVocoder, ParallelWaveGAN, Vocoder, WaveNet, load, shipped
from training.cli.command_line import check_numbers, parse
from training.cli.command_line import run as run_command

PRESETS = {
    **dict.fromkeys(("vocoder", "lpc_vocoder"), WaveNet),
    "istft_vocoder": ISTFTVocoder,
    "parallel_wavegan": ParallelWaveGAN,
    **dict.fromkeys(("hifi_gan_v1", "hifi_gan_v2", "hifi_gan_v3"), HiFiGAN),
}

SHIPPED = tuple(name for name in shipped() if "vocoder" in name)


@dataclasses.dataclass(frozen=True)
class VocodersConfig:
    """Measures vocoders on this machine's CPU."""

    runs: tuple[Path, ...] = ()
    """Run folders of trained models to compare."""
    models: tuple[str, ...] = ()
    """Published sizes and models of `tf_wavenet.shipped()` to measure, instead of all."""
    minutes: float = 5.0
    """How much of the held-out files to score."""
    temperature: float = 1.0
    """Of a WaveNet's sampling."""
    frames: int = 200
    """Length of the utterance in frames."""
    repeats: int = 5
    """Timed runs of each; the best counts."""
    hifi_gan: Path | None = None
    """Checkout of jik876/hifi-gan."""
    parallel_wavegan: Path | None = None
    """Checkout of kan-bayashi/ParallelWaveGAN."""
    jit_compile: bool = True
    """Compile with XLA."""
    json: bool = False
    """Print one JSON object a line."""

    def __post_init__(self) -> None:
        """Checks each field."""
        check_numbers(self, "frames", "repeats", least=1)
        if unknown := sorted(set(self.models) - {*PRESETS, *SHIPPED}):
            raise ValueError(f"Expected models out of {[*PRESETS, *SHIPPED]}. Received: {unknown}")
        for name in ("hifi_gan", "parallel_wavegan"):
            if getattr(self, name) is not None and not getattr(self, name).is_dir():
                raise ValueError(f"Expected {name} to be a checkout. Not found: {getattr(self, name)}")


def ours(model, features, noise, jit_compile):
    """Returns a function that speaks with our model."""
    if isinstance(model, WaveNet):
        return lambda: model.generate(noise.shape[1], local_condition=features)
    inputs = tf.constant(features)
    inputs = {"local_condition": inputs, "noise": tf.constant(noise)} if model.needs_noise else inputs
    speak = tf.function(model.call, autograph=False, jit_compile=jit_compile)
    return lambda: speak(inputs).numpy()


def original(preset, model, checkout, features, noise):
    """Returns a function that speaks with the original generator, random weights."""
    import scipy.signal
    import scipy.signal.windows
    import torch

    scipy.signal.kaiser = scipy.signal.windows.kaiser  # it has moved since
    sys.path.insert(0, str(checkout.resolve()))
    mels = torch.from_numpy(features.transpose(0, 2, 1).copy())
    if preset == "parallel_wavegan":
        network = importlib.import_module("parallel_wavegan.models.parallel_wavegan").ParallelWaveGANGenerator()
        inputs = (
            torch.from_numpy(noise)[:, None],
            torch.nn.ReplicationPad1d(model.aux_context_window)(mels),
        )
    else:
        config = model.get_config() | {"resblock": str(model.resblock)}
        network, inputs = importlib.import_module("models").Generator(types.SimpleNamespace(**config)), (mels,)
    network.eval().remove_weight_norm()

    def speak():
        with torch.no_grad():
            return network(*inputs).numpy()

    return speak


def seconds(speak):
    """Returns how long one call takes."""
    start = time.perf_counter()
    speak()
    return time.perf_counter() - start


def measure(model: WaveNet | Vocoder, config: VocodersConfig, preset: str | None = None) -> dict[str, object]:
    """Measures how fast a model speaks.

    Args:
        model: It.
        config: How.
        preset: Whose original to measure beside it, if it is at hand.

    Returns:
        The figures.
    """
    rng = np.random.default_rng(0)
    features = np.clip(rng.normal(size=(1, config.frames, model.local_channels)), -2.0, 2.0).astype("float32")
    noise = rng.normal(size=(1, config.frames * model.local_hop)).astype("float32")
    checkouts = {ParallelWaveGAN: config.parallel_wavegan, HiFiGAN: config.hifi_gan}
    checkout = None if preset is None else checkouts.get(PRESETS[preset])
    speakers = [ours(model, features, noise, config.jit_compile)]
    if checkout is not None:
        speakers.append(original(preset, model, checkout, features, noise))
    compile_seconds = [seconds(speak) for speak in speakers][0]
    times = [min(turn) for turn in zip(*([seconds(s) for s in speakers] for _ in range(config.repeats)), strict=True)]
    duration = noise.size / model.mel_spec.sample_rate
    figures = {
        "weights": model.count_params(),
        "audio_s": round(duration, 2),
        "x_real_time": round(duration / times[0], 2),
        "compile_s": round(compile_seconds, 1),
        "xla": config.jit_compile,
        "tensorflow": tf.__version__,
        "cores": os.cpu_count(),
    }
    if checkout is not None:
        figures |= {"original_x_real_time": round(duration / times[1], 2), "ratio": round(times[1] / times[0], 3)}
    return figures


def main() -> None:
    """Prints a line for each model."""
    config = parse(VocodersConfig)
    if config.runs:
        settings = {"minutes": config.minutes, "temperature": config.temperature, "json": config.json}
        summaries = quality.evaluate(quality.QualityConfig(model=config.runs, **settings))
        if not config.json:
            print(table(summaries))
        models = quality.load(config.runs).items()
    else:
        names = config.models or [*PRESETS, *SHIPPED]
        models = ((name, load(name) if name in SHIPPED else PRESETS[name].from_preset(name)) for name in names)
    for name, model in models:
        preset = None if config.runs or name in SHIPPED else name
        figures = {"model": name, **measure(model, config, preset)}
        line = json.dumps(figures) if config.json else ", ".join(f"{key} {value}" for key, value in figures.items())
        print(line, flush=True)


if __name__ == "__main__":
    run_command(main)
