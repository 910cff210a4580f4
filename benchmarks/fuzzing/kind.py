"""What a kind of damage is, and how whatever takes it in is called."""

import contextlib
import importlib
import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np

from training.cli.command_line import run

RATE = 8000


class Traceback(Exception):
    """A command ended by an exception that is no report to its user."""


def call(command: Callable[[], object]) -> bool:
    """Runs what takes a file in, as the scripts do.

    Returns:
        Whether it was taken; if not, it was refused in one line.

    Raises:
        Traceback: If it ended otherwise.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            run(command)
    except SystemExit as exit_:
        lines = [line for line in said.getvalue().splitlines() if line.startswith("error: ")]
        if exit_.code not in (1, 2) or len(lines) != 1:
            raise Traceback(f"exit code {exit_.code}: {said.getvalue()[-300:]}") from None
        return False
    except Exception as error:
        raise Traceback(f"{type(error).__name__}: {str(error)[:300]}") from error
    return True


def run_main(name: str, *arguments: object) -> bool:
    """Runs a command of `training` with these flags; as `call`."""
    module = importlib.import_module(f"training.{name}")
    with mock.patch.object(sys, "argv", [name, *map(str, arguments)]):
        return call(module.main)


def tone(samples: int) -> np.ndarray:
    """A noisy tone of so many samples."""
    return 0.5 * np.sin(0.3 * np.arange(samples)) + np.random.default_rng(samples).normal(0, 0.02, samples)


class Kind:
    """Makes cases, number by number, and lets something take them in.

    Args:
        work: Folder of its own.

    Attributes:
        files: Damaged files a case.
    """

    files = 1

    def __init__(self, work: Path) -> None:
        self.work = work

    def case(self, rng: np.random.Generator) -> bool:
        """Damages and takes in; whether it was taken."""
        raise NotImplementedError

    def folder(self) -> Path:
        """An empty folder."""
        path = self.work / "case"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path
