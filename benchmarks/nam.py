"""Speed of NAM models in a plug-in's blocks: `python -m benchmarks.nam --json` prints one JSON object a line.

Measured is `model.block_processor()` on one core: blocks of 64 samples at 48 kHz, one after the other, the state passed
on and every output fetched before the next block, nothing subtracted. x real time is the audio's duration over the
time it took.

Beside it, if `--core` names the program `benchmodel` of NeuralAmpModelerCore (C++, blocks of 64), runs that on the same
core and the same model, written by `write_nam`. The two take turns and the best time of each counts, because neighbours
on a machine only ever make it slower. `ratio` is our speed over the core's.
"""

import dataclasses
import json
from pathlib import Path
from typing import Literal

from benchmarks.timing.own_process import measure_alone
from training.cli.command_line import check_numbers, parse
from training.cli.command_line import run as run_command


@dataclasses.dataclass(frozen=True)
class BenchConfig:
    """Measures NAM models in blocks on one core."""

    presets: tuple[Literal["standard", "lite", "feather", "nano", "a2", "a2_lite"], ...] = (
        "standard",
        "lite",
        "feather",
        "nano",
        "a2",
        "a2_lite",
    )
    """Architectures."""
    block_samples: int = 64
    """Samples in a block."""
    rounds: int = 8
    """How often two seconds of audio are processed; the best counts."""
    core: Path | None = None
    """The program benchmodel of NeuralAmpModelerCore, to compare with."""
    json: bool = False
    """Print one JSON object a line instead of a sentence."""

    def __post_init__(self) -> None:
        """Checks each field."""
        check_numbers(self, "block_samples", "rounds", least=1)
        if self.core is not None and not self.core.is_file():
            raise ValueError(f"Expected core to be a program. Not found: {self.core}")


def main() -> None:
    """Measures as the command line says."""
    config = parse(BenchConfig)
    core = None if config.core is None else str(config.core.resolve())
    for preset in config.presets:
        case = {"preset": preset, "block_samples": config.block_samples, "rounds": config.rounds, "core": core}
        figures = measure_alone("benchmarks.peers.nam_blocks", case)
        if config.json:
            print(json.dumps(figures), flush=True)
            continue
        beside = f"; C++ {figures['core_x_real_time']:.1f}, ratio {figures['ratio']:.2f}" if core else ""
        print(
            f"{preset}: {figures['x_real_time']:.2f} x real time in blocks of {config.block_samples}, "
            f"{figures['microseconds_per_block']:.0f} us each{beside}",
            flush=True,
        )


if __name__ == "__main__":
    run_command(main)
