"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import inspect
import pkgutil

import keras
import pytest

import tf_wavenet

MODULES = sorted(m.name for m in pkgutil.walk_packages(tf_wavenet.__path__, "tf_wavenet."))


@pytest.mark.parametrize("name", ["tf_wavenet", *MODULES])
def test_examples(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module, extraglobs={"keras": keras}, verbose=False)
    assert result.failed == 0


@pytest.mark.parametrize("name", sorted(set(tf_wavenet.__all__) - {"layers"}) + sorted(tf_wavenet.layers.__all__))
def test_every_public_name_has_an_example(name):
    thing = getattr(tf_wavenet, name, None) or getattr(tf_wavenet.layers, name)
    if name != "Streamable":  # a protocol: its implementations have the examples
        assert ">>>" in inspect.getdoc(thing), f"{name} has no example"
