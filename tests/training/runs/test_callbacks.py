"""When callbacks act. What they do is tested on whole runs in test_train.py."""

import os
import signal
from types import SimpleNamespace

import keras
import pytest

from training.runs.callbacks import Checkpoints, Progress, StepCallback, StopOnInterrupt
from training.runs.clock import Budget, Clock
from training.runs.run_folder import RunFolder


def stand_in(callback):
    callback.set_model(SimpleNamespace(stop_training=False))
    return callback


@pytest.mark.parametrize(
    ("start", "stop_at", "expected"), [(0, None, [3, 6, 8]), (4, None, [6, 8]), (0, 4, [3, 4]), (7, None, [8])]
)
def test_steps_are_counted_from_the_beginning_of_the_run(start, stop_at, expected):
    acted = []
    callback = stand_in(StepCallback(every=3, start=start, steps=8))
    callback.on_step = lambda step, logs: acted.append(step)
    for batch in range(8 - start):
        callback.model.stop_training = start + batch + 1 == stop_at
        callback.on_train_batch_end(batch)
        if callback.model.stop_training:
            break
    assert acted == expected


@pytest.fixture
def interruptible():
    """Python's own handler, which a shell's background job does not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_second_interrupt_ends_at_once(capsys, interruptible):
    before = signal.getsignal(signal.SIGINT)
    stop = stand_in(StopOnInterrupt())
    stop.on_train_begin()
    stop.on_train_batch_end(0)
    assert not stop.model.stop_training
    os.kill(os.getpid(), signal.SIGINT)
    assert "Ctrl-C again" in capsys.readouterr().err
    stop.on_train_batch_end(1)
    assert stop.model.stop_training
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    stop.on_train_end()
    assert signal.getsignal(signal.SIGINT) is before


def test_progress_shows_all_steps_and_both_figures(capsys):
    progress = stand_in(Progress(every=1, start=5, steps=7))
    progress.on_train_begin()
    progress.on_train_batch_end(0, {"bits_per_sample": 4.5})
    progress.held_out = 4.25
    progress.on_train_batch_end(1, {"bits_per_sample": 4.0})
    progress.on_train_end()
    last = capsys.readouterr().err.split("\r")[-1]
    assert "7/7" in last
    assert "bits/sample=4.000, held-out=4.250" in last


def test_progress_shows_the_time(capsys):
    budget = Budget(2.5, Clock(0, seconds=75.0), [], 0, "cosine")
    progress = stand_in(Progress(every=1, start=0, steps=None, budget=budget))
    progress.on_train_begin()
    progress.model.stop_training = True
    progress.on_train_batch_end(0, {"bits_per_sample": 4.5})
    progress.on_train_end()
    assert "bits/sample=4.500, minutes=1.2/2.5" in capsys.readouterr().err.split("\r")[-1]


def test_two_checkpoints_are_kept(tmp_path):
    checkpoints = Checkpoints(every=1, start=0, steps=4, run=RunFolder(tmp_path), clock=Clock(0))
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.stop_training = False
    checkpoints.set_model(model)
    for batch in range(4):
        checkpoints.on_train_batch_end(batch)
    assert [step for step, _ in RunFolder(tmp_path).checkpoints()] == [3, 4]
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2 * 2


def test_five_minutes_never_pass_without_a_checkpoint(tmp_path):
    clock, saved = Clock(0, seconds=1000.0), []
    checkpoints = Checkpoints(every=5, start=0, steps=None, run=RunFolder(tmp_path), clock=clock)
    checkpoints.set_model(SimpleNamespace(stop_training=False, save_weights=lambda path: path.touch()))
    write = checkpoints.on_step
    checkpoints.on_step = lambda step, logs: saved.append(step) or write(step, logs)
    for batch in range(12):
        clock.seconds += 100.0
        checkpoints.on_train_batch_end(batch)
    assert saved == [3, 5, 8, 10]
