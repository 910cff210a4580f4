"""Models of files that earlier versions saved learn on every backend as they did on TensorFlow."""

import json

import numpy as np
import pytest

from tests.golden import make

EXPECTED = json.loads((make.HERE / "losses.json").read_text())


@pytest.mark.parametrize("name", make.TRAINED)
def test_ten_steps_have_the_losses_of_the_file(name):
    losses = make.losses(name)
    assert sorted(losses) == sorted(EXPECTED[name])
    for key, values in losses.items():
        assert len(values) == 10
        np.testing.assert_allclose(values, EXPECTED[name][key], rtol=1e-4, err_msg=key)


def test_all_that_is_trained_has_losses_and_learns():
    assert sorted(EXPECTED) == sorted(make.TRAINED)
    for losses in EXPECTED.values():
        assert len(set(losses["loss"])) == 10
