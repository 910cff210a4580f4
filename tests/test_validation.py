"""One idea of what a number is, everywhere."""

import keras
import numpy as np
import pytest

from tf_wavenet import MixtureOfLogistics
from tf_wavenet._validation import check_number, check_positive_int, is_int, is_number
from tf_wavenet.decoding.sampler import SamplingSettings, check_count
from tf_wavenet.layers import ResidualBlock

INTS = [3, np.int64(3), np.uint8(3), np.array(3), keras.ops.convert_to_tensor(np.int32(3))]
FLOATS = [0.5, np.float16(0.5), np.float32(0.5), np.float64(0.5), np.array(0.5), keras.ops.convert_to_tensor(0.5)]
OTHERS = [True, np.True_, "3", b"3", None, [3], np.array([3]), np.array([0.5]), np.array("3"), 1j, np.complex64(1), {}]


@pytest.mark.parametrize("value", INTS, ids=lambda value: type(value).__name__)
def test_ints_are_ints_and_numbers(value):
    assert is_int(value) and is_number(value)
    for checked in (check_positive_int("n", value), check_count("n", value, 1), MixtureOfLogistics(bits=value).bits):
        assert checked == 3 and type(checked) is int
    SamplingSettings(top_k=value)


@pytest.mark.parametrize("value", FLOATS, ids=lambda value: type(value).__name__)
def test_floats_are_numbers_and_no_ints(value):
    assert is_number(value) and not is_int(value)
    for checked in (
        check_number("x", value),
        -MixtureOfLogistics(log_scale_min=-value).log_scale_min,
        ResidualBlock(2, 2, residual_scale=value).residual_scale,
    ):
        assert checked == 0.5 and type(checked) is float
    SamplingSettings(temperature=value, top_p=value)
    for refused in (check_positive_int, lambda name, value: check_count(name, value, 0)):
        with pytest.raises(ValueError, match="^Expected n to be .* Received: n="):
            refused("n", value)


@pytest.mark.parametrize("value", OTHERS, ids=repr)
def test_what_is_no_number_is_refused_everywhere(value):
    assert not is_number(value) and not is_int(value)
    for name, refused in {
        "x": lambda: check_number("x", value),
        "n": lambda: check_positive_int("n", value),
        "count": lambda: check_count("count", value, 1),
        "bits": lambda: MixtureOfLogistics(bits=value),
        "log_scale_min": lambda: MixtureOfLogistics(log_scale_min=value),
        "residual_scale": lambda: ResidualBlock(2, 2, residual_scale=value),
        "temperature": lambda: SamplingSettings(temperature=value),
    }.items():
        with pytest.raises(ValueError, match=f"^Expected {name} to be .* Received: {name}="):
            refused()
