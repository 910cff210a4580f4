import numpy as np
import pytest

from tf_wavenet.decoding.sampler import SamplingSettings, check_count


@pytest.mark.parametrize(
    "bad",
    [
        {"temperature": -1},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"temperature": "hot"},
        {"temperature": True},
        {"temperature": np.array([1.0, 2.0])},
        {"top_k": 0},
        {"top_k": 1.5},
        {"top_k": True},
        {"top_p": 0},
        {"top_p": 1.1},
        {"top_p": float("nan")},
    ],
)
def test_refuses_settings(bad):
    (name,) = bad
    with pytest.raises(ValueError, match=f"Expected {name} .* Received: {name}="):
        SamplingSettings(**bad)


def test_accepts_numpy_numbers():
    SamplingSettings(np.float32(0.5), np.int64(3), np.float64(0.9))
    assert check_count("n", np.int64(3), 1) == 3


@pytest.mark.parametrize("bad", [0, -1, 1.0, "1", None, True, np.array([1, 2])])
def test_check_count_names_the_argument(bad):
    with pytest.raises(ValueError, match="Expected n to be an int >= 1. Received: n="):
        check_count("n", bad, 1)
