"""Training steps on TensorFlow."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


def train_step(model, step, data) -> dict[str, tf.Tensor]:
    """Returns the logs."""
    return step(data)


test_step = train_step


def descend(optimizer, function, variables, state) -> tuple[tf.Tensor, Any]:
    """Takes a step of the optimizer and returns `function()`."""
    with tf.GradientTape() as tape:
        loss, auxiliary = function()
        scaled = optimizer.scale_loss(loss)
    optimizer.apply(tape.gradient(scaled, variables), variables)
    return loss, auxiliary


def value_and_gradient(function, x) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns `function(x)` and its gradient by x."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = function(x)
    return value, tape.gradient(value, x)


def normal(shape, seed, step) -> tf.Tensor:
    """Returns noise `shape`."""
    return tf.random.stateless_normal(shape, tf.stack([tf.constant(seed, tf.int64), tf.cast(step, tf.int64)]))


def share_of_replicas(weight) -> tf.Tensor | float:
    """Returns the weight of this replica over the mean of all."""
    replicas, context = tf.distribute.get_strategy().num_replicas_in_sync, tf.distribute.get_replica_context()
    if replicas == 1 or context is None:
        return 1.0
    total = context.all_reduce(tf.distribute.ReduceOp.SUM, weight)
    return tf.math.divide_no_nan(replicas * weight, total)


def metric_after(model, variable, result) -> np.ndarray:
    """Returns the variable's value."""
    return keras.ops.convert_to_numpy(variable)


def in_graph() -> bool:
    """Tells whether a `tf.function` is being traced."""
    return not tf.executing_eagerly()


def keep_state(model, arguments=None, result=None) -> None:
    """Does nothing: variables keep their values."""
