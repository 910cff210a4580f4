"""Generation with linear prediction and a network at the frame rate, whose vectors hold for a frame."""

import numpy as np
import pytest
from scipy import signal

from tests.support import reference
from tests.support.flat import wavenet
from tests.support.streaming_contract import randomise
from tf_wavenet import MelSpec, MuLawCategorical, WaveNet
from tf_wavenet.decoding import decoder as decoder_module
from tf_wavenet.decoding.decoder import decoder_of

HOP, FRAMES = 7, 9
SPEC = MelSpec.from_preset("speech_16k", num_mels=6, hop_length=HOP, win_length=64, fft_length=128, preemphasis=0.5)


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(1).normal(-5, 1, (2, FRAMES, 6)).astype("float32")


@pytest.fixture(scope="module")
def model():
    network = {"channels": 5, "num_blocks": 1, "kernel_size": 3}
    options = {"mel_spec": SPEC, "linear_prediction": 3, "frame_network": network}
    model = wavenet((1, 2), 3, 4, 6, distribution=MuLawCategorical(63), **options)
    randomise(model, scale=0.5)
    return model


@pytest.fixture(scope="module")
def audio(model, features):
    return model.generate(local_condition=features, seed=5)


def test_mode_equals_numpy_sample_by_sample(model, features):
    audio, made = model.generate(temperature=0.0, local_condition=features[:1]), np.zeros((1, 0))
    for _ in range(FRAMES * HOP):
        params = reference.wavenet(
            np.concatenate([made, np.zeros((1, 1))], axis=1), model, local_condition=features[:1]
        )
        made = np.concatenate(
            [made, np.asarray(model.distribution.mode(params[:, -1].astype("float32")))[:, None]], axis=1
        )
    # The model speaks pre-emphasised audio.
    np.testing.assert_allclose(audio, signal.lfilter([1.0], [1.0, -0.5], made, axis=1), atol=1e-4)


@pytest.mark.parametrize("chunk_samples", [1, 5, 7, 40, 1000])
def test_chunking_changes_nothing(model, features, audio, chunk_samples):
    chunks = list(model.stream(chunk_samples=chunk_samples, seed=5, local_condition=features))
    np.testing.assert_array_equal(np.concatenate(chunks, axis=1), audio)


@pytest.mark.parametrize("length", [1, 6, 7, 8, 33])
def test_prompt_continues_the_stream(model, features, length):
    settings = {"seed": 5, "temperature": 0.3, "local_condition": features}
    audio = model.generate(**settings)
    assert np.abs(audio).max() < 1  # a prompt is a waveform in [-1, 1]
    continued = model.generate(prompt=audio[:, :length], **settings)
    # The parallel pass may round otherwise than the steps; a draw that differs shows as a large difference.
    assert (np.abs(continued - audio[:, length:]) > 1e-3).mean() < 0.02


@pytest.mark.large
def test_a_single_frame_with_a_prompt(model, features):
    audio = model.generate(local_condition=features[:, :1], prompt=np.zeros((2, 3), "float32"))
    assert audio.shape == (2, HOP - 3) and np.isfinite(audio).all()


@pytest.mark.large
def test_lengths_beyond_a_block(model, features, audio, monkeypatch):
    monkeypatch.setattr(decoder_module, "BLOCK_SAMPLES", 3 * HOP + 2)
    small = WaveNet.from_config(model.get_config())
    small.set_weights(model.get_weights())
    assert decoder_of(small).block_samples(small.conditioning.encode(features)) == 3 * HOP
    np.testing.assert_allclose(small.generate(local_condition=features, seed=5), audio, atol=1e-4)


def test_another_length_does_not_retrace(model, features, audio):
    decode = decoder_of(model).decode
    before = decode.experimental_get_tracing_count()
    assert model.generate(local_condition=features[:, :4]).shape == (2, 4 * HOP)
    assert decode.experimental_get_tracing_count() == before
