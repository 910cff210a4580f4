import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, assert_array_equal
from tests.support.streaming_contract import randomise, verify_streaming_contract
from tf_wavenet.layers import ConvNeXtBlock


def test_streams(rng):
    verify_streaming_contract(ConvNeXtBlock(6, kernel_size=3), rng.normal(size=(2, 20, 4)).astype("float32"))


@pytest.mark.parametrize("causal", [True, False])
def test_equals_numpy(rng, causal):
    block, x = ConvNeXtBlock(6, kernel_size=3, causal=causal), rng.normal(size=(2, 20, 4)).astype("float32")
    block(x)
    randomise(block)
    assert_allclose(block(x), reference.convnext_block(x, block), atol=1e-5)


def test_layer_scale_is_where_training_begins():
    block = ConvNeXtBlock(6, layer_scale=0.25)
    block.build((None, None, 4))
    assert_array_equal(block.scale, np.full(4, 0.25))
