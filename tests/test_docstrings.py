"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import inspect
import pkgutil

import keras
import pytest

import tf_wavenet
import tf_wavenet.data

PUBLIC = sorted({*tf_wavenet.__all__, *tf_wavenet.layers.__all__, *tf_wavenet.data.__all__} - {"layers"})
# Of the modules for single backends, that of this one.
OTHERS = {f"tf_wavenet.backend.{name}" for name in ("tensorflow", "jax", "torch") if name != keras.backend.backend()}
MODULES = sorted({m.name for m in pkgutil.walk_packages(tf_wavenet.__path__, "tf_wavenet.")} - OTHERS)


@pytest.mark.parametrize("name", ["tf_wavenet", *MODULES])
@pytest.mark.large
def test_examples(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module, extraglobs={"keras": keras}, verbose=False)
    assert result.failed == 0


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_an_example(name):
    thing = next(getattr(m, name) for m in (tf_wavenet, tf_wavenet.layers, tf_wavenet.data) if hasattr(m, name))
    # These are shown in the examples of what makes or takes them.
    if name not in ("BlockStreamable", "Streamable", "AudioError", "AudioFile"):
        assert ">>>" in inspect.getdoc(thing), f"{name} has no example"
