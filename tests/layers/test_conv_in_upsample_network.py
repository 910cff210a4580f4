import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, numpy_of
from tests.support.streaming_contract import randomise
from tf_wavenet.layers import ConvInUpsampleNetwork


def make(scales, context, causal):
    layer = ConvInUpsampleNetwork(scales, context, causal)
    layer.build((None, None, 4))
    randomise(layer)
    return layer


@pytest.mark.parametrize("frames", [1, 2, 7])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("scales", "context"), [((1,), 0), ((4,), 2), ((3, 2), 1), ((2, 3, 5), 2)])
def test_equals_numpy(rng, scales, context, causal, frames):
    layer, x = make(scales, context, causal), rng.normal(size=(2, frames, 4)).astype("float32")
    expected = reference.conv_in_upsample_network(x, layer)
    assert expected.shape == (2, frames * layer.hop_length, 4)
    assert_allclose(layer(x), expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(("scales", "context"), [((4,), 0), ((2, 3, 5), 2)])
def test_blocks_give_what_the_whole_gives(rng, scales, context):
    layer, x = make(scales, context, True), rng.normal(size=(2, 9, 4)).astype("float32")
    state, parts = layer.get_initial_state(2), []
    for first, last in ((0, 1), (1, 2), (2, 7), (7, 9)):
        y, state = layer.prime(x[:, first:last], state)
        parts.append(numpy_of(y))
    whole = numpy_of(layer(x))
    assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-6 * np.abs(whole).max())


def test_starts_as_a_moving_average():
    layer, x = ConvInUpsampleNetwork((4, 3)), np.ones((1, 9, 2), "float32")
    layer.build(x.shape)
    layer.conv_in.kernel.assign(np.eye(2)[None])
    assert_allclose(layer(x)[:, 24:-24], np.ones((1, 60, 2)), atol=1e-6)


def test_refuses():
    with pytest.raises(ValueError, match="Expected upsample_scales to be positive ints. Received: upsample_scales="):
        ConvInUpsampleNetwork((4, 0))
    with pytest.raises(ValueError, match="Received: aux_context_window=-1"):
        ConvInUpsampleNetwork((4,), -1)
    layer = make((4,), 1, False)
    with pytest.raises(ValueError, match="Expected causal=True to stream"):
        layer.prime(np.zeros((1, 2, 4), "float32"), layer.get_initial_state(1))
