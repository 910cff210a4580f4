import numpy as np
import pytest
from scipy import signal

from tests.support import reference
from tests.support.flat import wavenet
from tests.support.streaming_contract import randomise
from tf_wavenet import Gaussian, MelSpec, MixtureOfLogistics, WaveNet
from tf_wavenet.decoding import decoder as decoder_module
from tf_wavenet.decoding.decoder import decoder_of

HOP, FRAMES, CHANNELS = 7, 60, 3


@pytest.fixture(scope="module")
def model():
    """Everything at once: two speakers, local features, context stack, mixture of logistics."""
    model = wavenet(
        dilations=(1, 2, 3),
        residual_channels=4,
        skip_channels=6,
        distribution=MixtureOfLogistics(3),
        speakers=("ann", "bob"),
        local_channels=CHANNELS,
        local_hop=HOP,
        local_context=1,
        context_dilations=(1, 2),
        context_hop=4,
        context_channels=3,
    )
    randomise(model, scale=0.4)
    return model


@pytest.fixture(scope="module")
def conditions():
    features = np.random.default_rng(0).normal(size=(2, FRAMES, CHANNELS)).astype("float32")
    return {"local_condition": features, "global_condition": ["bob", "ann"]}


@pytest.fixture(scope="module")
def audio(model, conditions):
    return model.generate(**conditions, seed=5)


def test_length_and_rows_follow_the_conditions(audio):
    assert audio.shape == (2, FRAMES * HOP) and audio.std() > 0.01


def test_features_may_end_with_the_last_sample_or_the_prompt(model, conditions, audio):
    np.testing.assert_array_equal(model.generate(FRAMES * HOP, seed=5, **conditions), audio)
    assert model.generate(prompt=audio, seed=5, **conditions).shape == (2, 0)


@pytest.mark.parametrize("chunk_samples", [1, 99, 249, 251, 1000])
def test_chunking_changes_nothing(model, conditions, audio, chunk_samples):
    chunks = list(model.stream(chunk_samples=chunk_samples, seed=5, **conditions))
    np.testing.assert_array_equal(np.concatenate(chunks, axis=1), audio)


@pytest.mark.parametrize("length", [1, 5, 30, 251])
def test_prompt_continues_the_stream_exactly(model, conditions, audio, length):
    continued = model.generate(prompt=audio[:, :length], seed=5, **conditions)
    assert continued.shape[1] == FRAMES * HOP - length
    # The parallel pass may round otherwise than the steps; a level of 2**-15 is the smallest difference.
    assert (np.abs(continued - audio[:, length:]) > 2**-13).mean() < 0.02


def test_prompted_state_equals_teacher_forcing(model, conditions, rng):
    prompt = rng.uniform(-1, 1, (2, 90)).astype("float32")
    given = {**conditions, "global_condition": np.array([1, 0])}
    decoder, encoded = decoder_of(model), model.conditioning.encode(**given)
    for length in (1, 2, 41, 42, 43, 90):
        state = decoder.prompted_state(prompt[:, :length], encoded)
        condition = model.conditioning.project(encoded)[:, length]
        params, _ = model.step(state["previous"], state["model"], condition)
        extended = np.concatenate([prompt[:, :length], np.zeros((2, 1), "float32")], axis=1)
        expected = np.asarray(model({"waveform": extended, **given}))[:, -1]
        np.testing.assert_allclose(params, expected, atol=1e-5 * np.abs(expected).max())


def test_a_frame_governs_its_samples(model, conditions, audio):
    changed = conditions["local_condition"].copy()
    changed[:, 40:] += 2.0
    other = model.generate(seed=5, local_condition=changed, global_condition=conditions["global_condition"])
    first = int(np.flatnonzero((other != audio).any(axis=0))[0])
    # Frame 40 is seen one frame ahead by the context and half a frame ahead by the interpolation.
    assert 38 * HOP <= first <= 41 * HOP


def test_mode_equals_numpy_sample_by_sample():
    model = wavenet(
        dilations=(1, 2),
        residual_channels=4,
        skip_channels=6,
        mu=63,
        speakers=3,
        local_channels=2,
        local_hop=5,
        context_dilations=(1,),
        context_hop=3,
        context_channels=3,
    )
    randomise(model, scale=0.5)
    given = {"local_condition": np.random.default_rng(1).normal(size=(1, 6, 2)), "global_condition": np.array([2])}
    audio, expected = model.generate(temperature=0.0, **given), np.zeros((1, 0))
    for _ in range(30):
        logits = reference.wavenet(np.concatenate([expected, np.zeros((1, 1))], axis=1), model, **given)
        sample = np.asarray(model.distribution.mode(logits[:, -1].astype("float32")))
        expected = np.concatenate([expected, sample[:, None]], axis=1)
    np.testing.assert_array_equal(audio, expected.astype("float32"))


def test_another_length_or_condition_does_not_retrace(model, conditions, audio):
    decode = decoder_of(model).decode
    before = decode.experimental_get_tracing_count()
    short = conditions["local_condition"][:, :9]
    assert model.generate(local_condition=short, global_condition=1).shape == (2, 9 * HOP)
    assert model.generate(11, 2, local_condition=short, global_condition=[0, 1], temperature=0.5).shape == (2, 11)
    assert decode.experimental_get_tracing_count() == before


@pytest.mark.large
def test_lengths_beyond_a_block(model, conditions, audio, monkeypatch):
    monkeypatch.setattr(decoder_module, "BLOCK_SAMPLES", 64)
    small = WaveNet.from_config(model.get_config())
    small.set_weights(model.get_weights())
    np.testing.assert_allclose(small.generate(150, seed=5, **conditions), audio[:, :150], atol=2**-10)


def test_a_vector_for_all_rows_and_a_gaussian():
    model = wavenet((1, 2), 2, 4, 6, distribution=Gaussian(), global_channels=2)
    randomise(model)
    one = model.generate(50, batch_size=2, global_condition=[0.5, -1.0])
    np.testing.assert_array_equal(one, model.generate(50, global_condition=[[0.5, -1.0]] * 2))
    assert (one != model.generate(50, batch_size=2, global_condition=[0.5, 1.0])).any()
    with pytest.raises(ValueError, match="Expected top_k=None: Gaussian has no levels"):
        model.stream(50, global_condition=[0.5, 1.0], top_k=3)


@pytest.mark.large
def test_preemphasis_is_undone():
    spec = MelSpec.from_preset("speech_16k", num_mels=4, hop_length=50, preemphasis=0.8)
    options = {"dilations": (1, 2), "residual_channels": 4, "skip_channels": 6, "local_channels": 4, "local_hop": 50}
    model, plain = wavenet(**options, mel_spec=spec), wavenet(**options)
    randomise(plain)
    model.set_weights(plain.get_weights())
    features = np.full((1, 8, 4), -3.0, "float32")
    emphasised = plain.generate(local_condition=features, seed=3)
    audio = model.generate(local_condition=features, seed=3)
    expected = signal.lfilter([1.0], [1.0, -0.8], emphasised, axis=1)
    np.testing.assert_allclose(audio, expected, atol=1e-5)
    prompt = audio[:, :99] / max(1.0, np.abs(audio).max())  # a prompt is a waveform in [-1, 1]
    state = decoder_of(model).prompted_state(prompt, model.conditioning.encode(features))
    np.testing.assert_allclose(state["previous"], prompt[:, -1] - 0.8 * prompt[:, -2], atol=1e-6)
    np.testing.assert_array_equal(state["output"], prompt[:, -1])
    np.testing.assert_allclose(
        np.concatenate(list(model.stream(chunk_samples=77, local_condition=features, seed=3)), axis=1), audio, atol=1e-6
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"local_condition": None}, "Expected local_condition for this model"),
        ({"global_condition": "eve"}, "global_condition to be a speaker of: ann, bob, or a number below 2. .*: 'eve'"),
        ({"global_condition": True}, "Expected global_condition to be a speaker of: ann, bob, .* Received: True"),
        ({"global_condition": [[0, 1]]}, r"Expected global_condition to be a speaker of: .* Received: \[0, 1\]"),
        ({"global_condition": []}, r"Expected global_condition of at least 1 row. Received: shape \[0\]"),
        ({"local_condition": np.zeros((0, 5, 3))}, r"local_condition of at least 1 row. Received: shape \[0, 5, 3\]"),
        ({"local_condition": "mel.npy"}, "Expected local_condition to be an array of numbers. Received: 'mel.npy'"),
        ({"global_condition": 2}, "Received: 2"),
        ({"global_condition": [0, 1, 0]}, "Expected conditions of 1 row"),
        ({"local_condition": np.zeros((2, 5, 4))}, r"Expected local_condition of shape \[frames, 3\].*\[2, 5, 4\]"),
        ({"local_condition": np.zeros((2, 0, 3))}, "at least 1 frame"),
        ({"local_condition": np.full((2, 5, 3), np.nan)}, "Expected local_condition to be finite"),
        ({"num_samples": FRAMES * HOP + 1}, "at least 61 frames for prompt and num_samples. Received: 60 frames"),
        ({"num_samples": FRAMES * HOP, "prompt": [0.0]}, "at least 61 frames"),
        ({"batch_size": 3}, "Expected conditions of 1 row or batch_size=3 rows"),
        ({"top_p": 0.5}, "Expected top_p=None: MixtureOfLogistics has no levels"),
    ],
)
def test_refuses_arguments_at_once(model, conditions, changes, message):
    with pytest.raises(ValueError, match=message):
        model.stream(**{**conditions, **changes})


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        ("ann", "Expected global_condition to be an array of numbers. Received: 'ann'"),
        (np.zeros((0, 2)), r"Expected global_condition of at least 1 row. Received: shape \[0, 2\]"),
        ([1.0, np.inf], "Expected global_condition to be finite"),
        ([1.0], r"Expected global_condition to be .* of shape \[2\]"),
    ],
)
def test_refuses_vectors(vector, message):
    model = wavenet((1,), 2, 2, 2, global_channels=2)
    with pytest.raises(ValueError, match=message):
        model.generate(3, global_condition=vector)


def test_a_mel_model_looks_at_shape_and_values_of_arrays():
    model = wavenet((1,), 2, 2, 2, mel_spec=MelSpec.from_preset("speech_16k"))
    model.stream(local_condition=np.full((4, 80), -5.0))
    for features, message in ((np.full((4, 60), -5.0), r"\[frames, 80\]"), (np.full((4, 80), -20.0), "at least -11.5")):
        with pytest.raises(ValueError, match=message):
            model.stream(local_condition=features)


def test_a_model_without_conditions_wants_none():
    model = wavenet((1,), 2, 2, 2)
    with pytest.raises(ValueError, match="Expected no global_condition: the model has none"):
        model.generate(3, global_condition=0)
    with pytest.raises(ValueError, match="num_samples"):
        model.generate()
