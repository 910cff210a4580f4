"""Speed of the vocoders that make all samples at once: `python -m benchmarks.vocoders [--json]`.

Each generator speaks random mels of one utterance, compiled by XLA, the waveform fetched. Beside it, where PyTorch is
installed and `--hifi-gan` or `--parallel-wavegan` names a checkout of jik876/hifi-gan or kan-bayashi/ParallelWaveGAN,
the original without weight norm, on the same input in the same process. The two take turns and the best time of each
counts; each uses the threads that it chooses. `ratio` is our speed over the original's. Quality: `benchmarks.quality`.
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

from tf_wavenet import HiFiGAN, ParallelWaveGAN
from training.command_line import parse
from training.command_line import run as run_command

PRESETS = {"hifi_gan_v1": HiFiGAN, "hifi_gan_v2": HiFiGAN, "hifi_gan_v3": HiFiGAN, "parallel_wavegan": ParallelWaveGAN}


@dataclasses.dataclass(frozen=True)
class VocodersConfig:
    """Measures the generators of GANs on this machine's CPU."""

    frames: int = 200
    """Length of the utterance in frames."""
    repeats: int = 5
    """Timed runs of each; the best counts."""
    hifi_gan: Path | None = None
    """Checkout of jik876/hifi-gan."""
    parallel_wavegan: Path | None = None
    """Checkout of kan-bayashi/ParallelWaveGAN."""
    json: bool = False
    """Print one JSON object a line."""

    def __post_init__(self) -> None:
        """Checks each field."""
        for name in ("frames", "repeats"):
            if getattr(self, name) < 1:
                raise ValueError(f"Expected {name} to be at least 1. Received: {name}={getattr(self, name)}")
        for name in ("hifi_gan", "parallel_wavegan"):
            if getattr(self, name) is not None and not getattr(self, name).is_dir():
                raise ValueError(f"Expected {name} to be a checkout. Not found: {getattr(self, name)}")


def ours(model, features, noise):
    """Returns a function that speaks with our generator."""
    inputs = tf.constant(features)
    inputs = {"local_condition": inputs, "noise": tf.constant(noise)} if model.needs_noise else inputs
    speak = tf.function(model.call, jit_compile=True)
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


def measure(preset: str, config: VocodersConfig) -> dict[str, object]:
    """Measures one generator.

    Args:
        preset: Its name.
        config: How.

    Returns:
        The figures.
    """
    model, rng = PRESETS[preset].from_preset(preset), np.random.default_rng(0)
    features = rng.normal(size=(1, config.frames, model.num_mels)).astype("float32")
    noise = rng.normal(size=(1, config.frames * model.local_hop)).astype("float32")
    checkout = config.parallel_wavegan if preset == "parallel_wavegan" else config.hifi_gan
    speakers = [ours(model, features, noise)]
    if checkout is not None:
        speakers.append(original(preset, model, checkout, features, noise))
    compile_seconds = [seconds(speak) for speak in speakers][0]
    times = [min(turn) for turn in zip(*([seconds(s) for s in speakers] for _ in range(config.repeats)), strict=True)]
    duration = noise.size / model.mel_spec.sample_rate
    figures = {
        "preset": preset,
        "weights": model.count_params(),
        "audio_s": round(duration, 2),
        "x_real_time": round(duration / times[0], 2),
        "compile_s": round(compile_seconds, 1),
        "tensorflow": tf.__version__,
        "cores": os.cpu_count(),
    }
    if checkout is not None:
        figures |= {"original_x_real_time": round(duration / times[1], 2), "ratio": round(times[1] / times[0], 3)}
    return figures


def main() -> None:
    """Prints a line for each generator."""
    config = parse(VocodersConfig)
    for preset in PRESETS:
        figures = measure(preset, config)
        line = json.dumps(figures) if config.json else ", ".join(f"{key} {value}" for key, value in figures.items())
        print(line, flush=True)


if __name__ == "__main__":
    run_command(main)
