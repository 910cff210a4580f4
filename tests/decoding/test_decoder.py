import gc
import weakref

import keras
import numpy as np
import pytest

from tests.support import reference
from tests.support.streaming_contract import randomise
from tf_wavenet import WaveNet, mu_law_encode
from tf_wavenet.decoding import decoder as decoder_module
from tf_wavenet.decoding.decoder import decoder_of


@pytest.fixture(scope="module")
def model():
    model = WaveNet(dilations=(1, 2, 3), residual_channels=4, skip_channels=6)
    randomise(model, scale=0.5)
    return model


@pytest.fixture(scope="module")
def audio(model):
    return model.generate(300, batch_size=3, seed=5)


def test_samples_are_levels_and_rows_differ(audio):
    assert audio.shape == (3, 300) and audio.dtype == np.float32
    np.testing.assert_array_equal(WaveNet(mu=255).distribution.mode(np.eye(256)[mu_law_encode(audio)]), audio)
    assert not (audio[0] == audio[1]).all() and not (audio[1] == audio[2]).all()


def test_mode_equals_numpy_sample_by_sample(model):
    audio = model.generate(25, temperature=0.0)
    expected = np.zeros((1, 0))
    for _ in range(25):
        logits = reference.wavenet(np.concatenate([expected, np.zeros((1, 1))], axis=1), model)
        level = logits[:, -1].argmax(axis=-1)
        expected = np.concatenate([expected, np.asarray(model.distribution.mode(np.eye(256)[level]))[:, None]], axis=1)
    np.testing.assert_array_equal(audio, expected)


@pytest.mark.large
def test_samples_have_the_likelihood_that_the_model_announces(model):
    # Under the model itself, mean log-likelihood of its samples is minus its mean entropy.
    audio = model.generate(4000, batch_size=2, seed=1)
    log_p = reference.log_softmax(np.asarray(model(audio), "float64"))
    entropy = -(np.exp(log_p) * log_p).sum(axis=-1)
    nats = -np.asarray(model.log_prob(audio))
    assert abs((nats - entropy).mean()) < 5 * (nats - entropy).std() / np.sqrt(nats.size)


def test_seed_decides(model, audio):
    np.testing.assert_array_equal(model.generate(300, batch_size=3, seed=5), audio)
    assert (model.generate(300, batch_size=3, seed=6) != audio).any()
    assert (model.generate(300, batch_size=3, seed=5 + 2**32) != audio).any()


@pytest.mark.parametrize("chunk_samples", [1, 7, 100, 299, 300, 1000])
def test_chunking_changes_nothing(model, audio, chunk_samples):
    chunks = list(model.stream(300, chunk_samples, batch_size=3, seed=5))
    assert all(c.shape == (3, chunk_samples) for c in chunks[:-1])
    np.testing.assert_array_equal(np.concatenate(chunks, axis=1), audio)


@pytest.mark.large
def test_lengths_beyond_a_block(model, monkeypatch):
    monkeypatch.setattr(decoder_module, "BLOCK_SAMPLES", 64)
    small = WaveNet.from_config(model.get_config())
    small.set_weights(model.get_weights())
    whole = small.generate(200, seed=9)
    np.testing.assert_array_equal(np.concatenate(list(small.stream(200, 130, seed=9)), axis=1), whole)
    monkeypatch.undo()
    np.testing.assert_array_equal(whole, model.generate(200, seed=9))


def test_endless_stream(model, audio):
    stream = model.stream(None, 10, batch_size=3, seed=5)
    np.testing.assert_array_equal(np.concatenate([next(stream) for _ in range(5)], axis=1), audio[:, :50])


@pytest.mark.parametrize("length", [1, 3, 8, 150])
def test_prompt_continues_the_stream_exactly(model, audio, length):
    continued = model.generate(300 - length, batch_size=3, seed=5, prompt=audio[:, :length])
    np.testing.assert_array_equal(continued, audio[:, length:])


def test_prompted_state_equals_teacher_forcing(model, rng):
    prompt = rng.uniform(-1, 1, (2, 40)).astype("float32")
    decoder = decoder_of(model)
    for length in (1, 2, model.receptive_field, 40):
        state = decoder.prompted_state(prompt[:, :length])
        params, _ = model.step(state["previous"], state["model"])
        extended = np.concatenate([prompt[:, :length], np.zeros((2, 1), "float32")], axis=1)
        np.testing.assert_allclose(params, np.asarray(model(extended))[:, -1], atol=1e-5)


def test_one_prompt_for_all_rows(model):
    prompt = np.linspace(-0.5, 0.5, 30, dtype="float32")
    np.testing.assert_array_equal(
        model.generate(20, batch_size=2, prompt=prompt), model.generate(20, batch_size=2, prompt=[prompt, prompt])
    )
    assert model.generate(20, prompt=[]).shape == (1, 20)


def test_another_length_or_setting_does_not_retrace(model):
    decode = decoder_of(model).decode
    model.generate(10, batch_size=2)
    model.generate(10, batch_size=2, top_k=3)
    before = decode.experimental_get_tracing_count()
    model.generate(11, batch_size=2, seed=7, temperature=0.3)
    model.generate(11, batch_size=2, top_k=5, prompt=np.zeros(12))
    list(model.stream(33, 5, batch_size=2))
    assert decode.experimental_get_tracing_count() == before


def test_prompts_of_many_lengths_share_a_trace(model):
    prime = decoder_of(model)._prime
    for length in (20, 21, 22):
        model.generate(1, prompt=np.zeros(length))
    before = prime.experimental_get_tracing_count()
    for length in (5, 6, 7, 50):
        model.generate(1, prompt=np.zeros(length))
    assert prime.experimental_get_tracing_count() <= before + 1


def test_weights_changed_after_a_generation_are_used(model):
    copy = WaveNet.from_config(model.get_config())
    copy.generate(5)
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy.generate(50, seed=2), model.generate(50, seed=2))


def test_top_settings_restrict_the_samples(model):
    audio = model.generate(200, top_k=1)
    np.testing.assert_array_equal(audio, model.generate(200, temperature=0.0))
    np.testing.assert_array_equal(audio, model.generate(200, top_p=1e-6))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_samples": -1}, "num_samples to be an int >= 0"),
        ({"num_samples": 2.5}, "num_samples to be an int >= 0"),
        ({"batch_size": 0}, "batch_size to be an int >= 1"),
        ({"seed": -1}, r"seed to be None or an int in \[0, 2\*\*63\)"),
        ({"seed": 2**63}, "Received: seed=9223372036854775808"),
        ({"temperature": -1}, "temperature to be finite and >= 0"),
        ({"top_k": 0}, "top_k to be None or an int >= 1"),
        ({"top_p": 2.0}, "top_p to be None or in"),
        ({"prompt": np.zeros((2, 3)), "batch_size": 3}, r"shape \[time\] or \[3, time\]. Received: shape \[2, 3\]"),
        ({"prompt": [0.0, np.nan]}, "prompt to be finite"),
        ({"prompt": [0.0, 1.5]}, r"in \[-1, 1\]"),
    ],
)
def test_refuses_arguments_at_once(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        model.generate(**{"num_samples": 1, **arguments})
    with pytest.raises(ValueError, match=message):
        model.stream(**{"num_samples": 1, **arguments})


def test_a_model_of_nan_is_an_error(model):
    broken = WaveNet.from_config(model.get_config())
    broken.head.out.bias.assign(np.full(256, np.nan))
    for temperature in (0.0, 1.0):
        with pytest.raises(FloatingPointError, match="finite parameters"):
            broken.generate(3, temperature=temperature)


def test_no_samples_and_refused_chunks(model):
    assert model.generate(0, batch_size=2).shape == (2, 0)
    with pytest.raises(ValueError, match="chunk_samples"):
        model.stream(10, 0)


def test_scalar_input_and_wide_kernels_generate():
    model = WaveNet(
        dilations=(1, 3), kernel_size=3, residual_channels=4, skip_channels=4, input_encoding="scalar", mu=15
    )
    randomise(model)
    audio = model.generate(60, seed=1)
    continued = model.generate(30, seed=1, prompt=audio[:, :30])
    np.testing.assert_array_equal(continued, audio[:, 30:])


@pytest.mark.large
def test_a_model_that_has_generated_is_freed():
    model = WaveNet((1, 2), residual_channels=4, skip_channels=4)
    model.generate(3)
    alive = weakref.ref(model)
    del model
    gc.collect()
    assert alive() is None


def test_a_prompt_gives_the_batch_size(model, rng):
    prompt = rng.uniform(-1, 1, (3, 5)).astype("float32")
    expected = model.generate(4, batch_size=3, prompt=prompt)
    np.testing.assert_array_equal(model.generate(4, prompt=prompt), expected)
    np.testing.assert_array_equal(next(model.stream(4, prompt=prompt)), expected)
    one = model.generate(4, batch_size=3, prompt=prompt[0])
    np.testing.assert_array_equal(model.generate(4, batch_size=3, prompt=prompt[:1]), one)


def test_no_seed_draws_one_and_tells_it(model, caplog):
    keras.utils.set_random_seed(1)
    with caplog.at_level("INFO", logger="tf_wavenet"):
        audio = model.generate(30, seed=None)
    drawn = model.last_seed
    told = [record.message for record in caplog.records if record.name.startswith("tf_wavenet")]
    assert told == [f"seed={drawn}"] and 0 <= drawn < 2**63
    assert (model.generate(30, seed=None) != audio).any() and model.last_seed != drawn
    np.testing.assert_array_equal(model.generate(30, seed=drawn), audio)
    keras.utils.set_random_seed(1)
    np.testing.assert_array_equal(model.generate(30, seed=None), audio)
