"""Training steps on PyTorch."""

import torch


def train_step(model, step, data):
    """Returns the logs."""
    return step(data)


def test_step(model, step, data):
    """Returns the logs."""
    with torch.no_grad():
        return step(data)


def descend(optimizer, function, variables, state):
    """Takes a step of the optimizer and returns `function()`."""
    with torch.enable_grad():
        loss, auxiliary = function()
        weights = [variable.value for variable in variables]
        gradients = torch.autograd.grad(optimizer.scale_loss(loss), weights)
    with torch.no_grad():
        optimizer.apply(list(gradients), variables)
    return loss.detach(), auxiliary


def value_and_gradient(function, x):
    """Returns `function(x)` and its gradient by x."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        value = function(x)
        return value.detach(), torch.autograd.grad(value, x)[0]


def normal(shape, seed, step):
    """Returns noise `shape`."""
    generator = torch.Generator().manual_seed(hash((int(seed), int(step))) % 2**63)
    return torch.randn(shape, generator=generator)
