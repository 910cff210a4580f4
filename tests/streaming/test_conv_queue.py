import numpy as np
import pytest
from keras import ops

from tests.support.arrays import assert_array_equal
from tf_wavenet.streaming.conv_queue import ConvQueue


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4])
def test_taps_are_the_inputs_of_the_past(rng, kernel_size):
    dilations, channels = (1, 4, 3), 2
    queue = ConvQueue(kernel_size, dilations)
    inputs = rng.normal(size=(25, len(dilations), 3, channels)).astype("float32")
    state = queue.initial(3, channels, "float32")
    for t in range(25):
        for layer, dilation in enumerate(dilations):
            taps = queue.taps(state, layer, channels)
            assert len(taps) == kernel_size - 1
            for j, tap in enumerate(taps):
                past = t - (kernel_size - 1 - j) * dilation
                assert_array_equal(tap, inputs[past, layer] if past >= 0 else np.zeros((3, channels)))
        state = queue.push(state, [ops.convert_to_tensor(x) for x in inputs[t]])


def test_histories_round_trip(rng):
    queue = ConvQueue(3, (2, 5))
    state = queue.initial(2, 4, "float32")
    for _ in range(17):
        state = queue.push(state, [ops.convert_to_tensor(rng.normal(size=(2, 4)).astype("float32")) for _ in range(2)])
    histories = queue.histories(state, 4)
    assert [tuple(h.shape) for h in histories] == [(2, 4, 4), (2, 10, 4)]
    again = queue.from_histories(histories)
    for h, a in zip(histories, queue.histories(again, 4), strict=True):
        assert_array_equal(h, a)
    for layer in range(2):
        for tap, same in zip(queue.taps(state, layer, 4), queue.taps(again, layer, 4), strict=True):
            assert_array_equal(tap, same)


def test_without_a_past_the_state_keeps_its_form():
    queue = ConvQueue(1, (1, 2))
    state = queue.initial(3, 2, "float32")
    again = queue.from_histories(queue.histories(state, 2))
    assert {name: (tuple(x.shape), x.dtype) for name, x in again.items()} == {
        name: (tuple(x.shape), x.dtype) for name, x in state.items()
    }
