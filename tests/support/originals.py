"""Originals in PyTorch: their modules from checkouts that environment variables name, and weights for them."""

import importlib
import os
import sys
import warnings

import pytest


def load_original(variable, module, monkeypatch):
    """Imports a module from the checkout that an environment variable names; skips where there is none."""
    pytest.importorskip("torch")
    checkout = os.environ.get(variable)
    if checkout is None:
        pytest.skip(f"no checkout in {variable}")
    monkeypatch.syspath_prepend(checkout)
    # Until this test ends; newer PyTorch says it of what the originals are built with.
    warnings.filterwarnings("ignore", ".*weight_norm` is deprecated", FutureWarning)
    for name in ("utils", "models"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    signal = pytest.importorskip("scipy.signal")
    monkeypatch.setattr(signal, "kaiser", signal.windows.kaiser, raising=False)  # where it was
    return importlib.import_module(module)


def randomise_original(network):
    """Gives a network weights as at the start of training, but for biases and gains: zeros and ones hide mistakes."""
    import torch

    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(0.0, 0.1)
            elif name.endswith("weight_g"):
                parameter.mul_(torch.rand(parameter.shape) + 0.5)
    return network.eval()
