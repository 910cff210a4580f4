import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, numpy_of
from tests.support.slow import some
from tests.support.streaming_contract import randomise, verify_streaming_contract
from tf_wavenet.layers import HiFiGANResidualBlock


@pytest.mark.parametrize("kernel_size", some([1, 2, 3], 2))
def test_streams_if_causal(rng, kernel_size):
    block = HiFiGANResidualBlock(4, kernel_size, (1, 3), causal=True)
    verify_streaming_contract(block, rng.normal(size=(2, 27, 4)).astype("float32"), tolerance=2e-5)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("use_additional_convs", [False, True])
def test_equals_numpy(rng, use_additional_convs, causal):
    block = HiFiGANResidualBlock(4, 3, (1, 3, 5), use_additional_convs, causal=causal)
    x = rng.normal(size=(2, 20, 4)).astype("float32")
    block(x)
    randomise(block)
    assert_allclose(block(x), reference.hifi_gan_residual_block(x, block), rtol=1e-4, atol=1e-5)


def test_every_convolution_has_weights_of_its_own():
    block = HiFiGANResidualBlock(4, 3, (1, 3), kernel_initializer="he_normal")
    block.build((None, None, 4))
    kernels = [numpy_of(convolution.kernel) for convolution in block.convolutions()]
    assert len(kernels) == 4
    assert all((a != b).any() for i, a in enumerate(kernels) for b in kernels[:i])


def test_refuses_another_width():
    with pytest.raises(ValueError, match="Expected an input with channels=4"):
        HiFiGANResidualBlock(4).build((None, None, 5))
