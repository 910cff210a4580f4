import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, numpy_of
from tests.support.streaming_contract import randomise
from tf_wavenet.layers import FrameNetwork

CASES = [{"num_blocks": 2}, {"num_blocks": 0}, {"num_blocks": 2, "look_ahead": 0}, {"num_blocks": 2, "look_ahead": 2}]


def make(rng, frames=30, **options):
    network, x = FrameNetwork(6, kernel_size=3, **options), rng.normal(size=(2, frames, 4)).astype("float32")
    network(x)
    randomise(network)
    return network, x


@pytest.mark.parametrize("options", CASES)
def test_equals_numpy(rng, options):
    network, x = make(rng, **options)
    assert_allclose(network(x), reference.frame_network(x, network), atol=2e-5)


@pytest.mark.parametrize("options", CASES)
def test_reach_is_what_is_felt(rng, options):
    network, x = make(rng, **options)
    changed = x.copy()
    changed[:, 15] += 1.0
    felt = np.flatnonzero(np.abs(numpy_of(network(changed)) - numpy_of(network(x))).max(axis=(0, 2)) > 1e-6)
    before, after = network.reach
    assert (felt.min(), felt.max()) == (15 - after, 15 + before)


@pytest.mark.parametrize("options", CASES)
def test_a_part_with_its_reach_gives_what_the_whole_gives(rng, options):
    network, x = make(rng, **options)
    before, after = network.reach
    part = numpy_of(network(x[:, 12 - before : 18 + after]))
    assert_allclose(part[:, before : before + 6], numpy_of(network(x))[:, 12:18], atol=1e-5)
    # At the ends the nearest frame stands in.
    longer = np.concatenate([np.repeat(x[:, :1], 9, axis=1), x, np.repeat(x[:, -1:], 9, axis=1)], axis=1)
    assert_allclose(numpy_of(network(longer))[:, 9:-9], network(x), atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": 0}, "Expected channels to be a positive int. Received: channels=0"),
        ({"num_blocks": -1}, "Expected num_blocks to be an int >= 0. Received: num_blocks=-1"),
        ({"kernel_size": 4}, "Expected kernel_size to be odd. Received: kernel_size=4"),
        ({"look_ahead": 16}, r"Expected look_ahead to be None or an int in \[0, 15\]. Received: 16"),
        ({"hidden_channels": 0}, "Expected hidden_channels to be a positive int. Received: hidden_channels=0"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        FrameNetwork(**arguments)
