"""Takes in cases of one kind in this process; `benchmarks.fuzz` watches it."""

import json
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.fuzzing.kind import Traceback
from benchmarks.fuzzing.kinds import KINDS

_MEMORY = 12 << 30  # of addresses, of which TensorFlow reserves many


def main() -> None:
    """Prints a line before each case, and one after it."""
    name, seed, first, count = sys.argv[1], *map(int, sys.argv[2:])
    answers = sys.stdout
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        kind = KINDS[name](Path(folder))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        for number in range(first, first + count):
            print(json.dumps({"case": number}), file=answers, flush=True)
            try:
                result = {"taken": kind.case(np.random.default_rng((seed, number)))}
            except Traceback as error:
                result = {"traceback": str(error)}
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(json.dumps({"case": number, "memory_mib": memory, **result}), file=answers, flush=True)


if __name__ == "__main__":
    main()
