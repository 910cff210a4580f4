"""What a Keras backend asks of all layers and models: on PyTorch, a layer is a `torch.nn.Module` as well."""

import ast
import importlib
import inspect
import pkgutil
import textwrap

import keras
import pytest

import tf_wavenet

ROOMS = ("layers", "models", "streaming", "losses", "metrics")


def ours(base):
    """All classes of this package that derive from a Keras class."""
    for room in ROOMS:
        package = importlib.import_module(f"tf_wavenet.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    found, left = [], [base]
    while left:
        left += (children := left.pop().__subclasses__())
        found += [c for c in children if c.__module__.partition(".")[0] == tf_wavenet.__name__ and c not in found]
    return sorted(found, key=lambda c: c.__name__)


LAYERS = ours(keras.layers.Layer)
each = pytest.mark.parametrize("layer", LAYERS, ids=lambda c: c.__name__)


def assigned(layer):
    """The attributes that the methods of a class set on `self`."""
    nodes = ast.walk(ast.parse(textwrap.dedent(inspect.getsource(layer))))
    stored = (n for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store))
    return {n.attr for n in stored if isinstance(n.value, ast.Name) and n.value.id == "self"}


def defined(layer):
    """The attributes that a class defines itself, but for those that every class has."""
    return {name for name in vars(layer) if not (name.startswith("__") and name.endswith("__"))}


def test_every_public_class_is_looked_at():
    public = {getattr(tf_wavenet.layers, name) for name in tf_wavenet.layers.__all__}
    public |= {getattr(tf_wavenet.models, name) for name in tf_wavenet.models.__all__} | {tf_wavenet.GANVocoder}
    assert public <= set(LAYERS)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="torch.nn.Module is a base on PyTorch only")
@each
def test_no_name_is_one_of_pytorch_modules(layer):
    import torch
    from keras.src.backend.torch.layer import TorchLayer

    kept = set(dir(torch.nn.Module)) | set(vars(torch.nn.Module())) | set(vars(TorchLayer))
    of_keras = [base for base in keras.Model.__mro__ if base.__module__.startswith("keras") and base != TorchLayer]
    kept -= set().union(*map(vars, of_keras))  # meant to be overridden
    assert sorted(kept & (defined(layer) | assigned(layer))) == []


@each
def test_no_class_attribute_hides_what_is_set(layer):
    """PyTorch keeps layers and variables apart and finds them only where the class has nothing of their name."""
    bases = [base for base in layer.__mro__ if base in LAYERS]
    values = {
        name
        for base in bases
        for name in defined(base)
        if not callable(vars(base)[name]) and not hasattr(vars(base)[name], "__get__")
    }
    assert not values & set().union(*map(assigned, bases))
