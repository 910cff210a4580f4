"""Speed and memory of a training step: `python -m benchmarks.train --json` prints one JSON object a line.

Measured is `model.train_on_batch` on one batch that stays in memory: forward, backward, Adam and the metric, everything
that Keras does in a step, nothing subtracted; no data pipeline. Samples per second count every sample of the batch.

Beside it stands a bound: the step's matrix products alone (`benchmarks.timing.products`), always compiled with XLA. The
two take turns in the same process and the best time of each counts, because neighbours on a machine only ever make it
slower.
`ratio` is bound time over step time.

Each case runs in a process of its own, so that `peak_memory_mib` (largest resident size during training, before the
bound is built) is its own; `idle_memory_mib` was resident before the first step: Python, TensorFlow, the weights.
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
    rounds: int = 8
    """Steps measured; the best counts."""
    threads: int = 0
    """Threads of TensorFlow; 0 leaves the choice to it."""
    quick: bool = False
    """Only `tiny`, one row of 400 samples, two rounds: shows that it runs, the figures mean nothing."""
    json: bool = False
    """Print one JSON object a line instead of a sentence."""

    def __post_init__(self) -> None:
        """Checks each field."""
        check_numbers(self, "batch_size", "window_samples", "rounds", least=1)
        check_numbers(self, "threads", least=0)


def cases(config: BenchConfig) -> list[dict[str, object]]:
    """Lists what is measured.

    Args:
        config: What was asked for.

    Returns:
        Keyword arguments of `benchmarks.timing.train_step.measure`, each preset with XLA and without.
    """
    if config.quick:
        config = dataclasses.replace(config, presets=("tiny",), batch_size=1, window_samples=400, rounds=2)
    sizes = {name: getattr(config, name) for name in ("batch_size", "window_samples", "rounds", "threads")}
    return [{"preset": preset, "xla": xla, **sizes} for preset in config.presets for xla in (True, False)]


def main() -> None:
    """Measures as the command line says."""
    config = parse(BenchConfig)
    for case in cases(config):
        figures = measure_alone("benchmarks.timing.train_step", case)
        if config.json:
            print(json.dumps(figures), flush=True)
            continue
        print(
            f"{figures['preset']}, {'XLA' if figures['xla'] else 'no XLA'}, "
            f"{figures['batch_size']} x {figures['window_samples']} samples: "
            f"{figures['samples_per_second']:,.0f} samples/s, {figures['ratio']:.2f} of the bound of "
            f"{figures['bound_samples_per_second']:,.0f}; {figures['peak_memory_mib']:,.0f} MiB at the peak",
            flush=True,
        )


if __name__ == "__main__":
    run_command(main)
