"""When callbacks act. What they do is tested on whole runs in test_train.py."""

import os
import signal
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from training.runs.callbacks import Checkpoints, HeldOut, Progress, StepCallback, StopOnInterrupt, averaged_weights
from training.runs.clock import Budget, Clock
from training.runs.history import read
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


def test_the_best_model_stays_and_the_last_is_replaced(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd", "mse")
    model.stop_training = False
    options = {"sample_rate": 8000, "sample_seconds": 0.0, "progress": SimpleNamespace()}
    options |= {"clock": Clock(0, seconds=90.0), "samples_per_step": 5}
    # Right answers are twice the input.
    validation = tf.data.Dataset.from_tensors((np.ones((1, 1)), np.full((1, 1), 2.0)))
    run, writer = RunFolder(tmp_path), tf.summary.create_noop_writer()
    held_out = HeldOut(1, 0, 3, run=run, validation=validation, writer=writer, **options)
    twin = keras.models.clone_model(model)
    twin.compile(loss="mse")
    held_out.metric, held_out.make_twin = "loss", lambda: twin
    held_out.set_model(model)
    held_out.on_train_begin()
    for batch, weight in enumerate((1.0, 3.5, 4.0)):
        model.set_weights([np.full((1, 1), weight)])
        held_out.on_train_batch_end(batch)
    assert run.best_score() == (1, 1.0)
    assert run.last_step() == 3
    rows = read(run.progress)
    assert [(row["step"], row["samples"], row["loss"]) for row in rows] == [(1, 5, 1.0), (2, 10, 2.25), (3, 15, 4.0)]
    assert {row["minutes"] for row in rows} == {1.5}
    assert [row["learning_rate"] for row in rows] == pytest.approx([0.01] * 3)
    best, last = (float(keras.models.load_model(path).get_weights()[0][0, 0]) for path in (run.best, run.last))
    assert (best, last) == (1.0, 4.0)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_averaged_weights_are_those_of_the_optimizer(policy):
    layer = keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)
    model = keras.Sequential([keras.Input((1,)), layer])
    model.compile(keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.75), "mse", auto_scale_loss=False)
    if policy == "mixed_float16":
        model.optimizer = keras.optimizers.LossScaleOptimizer(model.optimizer)
    model.optimizer.build(model.trainable_variables)
    for _ in range(2):
        scale = getattr(model.optimizer, "dynamic_scale", 1.0)
        model.optimizer.apply([keras.ops.reshape(keras.ops.cast(scale, "float32"), (1, 1))])  # gradient 1
    # Weights 0 and -1 after the steps; the average begins at the first.
    assert float(averaged_weights(model)[0][0, 0]) == pytest.approx(0.75 * 0 + 0.25 * -1)
    assert float(layer.kernel[0, 0]) == pytest.approx(-1)
