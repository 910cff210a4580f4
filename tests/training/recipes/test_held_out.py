"""Validation: measured, then kept, then shown. What comes of it is tested on whole runs in test_train.py."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from training.recipes.held_out import HeldOut, KeepModels, Measured, Show, averaged_weights
from training.runs.clock import Clock
from training.runs.history import read
from training.runs.run_folder import RunFolder
from training.runs.summaries import Summaries


class Recipe:
    """Of a model of one weight."""

    metric = "loss"
    config = SimpleNamespace(batch_size=1, window_samples=5, sample_rate=8000, sample_seconds=0.0)

    def make_twin(self, model):
        twin = keras.models.clone_model(model)
        twin.compile(loss="mse")
        return twin

    def network(self, model):
        return model


def make_model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd", "mse")
    model.stop_training = False
    return model


def test_the_best_model_stays_and_the_last_is_replaced(tmp_path):
    # Right answers are twice the input.
    validation = tf.data.Dataset.from_tensors((np.ones((1, 1)), np.full((1, 1), 2.0)))
    run, model, progress = RunFolder(tmp_path), make_model(), SimpleNamespace()
    then = [KeepModels(run), Show(Recipe(), {}, progress, Summaries(tmp_path / "logs"))]
    clock = Clock(0, seconds=90.0)
    held_out = HeldOut(1, 0, 3, recipe=Recipe(), run=run, validation=validation, clock=clock, then=then)
    held_out.set_model(model)
    held_out.on_train_begin()
    for batch, weight in enumerate((1.0, 3.5, 4.0)):
        model.set_weights([np.full((1, 1), weight)])
        held_out.on_train_batch_end(batch)
    assert run.best_score() == (1, 1.0)
    assert (run.last_step(), progress.held_out) == (3, 4.0)
    rows = read(run.progress)
    assert [(row["step"], row["samples"], row["loss"]) for row in rows] == [(1, 5, 1.0), (2, 10, 2.25), (3, 15, 4.0)]
    assert {row["minutes"] for row in rows} == {1.5}
    assert [row["learning_rate"] for row in rows] == pytest.approx([0.01] * 3)
    best, last = (float(keras.models.load_model(path).get_weights()[0][0, 0]) for path in (run.best, run.last))
    assert (best, last) == (1.0, 4.0)


def test_the_history_is_written_before_anything_is_kept_or_shown(tmp_path):
    run, seen = RunFolder(tmp_path), []
    validation = tf.data.Dataset.from_tensors((np.ones((1, 1)), np.ones((1, 1))))
    then = [lambda measured: seen.append(("first", len(read(run.progress)))), lambda measured: seen.append("second")]
    held_out = HeldOut(2, 0, 4, recipe=Recipe(), run=run, validation=validation, clock=Clock(0), then=then)
    held_out.set_model(make_model())
    held_out.on_train_begin()
    for batch in range(4):
        held_out.on_train_batch_end(batch)
    assert seen == [("first", 1), "second", ("first", 2), "second"]


@pytest.mark.parametrize(("before", "score", "kept"), [(None, 3.0, True), (None, np.nan, False), (2.0, 2.0, False)])
def test_only_a_better_model_becomes_the_best(tmp_path, before, score, kept):
    run = RunFolder(tmp_path)
    if before is not None:
        run.save_best(make_model(), 1, before)
    KeepModels(run)(Measured(5, make_model(), {"loss": score}, "loss", score))
    assert run.last_step() == 5
    assert (run.best_score() == (5, score)) == kept


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_averaged_weights_are_those_of_the_optimizer(policy):
    layer = keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)
    model = keras.Sequential([keras.Input((1,)), layer])
    model.compile(keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.75), "mse", auto_scale_loss=False)
    if policy == "mixed_float16":
        model.optimizer = keras.optimizers.LossScaleOptimizer(model.optimizer)
    model.optimizer.build(model.trainable_variables)
    average = 0.0
    for step in range(12):  # weights of 0, -1, ...; the average begins at the first
        scale = getattr(model.optimizer, "dynamic_scale", 1.0)
        model.optimizer.apply([keras.ops.reshape(keras.ops.cast(scale, "float32"), (1, 1))])  # gradient 1
        average = 0.75 * average - 0.25 * step
        # Until the first weights are next to nothing of it (0.75 ** 11 is 4 %) the newest are better.
        assert float(averaged_weights(model)[0][0, 0]) == pytest.approx(average if step >= 10 else -step)
    assert float(layer.kernel[0, 0]) == pytest.approx(-11)
