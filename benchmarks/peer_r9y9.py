"""Trains r9y9/wavenet_vocoder (PyTorch) as `training.train` trains ours, and scores both on the same held-out audio.

    python -m benchmarks.peer_r9y9 --checkout DIR --ours runs/ours --json FLAGS OF training.train

The files held out, the windows and their order, the sample weights, the mu-law levels, the optimizer's settings, its
learning rate at each step, the clipping, the averaged weights and the number of steps are those that
`training.train` has with the same flags; `--precision` and `--jit-compile` do not concern the peer, which computes in
float32. `benchmarks.peers.r9y9.DIFFERENCES` lists what cannot be made equal. Needs torch beside tensorflow.

Progress goes to stderr; Ctrl-C ends training early and scores what there is. In the folder of `--run` lie `peer.jsonl`
(one line every `--validate-every` steps) and `peer.pt` (the averaged weights).
"""

import dataclasses
import json
import signal
import sys
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import torch

from benchmarks.judging.bits import bits_per_sample, held_out_bits, mean
from benchmarks.peers import r9y9 as peer
from tf_wavenet import WaveNet, mu_law_encode
from tf_wavenet.data import index_corpus, window_dataset
from training.cli.command_line import parse
from training.cli.command_line import run as run_command
from training.recipes import recipe_of
from training.runs.config import WaveNetConfig
from training.runs.run_folder import load_model


@dataclasses.dataclass(frozen=True)
class PeerConfig:
    """Trains r9y9/wavenet_vocoder on the task of `training.train`."""

    checkout: Path
    """Work tree of github.com/r9y9/wavenet_vocoder."""
    ours: Path | None = None
    """Run folder or .keras file of our model, to be scored on the same windows."""
    threads: int = 2
    """Threads of PyTorch."""
    json: bool = False
    """Print one JSON object instead of a sentence."""
    train: WaveNetConfig = dataclasses.field(default_factory=WaveNetConfig)
    """The flags of `training.train`."""


def to_levels(waveform: np.ndarray) -> torch.Tensor:
    """Encodes a waveform as our model does; int64 for PyTorch."""
    return torch.from_numpy(np.asarray(mu_law_encode(waveform), np.int64))


def compare(config: PeerConfig) -> dict[str, object]:
    """Trains the peer and scores it, and our model if one is given.

    Args:
        config: The task.

    Returns:
        Figures of the run, one JSON object. `bits_per_sample` is the best of the validations, since `training.train`
        keeps our best model.

    Raises:
        ValueError: If the checkout, the data or the run folder cannot be used.
    """
    task = config.train
    if task.steps is None:
        raise ValueError(f"Expected --steps, not --minutes. Received: minutes={task.minutes}")
    log = task.run / "peer.jsonl"
    if log.exists():
        raise ValueError(f"Expected --run to be a folder without a run of the peer. Already there: {log}")
    torch.manual_seed(task.seed)
    torch.set_num_threads(config.threads)
    twin = recipe_of(dataclasses.replace(task, precision="float32")).build()  # ours, untrained: sizes and optimizer
    network, average = make_network(config.checkout, twin), make_network(config.checkout, twin)
    files = index_corpus(task.data, task.sample_rate).split(task.validation_fraction, task.seed)
    training, validation = (
        window_dataset(part, task.window_samples, twin.receptive_field, task.batch_size, **order)
        for part, order in zip(files, ({"shuffle": True, "seed": task.seed, "repeat": True}, {}), strict=True)
    )
    task.run.mkdir(parents=True, exist_ok=True)
    trainer = peer.Trainer(network, average, twin.optimizer, task.ema)
    figures = {
        "peer": "r9y9/wavenet_vocoder",
        "preset": task.preset,
        "batch_size": task.batch_size,
        "window_samples": task.window_samples,
        "context_samples": twin.receptive_field,
        "threads": config.threads,
        "parameters": peer.count_parameters(network),
        "our_parameters": twin.count_params(),
        "differences": peer.DIFFERENCES,
        **train(trainer, training, validation, task, log),
    }
    if config.ours is not None:
        model = load_model(config.ours)
        ours = held_out_bits(lambda x: -keras.ops.convert_to_numpy(model.log_prob(x)), validation.as_numpy_iterator())
        figures |= {"our_bits_per_sample": ours, "ours_minus_peer": ours - figures["bits_per_sample"]}
    return figures


def train(
    trainer: peer.Trainer, training: tf.data.Dataset, validation: tf.data.Dataset, task: WaveNetConfig, log: Path
) -> dict[str, object]:
    """Trains for the steps of a task, or until Ctrl-C, and validates as it goes and at the end.

    Args:
        trainer: The peer before its first step.
        training: Batches without end.
        validation: Held-out batches.
        task: Numbers of steps.
        log: File to write, one JSON object a validation; the averaged weights go beside it.

    Returns:
        `steps`, `interrupted`, `training_seconds` without validation, `samples_per_second` (context included),
        `final_bits_per_sample` and the best of all validations, `bits_per_sample`.
    """

    def score(waveform: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return peer.nats(trainer.average, to_levels(waveform)).numpy()

    interrupts = []

    def on_interrupt(*_: object) -> None:
        interrupts.append(True)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("stopping after this step; Ctrl-C again to stop at once", file=sys.stderr)

    signal.signal(signal.SIGINT, on_interrupt)
    samples, seconds, scores = 0, 0.0, []
    interval = []  # bits and weight of each step since the last line on stderr
    batches = training.as_numpy_iterator()
    with log.open("w") as lines:
        done = False
        while not done:
            begin = time.perf_counter()
            waveform, _, weight = next(batches)
            nats = trainer.step(to_levels(waveform), torch.tensor(weight))
            seconds += time.perf_counter() - begin
            samples += waveform.size
            interval.append(bits_per_sample(nats, weight))
            done = trainer.steps == task.steps or bool(interrupts)
            validate = done or trainer.steps % task.validate_every == 0
            if not validate and trainer.steps % task.log_every:
                continue
            progress = {"step": trainer.steps, "seconds": seconds, "training_bits_per_sample": mean(interval)}
            interval = []
            if validate:
                progress["bits_per_sample"] = held_out_bits(score, validation.as_numpy_iterator())
                scores.append(progress["bits_per_sample"])
                print(json.dumps(progress), file=lines, flush=True)
                torch.save(trainer.average.state_dict(), log.with_name("peer.pt"))
            print(describe(progress, task.steps), file=sys.stderr, flush=True)
    return {
        "steps": trainer.steps,
        "interrupted": bool(interrupts),
        "training_seconds": seconds,
        "samples_per_second": samples / seconds,
        "final_bits_per_sample": scores[-1],
        "bits_per_sample": min(scores),
    }


def make_network(checkout: Path, model: WaveNet) -> torch.nn.Module:
    """Builds the peer's network in the sizes of our model."""
    gate = model.gate_channels or 2 * model.residual_channels
    return peer.build_network(
        checkout, model.dilations, model.kernel_size, model.residual_channels, gate, model.skip_channels
    )


def describe(progress: dict[str, float], steps: int) -> str:
    """One line about a step."""
    step, rate = progress["step"], progress["step"] / progress["seconds"]
    held_out = f", held out {progress['bits_per_sample']:.3f}" if "bits_per_sample" in progress else ""
    return (
        f"step {step}/{steps}: {progress['training_bits_per_sample']:.3f} bits per sample{held_out}, "
        f"{rate:.2f} steps/s, {(steps - step) / rate / 60:.1f} min left"
    )


def main() -> None:
    """Trains as the command line says."""
    config = parse(PeerConfig)
    tf.config.set_visible_devices([], "GPU")
    figures = compare(config)
    if config.json:
        print(json.dumps(figures))
    else:
        print(", ".join(f"{name} {value}" for name, value in figures.items() if name != "differences"))


if __name__ == "__main__":
    run_command(main)
