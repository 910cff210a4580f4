import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose
from tests.support.streaming_contract import randomise, verify_streaming_contract
from tf_wavenet.layers import ResidualBlock


@pytest.mark.parametrize("kernel_size", [1, 2, 3])
def test_streams(rng, kernel_size):
    block = ResidualBlock(4, 6, kernel_size, dilation_rate=3)
    verify_streaming_contract(block, rng.normal(size=(2, 20, 4)).astype("float32"))


@pytest.mark.parametrize("options", [{}, {"use_residual": False}, {"residual_scale": 0.5**0.5}, {"gate_channels": 10}])
def test_equals_numpy(rng, options):
    block = ResidualBlock(4, 6, kernel_size=3, dilation_rate=2, **options)
    x = rng.normal(size=(2, 20, 4)).astype("float32")
    block(x)
    randomise(block)
    for actual, expected in zip(block(x), reference.residual_block(x, block), strict=True):
        assert_allclose(actual, expected, atol=1e-5)


def test_refuses_an_odd_gate_and_a_wrong_input():
    with pytest.raises(ValueError, match="gate_channels to be even. Received: gate_channels=7"):
        ResidualBlock(4, 6, gate_channels=7)
    with pytest.raises(ValueError, match="residual_channels=4"):
        ResidualBlock(4, 6).build((None, None, 5))
