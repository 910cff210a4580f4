"""Training steps on JAX, whose variables are arguments and results of every step."""

from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np


def train_step(model, step, state, data) -> tuple[dict[str, jax.Array], tuple[list[jax.Array], ...]]:
    """Returns the logs and the state after the step."""
    groups = (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )
    return _with_state(groups, step, state, data)


def test_step(model, step, state, data) -> tuple[dict[str, jax.Array], tuple[list[jax.Array], ...]]:
    """Returns the logs and the state after the measurement."""
    groups = model.trainable_variables, model.non_trainable_variables, model.metrics_variables
    return _with_state(groups, step, state, data)


def descend(optimizer, function, variables, state) -> tuple[jax.Array, Any]:
    """Takes a step of the optimizer and returns `function()`."""
    given = [(variable, variable.value) for variable in state]

    def differentiated(values):
        with keras.StatelessScope([*given, *zip(variables, values, strict=True)]) as scope:
            loss, auxiliary = function()
            scaled = optimizer.scale_loss(loss)
        return scaled, (loss, auxiliary, [scope.get_current_value(variable) for variable in state])

    values = [variable.value for variable in variables]
    gradients, (loss, auxiliary, after) = jax.grad(differentiated, has_aux=True)(values)
    for variable, value in zip(state, after, strict=True):
        variable.assign(value)
    optimizer.apply(gradients, variables)
    return loss, auxiliary


def value_and_gradient(function, x) -> tuple[jax.Array, jax.Array]:
    """Returns `function(x)` and its gradient by x."""
    return jax.value_and_grad(function)(x)


def normal(shape, seed, step) -> jax.Array:
    """Returns noise `shape`."""
    step = jnp.asarray(step, "int32").astype("uint32")
    return jax.random.normal(jax.random.fold_in(jax.random.key(seed), step), shape)


def _with_state(groups, step, state, data):
    values = [pair for group, given in zip(groups, state, strict=True) for pair in zip(group, given, strict=True)]
    with keras.StatelessScope(values) as scope:
        logs = step(data)
    return logs, tuple([scope.get_current_value(variable) for variable in group] for group in groups)


def share_of_replicas(weight) -> float:
    """Returns 1: arrays are those of all devices."""
    return 1.0


def sum_of_replicas(value) -> Any:
    """Returns the value: arrays are those of all devices."""
    return value


def metric_after(model, variable, result) -> np.ndarray:
    """Returns the value in the state that the step returned; the variable itself gets it after the epoch."""
    place = next(i for i, other in enumerate(model.metrics_variables) if other is variable)
    return np.asarray(result[1][-1][place])


def check_shapes(check, arguments) -> None:
    """Does nothing: every step sees the shapes of its own batch."""


def in_graph() -> bool:
    """Tells whether a function is being traced."""
    return isinstance(jnp.zeros(()), jax.core.Tracer)  # every new array is one then


def keep_state(model, arguments=None, result=None) -> None:
    """Gives the variables back what Keras took from them for a step, from the step's arguments or its result."""
    state = arguments[0] if result is None else result[1]
    optimizer = [model.optimizer.variables] if len(state) == 4 else []
    groups = [model.trainable_variables, model.non_trainable_variables, *optimizer, model.metrics_variables]
    for group, values in zip(groups, state, strict=True):
        for variable, value in zip(group, values, strict=True):
            variable.assign(value)
