"""What a training step of its own needs and Keras does differently on each backend: gradients, and seeded noise.

May import nothing of this package. One module a backend, with the same functions; the one of the Keras backend is
imported with this room.

- `train_step(model, step, *arguments)`: what a model's `train_step` returns for the arguments that Keras gives it.
  `step(data)` takes the step and returns the logs; it may assign to variables of the model and of its optimizers.
- `test_step(model, step, *arguments)`: likewise.
- `descend(optimizer, function, variables, state)`: one step of the optimizer down the loss of `function() -> (loss,
  auxiliary)`, which it returns. `function` may assign to variables, all of which must be in `state`.
- `value_and_gradient(function, x)`: `function(x)`, a scalar, and its gradient by x.
- `share_of_replicas(weight)`: the scalar weight of a replica over the mean of all replicas'; 1 where there is one.
- `sum_of_replicas(value)`: the sum of a tensor over all replicas, with gradients; itself where there is one.
- `metric_after(model, variable, result)`: the value that a variable of one of the model's metrics has after a step
  that returned `result`; a NumPy scalar.
- `keep_state(model, arguments, result)`: of a step that failed, or whose result is refused, by its arguments or its
  result: the model stays what it was, or becomes what the step made of it.
- `check_shapes(check, arguments)`: calls `check(data)` in a graph, with the shapes of the batch that a step of `fit` is
  about to take, if the step itself might not see them.
- `in_graph()`: whether values are only named now, inside a function that is being traced, and known later.
- `normal(shape, seed, step)`: float32 noise that seed and step (int or integer tensor) alone decide.
"""

import keras

if keras.backend.backend() == "tensorflow":
    from tf_wavenet.backend import tensorflow as _chosen
elif keras.backend.backend() == "jax":
    from tf_wavenet.backend import jax as _chosen
else:
    from tf_wavenet.backend import torch as _chosen

check_shapes = _chosen.check_shapes
descend = _chosen.descend
in_graph = _chosen.in_graph
keep_state = _chosen.keep_state
metric_after = _chosen.metric_after
normal = _chosen.normal
share_of_replicas = _chosen.share_of_replicas
sum_of_replicas = _chosen.sum_of_replicas
test_step = _chosen.test_step
train_step = _chosen.train_step
value_and_gradient = _chosen.value_and_gradient

__all__ = [
    "check_shapes",
    "descend",
    "in_graph",
    "keep_state",
    "metric_after",
    "normal",
    "share_of_replicas",
    "sum_of_replicas",
    "test_step",
    "train_step",
    "value_and_gradient",
]
