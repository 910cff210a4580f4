import numpy as np
import pytest

from tf_wavenet.importers import CheckpointError, StateDict, fold_weight_norm

SPELLINGS = [("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1")]


def test_weight_norm_is_folded_over_all_axes_but_the_first(rng):
    v, g = rng.normal(size=(3, 4, 5)), rng.normal(size=(3, 1, 1))
    expected = np.stack([g[i, 0, 0] * v[i] / np.linalg.norm(v[i]) for i in range(3)])
    folded = fold_weight_norm(g, v)
    assert folded.dtype == np.float32
    np.testing.assert_allclose(folded, expected, rtol=1e-6)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_weight_is_folded_however_it_is_spelt(spelling, rng):
    g, v = (f"conv.{key}" for key in spelling)
    tensors = {g: rng.normal(size=(2, 1, 1)), v: rng.normal(size=(2, 3, 4)), "conv.bias": np.zeros(2, "f2")}
    state = StateDict(tensors, "a.pth")
    np.testing.assert_allclose(
        state.take("conv.weight", (2, 3, 4)), fold_weight_norm(tensors[g], tensors[v]), rtol=1e-6
    )
    with pytest.raises(CheckpointError, match="a.pth: expected no conv.bias for this configuration"):
        state.check_all_taken()
    assert state.take("conv.bias", (2,)).dtype == np.float32
    state.check_all_taken()


def test_refuses_what_does_not_fit_and_names_the_key():
    good = np.ones((2, 3), "f4")
    bad = good.copy()
    bad[1, 2] = np.nan
    tensors = {
        "a.weight": good,
        "n.weight": bad,
        "i.weight": good * np.inf,
        "l.weight": good.astype("i8"),
        "t.weight": 3,
    }
    state = StateDict(tensors, "a.pth")
    cases = {
        r"expected b\.weight\. Received: no such key": ("b", (2, 3)),
        r"expected a\.weight of shape \[3, 2\]\. Received: \[2, 3\]": ("a", (3, 2)),
        r"expected finite numbers in n\.weight": ("n", (2, 3)),
        r"expected finite numbers in i\.weight": ("i", (2, 3)),
        r"expected l\.weight to be a tensor of floating point numbers": ("l", (2, 3)),
        r"expected t\.weight to be a tensor of floating point numbers": ("t", ()),
    }
    for message, (name, shape) in cases.items():
        with pytest.raises(CheckpointError, match=message):
            state.take(f"{name}.weight", shape)
    with pytest.raises(CheckpointError, match="expected a dict of tensors. Received: list"):
        StateDict([], "a.pth")
    with pytest.raises(CheckpointError, match=r"expected v to be a matrix. Received: shape \[3\]"):
        StateDict({"v": np.zeros(3)}, "a.pth").rows("v")


def test_axes_of_length_one_do_not_count_in_shapes_and_the_others_keep_their_order():
    state = StateDict({"w": np.zeros((1, 2, 1, 3))}, "a.pth")
    assert state.take("w", (2, 3)).shape == state.take("w", (2, 1, 1, 3)).shape == (1, 2, 1, 3)
    with pytest.raises(CheckpointError, match="expected w of shape"):
        state.take("w", (3, 2))


def test_ignored_tensors_count_as_taken():
    state = StateDict(
        {"last.out.bias": np.zeros(1), "last.out.weight": np.zeros(1), "last.outer": np.zeros(1)}, "a.pth"
    )
    state.ignore("last.out.")
    with pytest.raises(CheckpointError, match="expected no last.outer "):
        state.check_all_taken()


def test_a_direction_of_zero_is_refused():
    state = StateDict({"a.weight_g": np.ones((1, 1)), "a.weight_v": np.zeros((1, 3))}, "a.pth")
    with pytest.raises(CheckpointError, match="expected finite numbers in a.weight_v"):
        state.take("a.weight", (1, 3))
    with pytest.raises(CheckpointError, match=r"expected a.weight_g of shape \[4\]. Received: \[3, 1, 1\]"):
        tensors = {"a.weight_g": np.ones((3, 1, 1)), "a.weight_v": np.zeros((4, 3, 2))}
        StateDict(tensors, "a.pth").take("a.weight", (4, 3, 2))
    with pytest.raises(CheckpointError, match="expected a.weight_g. Received: no such key"):
        StateDict({"a.weight_v": np.zeros((4, 3, 2))}, "a.pth").take("a.weight", (4, 3, 2))


def test_refuses_keys_that_are_no_names():
    state = StateDict({"a": np.zeros(2, "f4"), 5: np.zeros(2, "f4")}, "a.pth")
    state.ignore("a")
    with pytest.raises(CheckpointError, match="a.pth: expected no 5 for this configuration"):
        state.check_all_taken()
