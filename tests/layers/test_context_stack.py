import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tests.support.slow import some
from tests.support.streaming_contract import randomise, verify_streaming_contract
from tf_wavenet import Streamable
from tf_wavenet.layers import ContextStack


def make(hop, kernel_size=2):
    layer = ContextStack((1, 2), hop, residual_channels=4, skip_channels=5, kernel_size=kernel_size, units=6)
    layer.build((None, None, 2))
    randomise(layer)
    return layer


def noise(rng, layer):
    # Longer than two receptive fields; at its last step, the last that a frame is held for, it reaches farthest back.
    frames = max(6, 2 * layer.receptive_field // layer.hop_length + 1)
    return rng.normal(size=(2, frames * layer.hop_length, 2)).astype("float32")


@pytest.mark.parametrize("kernel_size", some([1, 2, 3], 2))
@pytest.mark.parametrize("hop", some([1, 4], 4))
def test_streams(rng, hop, kernel_size):
    layer = make(hop, kernel_size)
    assert isinstance(layer, Streamable)
    verify_streaming_contract(layer, noise(rng, layer))


@pytest.mark.parametrize("kernel_size", [1, 2, 3])
@pytest.mark.parametrize("hop", [1, 2, 5])
def test_equals_numpy(rng, hop, kernel_size):
    layer = make(hop, kernel_size)
    x = noise(rng, layer)
    expected = reference.context_stack(x, layer)
    for time in (1, 2, hop, hop + 1, x.shape[1] - 1, x.shape[1]):
        assert_allclose(layer(x[:, :time]), expected[:, :time], atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("shift", [-1, 1])
def test_equals_numpy_with_shifted_frames_only_if_numpy_shifts_too(rng, shift):
    layer = make(5)
    x = noise(rng, layer)
    shifted = reference.context_stack(np.roll(x, shift, axis=1), layer)
    assert np.abs(numpy_of(layer(x)) - shifted)[:, 5:-5].max() > 0.1


@pytest.mark.large
def test_blocks_of_any_length_go_on_from_any_phase(rng):
    layer, hop = make(3), 3
    x = noise(rng, layer)
    expected = numpy_of(layer(x))
    for first in range(1, hop + 1):
        for length in (1, hop + 1, 2 * hop):
            _, state = layer.prime(x[:, :first], layer.get_initial_state(2))
            y, state = layer.prime(x[:, first : first + length], state)
            assert_allclose(y, expected[:, first : first + length], atol=1e-5)
            assert int(state["phase"]) == (first + length) % hop
            y, _ = layer.step(x[:, first + length], state)
            assert_allclose(y, expected[:, first + length], atol=1e-5)


def test_a_frame_is_held_and_not_felt_before_it_is_complete(rng):
    layer = make(5)
    x = noise(rng, layer)
    y = numpy_of(layer(x))
    for first in range(0, x.shape[1], 5):
        assert_array_equal(y[:, first : first + 5], np.repeat(y[:, first : first + 1], 5, axis=1))
    changed = x.copy()
    changed[:, 11] += 1.0  # in the frame that step 15 completes
    felt = np.flatnonzero((numpy_of(layer(changed)) != y).any(axis=(0, 2)))
    assert felt[0] == 15


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"units": 0}, "Received: units=0"),
        ({"hop_length": 0}, "Received: hop_length=0"),
        ({"dilations": ()}, "Expected dilations to be positive ints"),
        ({"residual_channels": 0}, "Received: residual_channels=0"),
        ({"skip_channels": 0}, "Received: skip_channels=0"),
        ({"kernel_size": 0}, "Received: kernel_size=0"),
    ],
)
def test_refuses_arguments(changes, message):
    arguments = {"units": 2, "hop_length": 2, "dilations": (1,), "residual_channels": 2, "skip_channels": 2}
    with pytest.raises(ValueError, match=message):
        ContextStack(**{**arguments, **changes})
