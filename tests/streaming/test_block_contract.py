"""Everything that streams in blocks and not in samples: blocks are the whole, packed rows of strangers go on alone."""

import numpy as np
import pytest
from keras import ops, tree

from tests.support.arrays import assert_allclose, numpy_of
from tests.support.streaming_contract import randomise
from tf_wavenet import BlockStreamable, HiFiGAN, ISTFTVocoder, MelSpec, ParallelWaveGAN, Streamable
from tf_wavenet.layers import ConvInUpsampleNetwork, InverseSTFT, UpsampleConv1D

SPEC = MelSpec.from_preset("speech_16k", hop_length=16, win_length=64, fft_length=128, num_mels=6)
MAKERS = {
    "UpsampleConv1D": lambda: UpsampleConv1D(3, 10, 4, causal=True),
    "UpsampleConv1D without a past": lambda: UpsampleConv1D(3, 4, 4, causal=True),
    "ConvInUpsampleNetwork": lambda: ConvInUpsampleNetwork((2, 3), 2, causal=True),
    "ConvInUpsampleNetwork of one frame": lambda: ConvInUpsampleNetwork((4,), 0, causal=True),
    "InverseSTFT": lambda: InverseSTFT(hop_length=2, win_length=4, fft_length=4),
    "HiFiGAN": lambda: HiFiGAN((4, 4), (8, 8), 8, 2, (3,), ((1, 3),), mel_spec=SPEC, causal=True),
    "ISTFTVocoder": lambda: ISTFTVocoder(8, 2, kernel_size=3, mel_spec=SPEC, causal=True),
    "ParallelWaveGAN": lambda: ParallelWaveGAN(
        4, 2, residual_channels=8, gate_channels=8, skip_channels=16, upsample_scales=(4, 4), mel_spec=SPEC, causal=True
    ),
}


def block(inputs, rows, first, last, hop):
    """A part of what `call` takes."""
    if isinstance(inputs, dict):
        noise = inputs["noise"][rows, first * hop : last * hop]
        return {"local_condition": inputs["local_condition"][rows, first:last], "noise": noise}
    return inputs[rows, first:last]


@pytest.mark.parametrize("kind", MAKERS)
def test_blocks_are_the_whole_and_rows_are_strangers(rng, kind):
    layer, time = MAKERS[kind](), 8
    x = rng.normal(-5, 1, size=(3, time, 6)).astype("float32")
    if not layer.built:
        layer.build(x.shape)
    randomise(layer)
    if kind == "ParallelWaveGAN":
        x = {"local_condition": x, "noise": rng.normal(size=(3, time * 16)).astype("float32")}
    whole = numpy_of(layer(x))
    hop, everyone = whole.shape[1] // time, slice(None)
    assert isinstance(layer, BlockStreamable) and not isinstance(layer, Streamable)

    # Each stream alone, packed between its blocks, and some of its states along the way.
    rows, states, atol = [], {}, 1e-5 * np.abs(whole).max()
    state = layer.get_initial_state(3)
    for first, last in ((0, 1), (1, 4), (4, 7)):
        states[first] = numpy_of(layer.pack_state(state))
        assert states[first].shape == (3, layer.state_size)
        y, new = layer.prime(block(x, everyone, first, last, hop), layer.unpack_state(states[first], first))
        form = [(tuple(s.shape), s.dtype) for s in tree.flatten(state)]
        assert [(tuple(s.shape), s.dtype) for s in tree.flatten(new)] == form, "the state changed shape or dtype"
        rows.append(numpy_of(y))
        state = new
    assert_allclose(np.concatenate(rows, axis=1), whole[:, : 7 * hop], atol=atol)

    # Streams at frames 4, 0 and 1 side by side: each goes on as alone. (Blocks of 3, which JAX has compiled by now.)
    starts = (4, 0, 1)
    mixed = layer.unpack_state(ops.convert_to_tensor(np.stack([states[t][i] for i, t in enumerate(starts)])), 0)
    parts = [block(x, slice(i, i + 1), t, t + 3, hop) for i, t in enumerate(starts)]
    y, _ = layer.prime(tree.map_structure(lambda *a: np.concatenate(a), *parts), mixed)
    for i, t in enumerate(starts):
        assert_allclose(numpy_of(y)[i], whole[i, t * hop : (t + 3) * hop], atol=atol)


def test_what_looks_ahead_has_no_state():
    with pytest.raises(ValueError, match="Expected causal=True to stream"):
        _ = ISTFTVocoder(8, 2, kernel_size=3, mel_spec=SPEC).state_size
