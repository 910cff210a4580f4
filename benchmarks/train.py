"""Speed and memory of a training step: `python -m benchmarks.train --json` prints one JSON object a line.

Measured is `model.train_on_batch` on one batch that stays in memory: forward, backward, Adam and the metric, everything
that Keras does in a step, nothing subtracted; no data pipeline. Samples per second count every sample of the batch.

Beside it stands a bound: the step's matrix products alone (`benchmarks.timing.products`), in the same precision and
always compiled with XLA. The two take turns in the same process and the best time of each counts, because neighbours on
a machine only ever make it slower.
`ratio` is bound time over step time.

Each case runs in a process of its own, so that `peak_memory_mib` (largest resident size during training, before the
bound is built) is its own; `idle_memory_mib` was resident before the first step: Python, TensorFlow, the weights.

With `--peer r9y9=CHECKOUT`, `peer_ratio` is our speed over that of r9y9/wavenet_vocoder on a network of the same size,
in float32, before and after our case, the better of the two. It needs torch beside tensorflow.
"""

import dataclasses
import json
from typing import Literal

from benchmarks.timing.own_process import measure_alone
from training.cli.command_line import check_numbers, parse
from training.cli.command_line import run as run_command


@dataclasses.dataclass(frozen=True)
class BenchConfig:
    """Measures training steps beside the bound of their matrix products."""

    presets: tuple[Literal["tiny", "small", "paper"], ...] = ("tiny", "small", "paper")
    """Architectures."""
    batch_size: int = 2
    """Rows of the batch."""
    window_samples: int = 8000
    """Samples of each row."""
    precisions: tuple[Literal["float32", "mixed_bfloat16"], ...] = ("float32", "mixed_bfloat16")
    """Precisions of the products; weights are float32."""
    rounds: int = 8
    """Steps measured; the best counts."""
    threads: int = 0
    """Threads of TensorFlow; 0 leaves the choice to it."""
    peer: str | None = None
    """"r9y9=CHECKOUT": measure that work tree's training beside ours."""
    quick: bool = False
    """Only `tiny` in float32, one row of 400 samples, two rounds: shows that it runs, the figures mean nothing."""
    json: bool = False
    """Print one JSON object a line instead of a sentence."""

    def __post_init__(self) -> None:
        """Checks each field."""
        check_numbers(self, "batch_size", "window_samples", "rounds", least=1)
        check_numbers(self, "threads", least=0)
        if self.peer is not None and not self.peer.startswith("r9y9="):
            raise ValueError(f"Expected peer to be r9y9=CHECKOUT. Received: peer={self.peer!r}")


def cases(config: BenchConfig) -> list[dict[str, object]]:
    """Lists what is measured.

    Args:
        config: What was asked for.

    Returns:
        Keyword arguments of `benchmarks.timing.train_step.measure`, each preset and precision with XLA and without.
    """
    if config.quick:
        config = dataclasses.replace(
            config, presets=("tiny",), precisions=("float32",), batch_size=1, window_samples=400, rounds=2
        )
    sizes = {name: getattr(config, name) for name in ("batch_size", "window_samples", "rounds", "threads")}
    return [
        {"preset": preset, "precision": precision, "xla": xla, **sizes}
        for preset in config.presets
        for precision in config.precisions
        for xla in (True, False)
    ]


def peer_speed(config: BenchConfig, case: dict[str, object]) -> float:
    """Returns the samples per second of the peer's training step of a case's size."""
    names = ("preset", "batch_size", "window_samples", "rounds", "threads")
    of_peer = {name: case[name] for name in names} | {"checkout": config.peer.removeprefix("r9y9=")}
    return measure_alone("benchmarks.peers.r9y9_train", of_peer)["samples_per_second"]


def main() -> None:
    """Measures as the command line says."""
    config = parse(BenchConfig)
    for case in cases(config):
        before = None if config.peer is None else peer_speed(config, case)
        figures = measure_alone("benchmarks.timing.train_step", case)
        if before is not None:
            figures["peer_samples_per_second"] = max(before, peer_speed(config, case))
            figures["peer_ratio"] = figures["samples_per_second"] / figures["peer_samples_per_second"]
        if config.json:
            print(json.dumps(figures), flush=True)
            continue
        print(
            f"{figures['preset']}, {figures['precision']}, {'XLA' if figures['xla'] else 'no XLA'}, "
            f"{figures['batch_size']} x {figures['window_samples']} samples: "
            f"{figures['samples_per_second']:,.0f} samples/s, {figures['ratio']:.2f} of the bound of "
            f"{figures['bound_samples_per_second']:,.0f}; {figures['peak_memory_mib']:,.0f} MiB at the peak"
            + (f"; {figures['peer_ratio']:.2f} of r9y9" if "peer_ratio" in figures else ""),
            flush=True,
        )


if __name__ == "__main__":
    run_command(main)
