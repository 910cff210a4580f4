"""Speed of NAM models in a plug-in's blocks: `python -m benchmarks.nam --json` prints one JSON object a line.

Measured is `model.block_processor(engine)` on one core: blocks of one size at 48 kHz, one after the other, the state
passed on and every output fetched before the next block, nothing subtracted. x real time is the audio's duration over
the time it took. Besides, the slowest of a thousand blocks (the 99.9th percentile of all rounds), which a player hears.

Beside it, if `--core` names the program `benchmodel_bufsize` of NeuralAmpModelerCore (C++), runs that on the same core,
the same model, written by `write_nam`, and the same block size. The two take turns and the best time of each counts,
because neighbours on a machine only ever make it slower. `ratio` is our speed over the core's.
"""

import dataclasses
import json
from pathlib import Path
from typing import Literal

from benchmarks.timing.own_process import measure_alone
from benchmarks.timing.provenance import provenance
from tf_wavenet.files import atomic_path
from training.cli.command_line import check_numbers, parse
from training.cli.command_line import run as run_command

PRESETS = ("standard", "lite", "feather", "nano", "a2", "a2_lite")


@dataclasses.dataclass(frozen=True)
class BenchConfig:
    """Measures NAM models in blocks on one core."""

    presets: tuple[Literal["standard", "lite", "feather", "nano", "a2", "a2_lite"], ...] = PRESETS
    """Architectures."""
    engine: Literal["native", "xla"] = "native"
    """What compiles the blocks."""
    block_samples: tuple[int, ...] = (16, 64, 256)
    """Samples in a block, one case for each."""
    rounds: int = 8
    """How often two seconds of audio are processed; the best counts."""
    core: Path | None = None
    """The program benchmodel_bufsize of NeuralAmpModelerCore, to compare with."""
    json: bool = False
    """Print one JSON object a line instead of a sentence."""
    out: Path | None = None
    """JSON file for all figures, their command and the versions."""

    def __post_init__(self) -> None:
        """Checks each field."""
        check_numbers(self, "rounds", least=1)
        if not self.block_samples or min(self.block_samples) < 1:
            raise ValueError(f"Expected block_samples of at least 1. Received: block_samples={self.block_samples}")
        if self.core is not None and not self.core.is_file():
            raise ValueError(f"Expected core to be a program. Not found: {self.core}")


def main() -> None:
    """Measures as the command line says."""
    config = parse(BenchConfig)
    core = None if config.core is None else str(config.core.resolve())
    rows = []
    for preset in config.presets:
        case = {"preset": preset, "engine": config.engine, "block_samples": config.block_samples}
        for figures in measure_alone("benchmarks.peers.nam_blocks", {**case, "rounds": config.rounds, "core": core}):
            rows.append(figures)
            if config.json:
                print(json.dumps(figures), flush=True)
                continue
            beside = f"; C++ {figures['core_x_real_time']:.1f}, ratio {figures['ratio']:.2f}" if core else ""
            print(
                f"{preset}: {figures['x_real_time']:.2f} x real time in blocks of {figures['block_samples']}, "
                f"{figures['microseconds_per_block']:.0f} us each, one of a thousand takes "
                f"{figures['slow_block_microseconds']:.0f}{beside}",
                flush=True,
            )
    if config.out is not None:
        sizes = " ".join(map(str, config.block_samples))
        command = f"python -m benchmarks.nam --presets {' '.join(config.presets)} --engine {config.engine} "
        command += f"--block-samples {sizes} --rounds {config.rounds}" + (" --core BENCHMODEL_BUFSIZE" if core else "")
        with atomic_path(config.out) as partial:
            partial.write_text(json.dumps(provenance(command) | {"rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    run_command(main)
