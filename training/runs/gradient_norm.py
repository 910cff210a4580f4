"""The norm of a step's gradients, among what the step tells."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


def log_gradient_norms(model: keras.Model) -> None:
    """Lets every training step tell the norm of its gradients.

    Its logs get "gradient_norm" and, of a model with discriminators, "discriminator_gradient_norm": the root of the sum
    of the squares of all gradients, before they are clipped and without the scale of float16. A figure of that step
    alone, where others are means. On JAX in mixed_float16 there is none.

    Args:
        model: A compiled model, before its first step.
    """
    found = {}
    _watch(model.optimizer, "gradient_norm", found)
    if getattr(model, "discriminator_optimizer", None) is not None:
        _watch(model.discriminator_optimizer, "discriminator_gradient_norm", found)
    step = model.train_step

    def train_step(*arguments: Any) -> Any:
        found.clear()
        result = step(*arguments)
        logs, *state = result if isinstance(result, tuple) else (result,)  # on JAX with the state
        logs = {**logs, **found}
        return (logs, *state) if state else logs

    model.train_step = train_step


def norm(gradients: Sequence[Any]) -> Any:
    """The root of the sum of the squares of tensors, of which some may be None; a float32 scalar."""
    given = [ops.cast(ops.convert_to_tensor(gradient), "float32") for gradient in gradients if gradient is not None]
    return ops.sqrt(sum(ops.sum(ops.square(gradient)) for gradient in given))


def _watch(optimizer, name, found):
    apply = optimizer.apply

    def applied(gradients, *arguments, **options):
        gradients = list(gradients)
        scale = getattr(optimizer, "dynamic_scale", None)  # of a LossScaleOptimizer
        size = norm(gradients)
        found[name] = size if scale is None else size / ops.cast(scale, "float32")
        return apply(gradients, *arguments, **options)

    optimizer.apply = applied
