"""Streams without end: positions go round, schedules keep their phase, and random numbers do not repeat."""

import numpy as np
import pytest
import tensorflow as tf

from tests.support.flat import wavenet
from tests.support.streaming_contract import randomise
from tf_wavenet import HiFiGAN, MelSpec, ParallelWaveGAN
from tf_wavenet.decoding import Decoder
from tf_wavenet.decoding.positions import Positions, positions_of
from tf_wavenet.serving import Signatures, VocoderSignatures

SEED = tf.constant([3, 0], tf.uint32)
HOP = 6


def ints(*values):
    return tf.constant(values, tf.int32)


@pytest.fixture(scope="module")
def model():
    network = {"channels": 4, "num_blocks": 1, "kernel_size": 3, "look_ahead": 0}
    spec = MelSpec.from_preset("speech_16k", num_mels=5, hop_length=HOP, win_length=64, fft_length=256)
    model = wavenet((1, 2), 2, 4, 6, mel_spec=spec, frame_network=network, mu=15)
    randomise(model, scale=0.5)
    return model


def mels(frames, rows=2):
    return np.random.default_rng(0).normal(-5, 1, (rows, frames, 5)).astype("float32")


def test_a_round_is_whole_frames_and_periods():
    assert Positions(1, 1).cycle == 2**30 and Positions(4, 6).cycle == 2**30 // 12 * 12
    hi_fi_gan = HiFiGAN((4, 4), (8, 8), 8, 2, (3,), ((1,),))
    assert positions_of(hi_fi_gan).cycle == 2**30
    positions = Positions(6)
    last = positions.cycle - 1
    index, row = positions.advance(ints(last - 2, last, 5), ints(0, 1, 2), 3)
    assert index.numpy().tolist() == [0, 2, 8] and row.numpy().tolist() == [2**20, 2**20 + 1, 2]
    # After the last turn that an int32 can count, row numbers begin anew.
    assert positions.advance(ints(last), ints(2**31 - 2**20 + 7), 1)[1].numpy().tolist() == [7]
    # As states of earlier versions may be, whose positions ended at 2**30.
    assert positions.turned(ints(2**30 - 1), ints(1))[0].numpy().tolist() == [2**30 - 1 - positions.cycle]
    # Frames count on without end.
    first = tf.constant([last + 1 - 6, 7 * (last + 1)], tf.int64)
    assert positions.between(first, ints(4, 4)).numpy().tolist() == [10, 4]


def test_chunks_across_the_turn_give_what_the_whole_gives(model):
    decoder = Decoder(model, jit_compile=False)
    encoded = model.conditioning.encode(local_condition=mels(3))
    start = decoder.initial_state(2) | {"index": ints(decoder.positions.cycle - 3, 4)}

    def decode(state, samples, temperature=1.0):
        audio, state = decoder.decode(state, tf.constant(samples), SEED, tf.constant(temperature), condition=encoded)
        return audio[:samples].numpy().T, state

    whole, end = decode(start, 8)
    first, state = decode(start, 2)
    assert state["index"].numpy().tolist() == [decoder.positions.cycle - 1, 6]
    assert end["index"].numpy().tolist() == [5, 12] and end["row"].numpy().tolist() == [2**20, 1]
    np.testing.assert_array_equal(first, whole[:, :2])
    # The phase of the frames goes on: the modes are those of a stream that is three samples before some frame's end.
    np.testing.assert_array_equal(
        decode(start, 8, 0.0)[0][0], decode(start | {"index": ints(HOP - 3, 4)}, 8, 0.0)[0][0]
    )
    # Drawn anew, not as in the first round.
    again = decode(start | {"index": ints(0, 4), "row": ints(2**20, 1)}, 8)[0]
    assert (again[0] != decode(start | {"index": ints(0, 4)}, 8)[0][0]).any()


def test_a_served_stream_goes_on(model):
    served = Signatures(model, False, 1 << 20)
    cycle = positions_of(model).cycle
    queues, stream = served.initial_state(tf.constant(2)).values()
    sampling = {"seed": tf.constant(1, tf.int64), "temperature": tf.constant(0.0)}
    sampling |= {"top_k": tf.constant(0), "top_p": tf.constant(1.0)}

    def chunk(index, first_frame, frames, samples, queues=queues):
        state = {"state_queues": queues, "state_stream": stream + ints(0, 0, index, 0)}
        window = {"first_frame": ints(first_frame, first_frame), "local_condition": tf.constant(frames)}
        return served.generate_chunk(num_samples=tf.constant(samples), **sampling, **state, **window)

    # Positions as a state of an earlier version has them, up to 2**30, and as they are in the first round.
    late, early = chunk(cycle - 3, cycle // HOP - 1, mels(3), 5), chunk(HOP - 3, 0, mels(3), 5)
    np.testing.assert_array_equal(late["waveform"], early["waveform"])
    assert late["new_state_stream"].numpy()[:, 2:].tolist() == [[2, 2**20], [2, 2**20 + 1]]
    old = chunk(2**30 - 1, cycle // HOP, mels(3), 2)
    assert old["new_state_stream"].numpy()[:, 2].tolist() == [2**30 + 1 - cycle] * 2
    # What comes back goes in again; the frames' numbers count on.
    state = {name.removeprefix("new_"): value for name, value in late.items() if name.startswith("new_")}
    window = {"first_frame": ints(cycle // HOP, cycle // HOP), "local_condition": tf.constant(mels(3))}
    more = served.generate_chunk(num_samples=tf.constant(4), **sampling, **state, **window)
    assert more["new_state_stream"].numpy()[:, 2].tolist() == [6, 6]
    with pytest.raises(tf.errors.InvalidArgumentError, match="of a frame for every sample"):
        chunk(cycle - 3, cycle // HOP, mels(3), 5)


def test_a_vocoders_noise_does_not_repeat():
    sizes = {"residual_channels": 4, "gate_channels": 4, "skip_channels": 4, "upsample_scales": (2, 3)}
    served = VocoderSignatures(ParallelWaveGAN(2, 1, **sizes, num_mels=5, causal=True), False, 1 << 20)
    cycle = positions_of(served.model).cycle
    assert cycle % HOP == 0

    def noise(index, row, frames):
        given = {"local_condition": tf.zeros((1, frames, 5)), "seed": tf.constant(1, tf.int64)}
        return served._with_noise(given, ints(index), ints(row))["noise"].numpy()

    whole = noise(cycle - HOP, 0, 2)
    np.testing.assert_allclose(whole[:, :HOP], noise(cycle - HOP, 0, 1), rtol=1e-5)
    np.testing.assert_allclose(whole[:, HOP:], noise(0, 2**20, 1), rtol=1e-5)
    assert (whole[:, HOP:] != noise(0, 0, 1)).all()
    queues, stream = served.initial_state(tf.constant(1)).values()
    stream += ints(0, 0, cycle - HOP, 0)
    mel, seed = tf.zeros((1, 2, 5)), tf.constant(1, tf.int64)
    made = served.generate_chunk(local_condition=mel, seed=seed, state_queues=queues, state_stream=stream)
    assert made["new_state_stream"].numpy()[:, 2:].tolist() == [[HOP, 2**20]]
