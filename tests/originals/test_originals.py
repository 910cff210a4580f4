"""Ours beside the originals: their stored answers everywhere, themselves where variables name their checkouts."""

import json

import numpy as np
import pytest

from tests.originals import HERE
from tests.support.arrays import assert_allclose
from tests.support.originals import CHECKOUTS, ORIGINALS, assert_equal_answers, loader, state_of, thin
from tests.support.slow import some

RECORD = json.loads((HERE / "answers.json").read_text())
originals = pytest.mark.parametrize("name", ORIGINALS)


def stored(name):
    """Shapes of the original's tensors, shapes of its answers, and these, thinned."""
    shapes, parts = RECORD["originals"][name]["state"], RECORD["originals"][name]["answers"]
    with np.load(HERE / "answers.npz") as file:
        answers = file[name]
    sizes = [len(thin(np.empty(shape))) for shape in parts]
    assert sum(sizes) == len(answers)
    return shapes, [tuple(shape) for shape in parts], np.split(answers, np.cumsum(sizes)[:-1])


@pytest.mark.parametrize("name", some(ORIGINALS, "jik876 resblock 1", "r9y9 vector", "kan-bayashi parallel_wavegan"))
def test_equals_stored_answers(name):
    original, (shapes, parts, expected) = ORIGINALS[name], stored(name)
    actual = original.ours(original.model(state_of(shapes)))
    assert [np.shape(answer) for answer in actual] == parts
    assert_equal_answers([thin(answer) for answer in actual], expected, original.tolerance)


@pytest.mark.filterwarnings("ignore:.*(weight_norm|distutils)")
@originals
def test_equals_the_original(name, monkeypatch):
    original = ORIGINALS[name]
    shapes, expected = original.theirs(original.network(loader(original.variable, monkeypatch)))
    assert_equal_answers(original.ours(original.model(state_of(shapes))), expected, original.tolerance)
    # What is stored is what it still answers.
    again, parts, answers = stored(name)
    assert {key: tuple(shape) for key, shape in again.items()} == shapes
    assert [np.shape(answer) for answer in expected] == parts
    assert_equal_answers([thin(answer) for answer in expected], answers)


def test_every_answer_is_asked_for_and_all_are_small():
    assert list(RECORD["originals"]) == list(ORIGINALS) and set(RECORD["commits"]) == set(CHECKOUTS.values())
    assert sum(file.stat().st_size for file in HERE.glob("*.[!p]*")) < 300_000


def test_seeded_weights_are_what_they_were():
    """Where NumPy draws other numbers, all answers differ; this test says why."""
    value = state_of({"a.weight_v": (2, 3), "ups.0.bias": (2,)})
    assert_allclose(value["a.weight_v"], [[0.09762701, 0.43037874, 0.20552675], [0.08976637, -0.1526904, 0.29178822]])
    assert_allclose(value["ups.0.bias"], [-0.03744768, 0.2350638], rtol=1e-6)
