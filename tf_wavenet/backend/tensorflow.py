"""Training steps on TensorFlow."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


def train_step(model, step, data) -> dict[str, tf.Tensor]:
    """Takes a training step; what a model's own `train_step` returns.

    Args:
        model: The `keras.Model` whose step it is.
        step: Function of a batch that takes the step and returns the logs, a dict of scalars by name. It may assign to
            variables of the model and of its optimizers.
        data: What Keras gives `train_step` on this backend, the batch: `x`, `(x, y)` or `(x, y, sample_weight)`. On JAX
            there are two arguments in its place, the state and the batch.

    Returns:
        The logs, as Keras wants them on this backend. On JAX the logs and the state after the step.

    Example:
    >>> class Watched(keras.Model):
    ...     def train_step(self, *arguments):
    ...         return train_step(self, lambda data: {"mean": keras.ops.mean(data)}, *arguments)
    >>> model = Watched()
    >>> model.compile(run_eagerly=True)
    >>> history = model.fit(np.array([[1.0], [3.0]], "float32"), verbose=0)
    >>> history.history["mean"]
    [2.0]
    """
    return step(data)


test_step = train_step
"""As `train_step`, for what a model's own `test_step` returns: the step takes no gradients."""


def descend(optimizer, function, variables, state) -> tuple[tf.Tensor, Any]:
    """Takes a step of an optimizer down the gradient of a loss.

    Args:
        optimizer: A `keras.optimizers.Optimizer`, built for the variables; it scales the loss if it is a
            `LossScaleOptimizer`.
        function: Function of nothing that returns `(loss, auxiliary)`: a scalar tensor, and tensors in any structure.
            It may assign to the variables in `state`, such as those of metrics.
        variables: List of the `keras.Variable`s that the step moves.
        state: List of all other `keras.Variable`s that `function` assigns to.

    Returns:
        `(loss, auxiliary)` as `function` returned them, from before the step.

    Example:
    >>> weight, optimizer = keras.Variable(3.0), keras.optimizers.SGD(0.5)
    >>> optimizer.build([weight])
    >>> loss, _ = descend(optimizer, lambda: (keras.ops.square(weight), None), [weight], state=[])
    >>> float(loss), float(weight.value)  # 3 - 0.5 * 6
    (9.0, 0.0)
    """
    with tf.GradientTape() as tape:
        loss, auxiliary = function()
        # The optimizer sums the gradients of all replicas.
        scaled = optimizer.scale_loss(loss) / tf.distribute.get_strategy().num_replicas_in_sync
    optimizer.apply(tape.gradient(scaled, variables), variables)
    return loss, auxiliary


def value_and_gradient(function, x) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the value of a function and its gradient.

    Args:
        function: Function of `x` that returns a scalar tensor.
        x: Floating point tensor of any shape.

    Returns:
        `(value, gradient)`: `function(x)`, and its gradient by `x`, a tensor of the shape of `x`.

    Example:
    >>> value, gradient = value_and_gradient(lambda x: keras.ops.sum(x**2), keras.ops.array([1.0, 3.0]))
    >>> float(value), keras.ops.convert_to_numpy(gradient).tolist()
    (10.0, [2.0, 6.0])
    """
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = function(x)
    return value, tape.gradient(value, x)


def normal(shape, seed, step) -> tf.Tensor:
    """Returns normal noise of mean 0 and variance 1 that seed and step alone decide.

    Args:
        shape: Sequence of ints or scalar integer tensors.
        seed: Int >= 0.
        step: Int >= 0 or scalar integer tensor, such as the number of the training step.

    Returns:
        float32 tensor of that shape: on a replica of `tf.distribute`, its rows of the noise of all. The numbers differ
        from backend to backend.

    Example:
    >>> noise, again, other = normal((2, 3), seed=0, step=5), normal((2, 3), 0, 5), normal((2, 3), 0, 6)
    >>> bool(keras.ops.all(noise == again)), bool(keras.ops.any(noise == other))
    (True, False)
    """
    replicas, context = _replicas()
    seeds = tf.stack([tf.constant(seed, tf.int64), tf.cast(step, tf.int64)])
    if replicas == 1:
        return tf.random.stateless_normal(shape, seeds)
    rows, *rest = shape
    first = context.replica_id_in_sync_group * rows
    return tf.random.stateless_normal([rows * replicas, *rest], seeds)[first : first + rows]


def share_of_replicas(weight) -> tf.Tensor | float:
    """Returns the weight of this replica over the mean of all replicas' weights.

    A replica's mean times this is its part of the mean over all replicas' samples.

    Args:
        weight: Scalar floating point tensor, such as the sum of the sample weights of the replica's batch.

    Returns:
        Scalar tensor, 0 where all weights are 0; the float 1.0 where there is one replica.

    Example:
    >>> share_of_replicas(keras.ops.array(3.0))
    1.0
    """
    replicas, context = _replicas()
    if replicas == 1:
        return 1.0
    total = context.all_reduce(tf.distribute.ReduceOp.SUM, weight)
    return tf.math.divide_no_nan(replicas * weight, total)


def _replicas():
    """The number of replicas, and the context of the one that computes; 1 and None where none does."""
    context = tf.distribute.get_replica_context()
    return (1 if context is None else tf.distribute.get_strategy().num_replicas_in_sync), context


def sum_of_replicas(value) -> tf.Tensor:
    """Returns the sum of a tensor over all replicas, through which gradients go.

    Args:
        value: Floating point tensor of any shape, the same on all replicas.

    Returns:
        Tensor of that shape; `value` itself where there is one replica.

    Example:
    >>> float(sum_of_replicas(keras.ops.array(3.0)))
    3.0
    """
    replicas, context = _replicas()
    if replicas == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)


def metric_after(model, variable, result) -> np.ndarray:
    """Returns the value that a variable of a metric has after a step of `fit` or `evaluate`.

    Args:
        model: The `keras.Model` that took the step.
        variable: One of `model.metrics_variables`.
        result: What the function of `make_train_function` or `make_test_function` returned. It holds the value on JAX,
            where the variable itself gets it after the epoch; here nothing looks at it.

    Returns:
        NumPy array or scalar.

    Example:
    >>> model, metric = keras.Sequential([keras.layers.Dense(1)]), keras.metrics.Sum()
    >>> model.peak = metric
    >>> metric.update_state([1.0, 2.0])
    >>> float(metric_after(model, metric.total, result={}))
    3.0
    """
    return keras.ops.convert_to_numpy(variable)


def check_shapes(check, arguments) -> None:
    """Calls `check` in a graph with what the iterator says of its elements; does nothing for replicas and generators.

    After batches of several shapes Keras's step is traced for all of them at once, and sees no shape any more. On the
    other backends every step sees the shapes of its own batch, and this does nothing.

    Args:
        check: Function of a batch that raises an error if its shapes are wrong.
        arguments: Sequence, the arguments of the function of `make_train_function`: first the iterator of the batches.

    Raises:
        ValueError: What `check` raises.

    Example:
    >>> batches = tf.data.Dataset.from_tensor_slices(np.zeros((4, 3), "float32")).batch(2, drop_remainder=True)
    >>> check_shapes(lambda batch: print(batch.shape), [iter(batches)])
    (2, 3)
    """
    if isinstance(arguments[0], tf.data.Iterator):
        tf.function(check, autograph=False).get_concrete_function(arguments[0].element_spec)


def in_graph() -> bool:
    """Tells whether values are only named now, inside a `tf.function` that is being traced, and known later.

    Returns:
        Bool.

    Example:
    >>> seen = []
    >>> traced = tf.function(lambda x: seen.append(in_graph()) or x, autograph=False)
    >>> _ = traced(tf.zeros(()))
    >>> in_graph(), seen
    (False, [True])
    """
    return not tf.executing_eagerly()


def keep_state(model, arguments=None, result=None) -> None:
    """Leaves a model what it was, or what a step made of it, after a step that failed or is refused.

    Here it does nothing: variables keep their values. On JAX, where Keras takes the values out of the variables for a
    step, it gives them back.

    Args:
        model: The `keras.Model` that took the step.
        arguments: The arguments of the step, whose values count if there is no `result`; None: there is one.
        result: What the step returned; None: it failed.

    Example:
    >>> model = keras.Sequential([keras.layers.Dense(1, kernel_initializer="ones")])
    >>> model.build((None, 2))
    >>> keep_state(model, arguments=[iter([])])
    >>> keras.ops.convert_to_numpy(model.weights[0]).tolist()
    [[1.0], [1.0]]
    """
