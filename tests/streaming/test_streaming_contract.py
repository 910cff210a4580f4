"""The check itself: it must reject layers that do not stream."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.support.streaming_contract import verify_streaming_contract
from tf_wavenet import Streamable
from tf_wavenet.layers import CausalConv1D


class Leaky(CausalConv1D):
    """Looks one sample into the future."""

    def call(self, inputs):
        return super().call(ops.pad(inputs[:, 1:], ((0, 0), (0, 1), (0, 0))))


class Shifted(CausalConv1D):
    """Steps are late by one sample."""

    def get_initial_state(self, batch_size):
        return {**super().get_initial_state(batch_size), "late": ops.zeros((batch_size, self.input_channels))}

    def step(self, inputs, state):
        late, queue = state["late"], {k: v for k, v in state.items() if k != "late"}
        y, queue = super().step(late, queue)
        return y, {**queue, "late": ops.convert_to_tensor(inputs)}


class Forgetful(CausalConv1D):
    """Returns the state it was given."""

    def step(self, inputs, state):
        return super().step(inputs, state)[0], state


class WrongField(CausalConv1D):
    """Sees less than it says."""

    def apply_taps(self, taps):
        return super().apply_taps([0.0 * taps[0], *taps[1:]])


class RowMixer(CausalConv1D):
    """Lets rows of the batch see one another."""

    def call(self, inputs):
        return super().call(inputs) + 0.0 * ops.sum(inputs, axis=0, keepdims=True)


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (Leaky, "stacked eager steps"),
        (Shifted, "stacked eager steps"),
        (Forgetful, "stacked eager steps"),
        (WrongField, "receptive field 4, measured 1"),
        (RowMixer, "NaN in another row"),
    ],
)
def test_rejects_a_broken_layer(rng, broken, complaint):
    with pytest.raises(AssertionError, match=complaint):
        verify_streaming_contract(broken(4, 2, 3), rng.normal(size=(2, 30, 4)).astype("float32"))


def test_accepts_the_layer_that_the_broken_ones_derive_from(rng):
    layer = CausalConv1D(4, 2, 3)
    verify_streaming_contract(layer, rng.normal(size=(2, 30, 4)).astype("float32"))
    assert isinstance(layer, Streamable)


def test_protocol_tells_a_plain_layer_apart():
    assert not isinstance(keras.layers.Dense(1), Streamable)
    assert not isinstance(np.zeros(1), Streamable)
