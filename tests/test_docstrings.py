"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import inspect
import pkgutil
import re

import keras
import pytest

import tf_wavenet
import tf_wavenet.data

# Of the modules for single backends, that of this one.
OTHERS = {f"tf_wavenet.backend.{name}" for name in ("tensorflow", "jax", "torch") if name != keras.backend.backend()}
MODULES = sorted({m.name for m in pkgutil.walk_packages(tf_wavenet.__path__, "tf_wavenet.")} - OTHERS)


@pytest.mark.parametrize("name", ["tf_wavenet", *MODULES])
@pytest.mark.large
def test_examples(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module, extraglobs={"keras": keras}, verbose=False)
    assert result.failed == 0


def public():
    """Every class and function of a room's `__all__`, by its first name."""
    found = {}
    for room in ["tf_wavenet", *(name for name in MODULES if name.count(".") == 1)]:
        module = importlib.import_module(room)
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if callable(thing):
                found.setdefault(id(thing), (f"{room}.{name}", thing))
    return dict(found.values())


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="rooms that need TensorFlow are looked at too")
def test_every_public_name_is_documented():
    """By an example and by every argument; `**kwargs` are those of the class above."""
    lacking = []
    for name, thing in public().items():
        text = inspect.getdoc(thing) or ""
        if ">>>" not in text:
            lacking.append(f"{name}: an example")
        names = [
            argument.name
            for argument in inspect.signature(thing).parameters.values()
            if argument.kind not in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD)
        ]
        lacking += [f"{name}: {argument}" for argument in names if not re.search(rf"\b{argument}\b", text)]
    assert not lacking
