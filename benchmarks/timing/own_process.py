"""Measures in a process of its own, so that one case leaves no memory, threads or compiled code to the next."""

import json
import subprocess
import sys


def measure_alone(module: str, case: dict[str, object]) -> dict[str, object]:
    """Runs a module that takes a case as JSON and prints its figures as JSON on its last line.

    Args:
        module: Its name.
        case: What it measures.

    Returns:
        The figures.

    Raises:
        ValueError: If the process fails, with the end of what it said.
    """
    done = subprocess.run([sys.executable, "-m", module, json.dumps(case)], capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"Measuring {case} failed: {done.stderr[-1000:]}")
    return json.loads(done.stdout.splitlines()[-1])
