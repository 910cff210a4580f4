"""Reads a sharded corpus once in this process; `benchmarks.corpus` runs it."""

import json
import sys
import time
from pathlib import Path

_BEGUN = time.perf_counter()

from training.corpora.read_corpus import read_corpus  # noqa: E402
from training.recipes.recipe import make_windows  # noqa: E402

_PAGE = 4096


def measure(
    folder: str, sample_rate: int, window_samples: int, context_samples: int, batch_size: int
) -> dict[str, float | int | list[float]]:
    """Reads every batch of an epoch as training does.

    Args:
        folder: The shards.
        sample_rate: Rate in Hz.
        window_samples: As for `WindowSource`.
        context_samples: As for `WindowSource`.
        batch_size: As for `WindowSource`.

    Returns:
        Seconds from the start of the process to the first batch; seconds, samples and batches of the epoch; memory in
        MiB after each tenth of it.
    """
    training, _ = read_corpus(Path(folder), sample_rate).split(0.1)
    dataset = make_windows(training, window_samples, context_samples, batch_size, shuffle=True, repeat=False)
    batches, memory = int(dataset.cardinality()), []
    iterator = iter(dataset)
    next(iterator)
    first = time.perf_counter()
    for number in range(1, batches):
        next(iterator)
        if number % max(1, batches // 10) == 0:
            memory.append(round(int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE / 2**20))
    seconds = time.perf_counter() - first
    return {
        "start_seconds": first - _BEGUN,
        "epoch_seconds": seconds,
        "samples": training.num_samples,
        "batches": batches,
        "samples_per_second": training.num_samples / seconds,
        "memory_mib": memory,
    }


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
