"""Training steps on PyTorch."""

from typing import Any

import keras
import numpy as np
import torch


def train_step(model, step, data) -> dict[str, torch.Tensor]:
    """Returns the logs."""
    return step(_tensors(data))


def test_step(model, step, data) -> dict[str, torch.Tensor]:
    """Returns the logs."""
    with torch.no_grad():
        return step(_tensors(data))


def descend(optimizer, function, variables, state) -> tuple[torch.Tensor, Any]:
    """Takes a step of the optimizer and returns `function()`."""
    with torch.enable_grad():
        loss, auxiliary = function()
        weights = [variable.value for variable in variables]
        gradients = torch.autograd.grad(optimizer.scale_loss(loss), weights, allow_unused=True)
    with torch.no_grad():
        optimizer.apply(list(gradients), variables)
    return _mapped(torch.Tensor.detach, (loss, auxiliary))


def value_and_gradient(function, x) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns `function(x)` and its gradient by x."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        value = function(x)
        return value.detach(), torch.autograd.grad(value, x)[0]


def normal(shape, seed, step) -> torch.Tensor:
    """Returns noise `shape`, the same on every device."""
    generator = torch.Generator().manual_seed(hash((int(seed), int(step))) % 2**63)
    return keras.ops.convert_to_tensor(torch.randn(shape, generator=generator))


def _tensors(data):
    """On the device of the variables; `train_on_batch` hands over what it was given."""
    return _mapped(keras.ops.convert_to_tensor, data)


def _mapped(function, structure):
    return keras.tree.map_structure(lambda x: None if x is None else function(x), structure)


def share_of_replicas(weight) -> float:
    """Returns 1: arrays are those of all devices."""
    return 1.0


def sum_of_replicas(value) -> Any:
    """Returns the value: arrays are those of all devices."""
    return value


def metric_after(model, variable, result) -> np.ndarray:
    """Returns the variable's value."""
    return keras.ops.convert_to_numpy(variable)


def check_shapes(check, arguments) -> None:
    """Does nothing: every step sees the shapes of its own batch."""


def in_graph() -> bool:
    """Tells whether a function is being compiled."""
    return torch.compiler.is_compiling()


def keep_state(model, arguments=None, result=None) -> None:
    """Does nothing: variables keep their values."""
