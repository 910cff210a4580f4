"""What the user got wrong becomes one line and exit code 2; our own faults keep their traceback."""

import dataclasses
import importlib
import math
from types import SimpleNamespace

import pytest

from tf_wavenet.data import AudioError
from training.cli.command_line import check_numbers, parse, run


def raising(error):
    def command():
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("Expected a.\n Received: b"), "error: Expected a. Received: b\n"),
        (AudioError("a.wav", "expected audio."), "error: a.wav: expected audio.\n"),
        (OSError(28, "No space left on device", "a.wav"), "error: a.wav: No space left on device\n"),
    ],
)
def test_wrong_input_is_one_line_and_code_2(capsys, error, line):
    with pytest.raises(SystemExit) as caught:
        run(raising(error))
    assert caught.value.code == 2
    output = capsys.readouterr()
    assert output.err == line
    assert output.out == ""


def test_faults_of_ours_keep_their_traceback(monkeypatch):
    with pytest.raises(ZeroDivisionError):
        run(raising(ZeroDivisionError()))
    monkeypatch.setenv("TRACEBACK", "1")
    with pytest.raises(ValueError):
        run(raising(ValueError()))


def test_interrupt_has_the_shell_s_code():
    with pytest.raises(SystemExit) as caught:
        run(raising(KeyboardInterrupt()))
    assert caught.value.code == 130


@dataclasses.dataclass(frozen=True)
class Flags:
    """Flags."""

    number: int = 1
    """A number."""

    def __post_init__(self):
        if self.number > 9:
            raise ValueError(f"Expected {'a very long explanation ' * 10}of number. Received: number={self.number}")


def test_long_reasons_stay_whole():
    assert parse(Flags, ["--number", "9"]) == Flags(9)
    with pytest.raises(ValueError) as caught:
        parse(Flags, ["--number", "10"])
    assert str(caught.value) == f"Expected {'a very long explanation ' * 10}of number. Received: number=10"


def test_numbers_out_of_range_are_refused_by_name():
    fields = SimpleNamespace(a=1, b=0, c=None, d=math.nan)
    check_numbers(fields, "a", "c")
    check_numbers(fields, "a", "b", "c", least=0)
    with pytest.raises(ValueError, match="Expected b to be positive. Received: b=0"):
        check_numbers(fields, "a", "b")
    with pytest.raises(ValueError, match="Expected d to be at least 0. Received: d=nan"):
        check_numbers(fields, "d", least=0)


@pytest.mark.large
@pytest.mark.parametrize("verb", ["train", "generate", "evaluate", "export"])
def test_help_and_wrong_flags_of_every_script(verb, monkeypatch, capsys):
    main = importlib.import_module(f"training.{verb}").main
    monkeypatch.setattr("sys.argv", [verb, "--help"])
    with pytest.raises(SystemExit) as ended:
        run(main)
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage:")
    monkeypatch.setattr("sys.argv", [verb, "--nope"])
    with pytest.raises(SystemExit) as ended:
        run(main)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and "--nope" in line
