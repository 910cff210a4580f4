"""Training ends where its numbers go bad, and names step, recordings and checkpoint."""

import dataclasses
import math

import keras
import numpy as np
import pytest

import training.train as script
from training.runs.finite import Finite
from training.runs.run_folder import RunFolder
from training.train import train


def watched(start=0, files=lambda number: [f"{number}.wav"], checkpoint=lambda: None):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, name="dense")])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    finite = Finite(start, files, checkpoint)
    finite.set_model(model)
    return finite, model


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("look", ["the next step", "require", "the end"])
def test_a_bad_loss_is_told(bad, look):
    finite, _ = watched(start=7, checkpoint=lambda: "step-00000005.weights.h5")
    finite.on_train_batch_end(0, {"loss": 1.0, "gradient_norm": math.inf})
    finite.on_train_batch_end(1, {"loss": 1.0, "discriminator_loss": bad})
    message = (
        f"^Expected a finite loss. Received: discriminator_loss={bad} at step 9, which learned from 8.wav; "
        "the last good checkpoint is step-00000005.weights.h5$"
    )
    with pytest.raises(FloatingPointError, match=message):
        if look == "the next step":
            finite.on_train_batch_end(2, {"loss": bad})
        elif look == "require":
            finite.require()
        else:
            finite.on_train_end()


@pytest.mark.parametrize("part", ["weights", "optimizer"])
def test_bad_weights_are_told_before_they_are_written(part):
    finite, model = watched(files=None)
    finite.on_train_batch_end(0, {"loss": 1.0})
    finite.require()
    variable = model.weights[0] if part == "weights" else model.optimizer.variables[-1]
    variable.assign(np.full(variable.shape, np.inf))
    message = "^Expected finite weights. Received: NaN or infinity in .* after step 1; there is no checkpoint$"
    with pytest.raises(FloatingPointError, match=message):
        finite.require()


def poison(monkeypatch, after):
    """Makes a weight NaN before the step that follows so many."""
    original = script.callbacks.Progress.on_step

    def on_step(self, step, logs):
        original(self, step, logs)
        if step == after:
            weight = self.model.trainable_weights[-1]
            weight.assign(np.full(weight.shape, np.nan))

    monkeypatch.setattr(script.callbacks.Progress, "on_step", on_step)


@pytest.mark.large
def test_a_run_ends_with_one_line_and_good_checkpoints(new_config, monkeypatch, capsys):
    poison(monkeypatch, after=6)
    flags = [f"--run={new_config.run}"]
    monkeypatch.setattr(script, "parse_config", lambda: new_config)
    monkeypatch.setattr("sys.argv", ["train", *flags])
    with pytest.raises(SystemExit) as ended:
        script.run_command(script.main)
    assert ended.value.code == 1
    said = capsys.readouterr().err.splitlines()[-1]
    run = RunFolder(new_config.run)
    assert said.startswith("error: Expected a finite loss. Received: loss=nan at step 7, which learned from ")
    assert said.count(".wav") in (1, 2) and said.endswith(f"the last good checkpoint is {run.checkpoint(4)}")
    assert [step for step, _ in run.checkpoints()] == [4] and run.last_step() == 4
    monkeypatch.undo()
    train(dataclasses.replace(new_config, resume=True))
    assert run.checkpoints()[-1][0] == 12


@pytest.mark.large
def test_no_checkpoint_holds_nan(new_config, monkeypatch):
    poison(monkeypatch, after=4)  # the step of a checkpoint, whose own loss was finite
    with pytest.raises(
        FloatingPointError, match="Expected finite weights.*after step 4, which.*there is no checkpoint"
    ):
        train(new_config)
    assert RunFolder(new_config.run).checkpoints() == []
