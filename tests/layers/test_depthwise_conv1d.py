import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, numpy_of
from tests.support.streaming_contract import randomise, verify_streaming_contract
from tf_wavenet.layers import DepthwiseConv1D


@pytest.mark.parametrize(("kernel_size", "dilation"), [(1, 1), (2, 3), (7, 1)])
def test_streams(rng, kernel_size, dilation):
    layer = DepthwiseConv1D(kernel_size, dilation_rate=dilation)
    field = (kernel_size - 1) * dilation + 1
    verify_streaming_contract(layer, rng.normal(size=(2, 2 * field + 3, 4)).astype("float32"))


@pytest.mark.parametrize("causal", [True, False])
def test_equals_numpy(rng, causal):
    layer, x = DepthwiseConv1D(3, causal, dilation_rate=2), rng.normal(size=(2, 20, 3)).astype("float32")
    layer(x)
    randomise(layer)
    kernel = numpy_of(layer.kernel)[:, :, None] * np.eye(3)  # every channel to itself
    conv = reference.causal_conv if causal else reference.centred_conv
    assert_allclose(layer(x), conv(x, kernel, layer.bias, 2), atol=1e-5)


def test_an_even_kernel_has_no_middle():
    with pytest.raises(ValueError, match="Expected kernel_size to be odd unless causal=True. Received: kernel_size=2"):
        DepthwiseConv1D(2, causal=False)
