"""Models of files that earlier versions saved learn on every backend as they did on TensorFlow."""

import json

import keras
import numpy as np
import pytest

from tests.golden import make
from tests.support.slow import some

EXPECTED = json.loads((make.HERE / "losses.json").read_text())


def quick(names, *chosen):
    """All on the backends that must agree with TensorFlow's losses; of TensorFlow's own, the chosen."""
    return some(names, *chosen) if keras.backend.backend() == "tensorflow" else names


def check(losses, name):
    """To 1e-4; the last steps of ten to 5e-4. What processors round differently grows with each step (seen: 1.4e-4)."""
    assert sorted(losses) == sorted(EXPECTED[name])
    for key, values in losses.items():
        assert len(values) == 10
        np.testing.assert_allclose(values[:5], EXPECTED[name][key][:5], rtol=1e-4, err_msg=key)
        np.testing.assert_allclose(values[5:], EXPECTED[name][key][5:], rtol=5e-4, err_msg=key)


@pytest.mark.parametrize("name", quick(make.TRAINED, "wavenet_vocoder"))
def test_ten_steps_have_the_losses_of_the_file(name):
    check(make.losses(name), name)


@pytest.mark.parametrize("name", quick(make.FITTED))
def test_fit_to_recordings_has_the_losses_of_the_file(name):
    check(make.fit_losses(name), f"fit_{name}")


def test_all_that_is_trained_has_losses_and_learns():
    assert sorted(EXPECTED) == sorted((*make.TRAINED, *(f"fit_{name}" for name in make.FITTED)))
    for losses in EXPECTED.values():
        assert len(set(losses["loss"])) == 10
