"""The common edge of all scripts: flags from a dataclass, and one line on stderr for what the user got wrong."""

import contextlib
import ctypes
import io
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import tyro

Config = TypeVar("Config")


def parse(config_class: type[Config], args: Sequence[str] | None = None, default: Config | None = None) -> Config:
    """Reads a dataclass from command-line flags.

    Args:
        config_class: A dataclass; one flag a field.
        args: Flags; those of the process if None.
        default: Values of the flags that are not given; those of the class if None.

    Returns:
        The dataclass.

    Raises:
        ValueError: In one line, for an unknown flag or a value that the dataclass refuses.
    """
    report = io.StringIO()
    try:
        with contextlib.redirect_stderr(report):
            return tyro.cli(config_class, args=args, default=default, config=(tyro.conf.OmitArgPrefixes,))
    except SystemExit as exit_:
        if not exit_.code:  # --help
            raise
        # tyro draws a box: a title, the reason, a rule, and a pointer to --help.
        lines = [line.strip("│╭╮╰╯ ") for line in report.getvalue().splitlines()[1:]]
        reason = []
        for line in lines:
            if line.startswith("──"):
                break
            reason.append(line)
        text = " ".join(reason)
        raise ValueError(re.sub(rf"^Error parsing {config_class.__name__}: ", "", text)) from None


def check_numbers(config: object, *names: str, least: float | None = None) -> None:
    """Makes sure that fields of a dataclass are positive, or not below a number; None passes.

    Args:
        config: The dataclass.
        *names: The fields.
        least: The smallest number that passes; all above 0 if None.

    Raises:
        ValueError: Naming the first field that is out of range.
    """
    for name in names:
        value = getattr(config, name)
        if value is not None and not (value > 0 if least is None else value >= least):
            expected = "positive" if least is None else f"at least {least}"
            raise ValueError(f"Expected {name} to be {expected}. Received: {name}={value}")


def run(command: Callable[[], None]) -> None:
    """Runs a script's `main`; ends the process with one line on stderr where it cannot do what was asked.

    The code is 2 where the input is at fault, and 1 where numbers went bad.

    Set the environment variable TRACEBACK=1 to see where an error came from.

    Args:
        command: The script. ValueError (which the library and its AudioError use for wrong input) and OSError (a
            missing file, a full disk) are reported, and FloatingPointError (NaN or infinity) and MemoryError; any other
            exception is a fault of ours and keeps its traceback.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for names of files of any bytes
    try:
        command()
    except KeyboardInterrupt as error:
        print("interrupted", file=sys.stderr)
        _keep(error)
        raise SystemExit(130) from None
    except (ValueError, OSError, FloatingPointError, MemoryError) as error:
        if os.environ.get("TRACEBACK"):
            raise
        named = isinstance(error, OSError) and error.filename
        reason = f"{error.filename}: {error.strerror}" if named else str(error)
        print(f"error: {' '.join(reason.split())}", file=sys.stderr)
        _keep(error)
        raise SystemExit(1 if isinstance(error, FloatingPointError) else 2) from None


def _keep(error):
    """Keeps an error and its frames to the process's end.

    Freeing a tf.data iterator in them would wait, with the GIL held, for threads that wait for the GIL.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(error))
