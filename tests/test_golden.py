"""Files that earlier versions saved load in this one, and answer as they did then."""

import keras
import numpy as np
import pytest

from tests.golden import make


@pytest.mark.parametrize("name", [family.__name__ for family in make.FAMILIES])
def test_a_file_of_an_earlier_version_loads_and_answers_the_same(name):
    model = keras.models.load_model(make.HERE / f"{name}.keras")
    expected = np.load(make.HERE / f"{name}.npy")
    np.testing.assert_allclose(make.answers(model, name), expected, atol=1e-5 * np.abs(expected).max())


def test_every_file_is_tested_and_all_are_small():
    files = sorted(make.HERE.glob("*.[kn]*"))
    assert [f.name for f in files] == sorted(f"{f.__name__}.{e}" for f in make.FAMILIES for e in ("keras", "npy"))
    assert sum(file.stat().st_size for file in files) < 200_000
