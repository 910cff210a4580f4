"""WaveNet with linear prediction and a network at the frame rate."""

import keras
import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tests.support.flat import wavenet
from tests.support.slow import some
from tests.support.streaming_contract import Conditioned, randomise, verify_streaming_contract
from tf_wavenet import Gaussian, MelSpec, MixtureOfLogistics, MuLawCategorical, Residual, WaveNet

HOP, FRAMES = 8, 12
SPEC = MelSpec.from_preset(
    "speech_16k", num_mels=6, hop_length=HOP, win_length=64, fft_length=128, preemphasis=0.85
).standardized()
NETWORK = {"channels": 5, "num_blocks": 1, "kernel_size": 3}
VARIANTS = {
    "both": {"linear_prediction": {"order": 4, "voiced_temperature": 0.5}, "frame_network": NETWORK},
    "prediction alone": {"linear_prediction": 3},
    "network alone": {"frame_network": NETWORK, "distribution": MuLawCategorical(15)},
    "order 0": {"linear_prediction": 0, "frame_network": NETWORK},
    "all": {
        "linear_prediction": 2,
        "frame_network": {**NETWORK, "look_ahead": 1},
        "speakers": 3,
        "context_dilations": (1,),
        "context_hop": 4,
        "context_channels": 3,
    },
}


def make(variant, distribution=None, **options):
    options = {"distribution": distribution or MuLawCategorical(15), **VARIANTS[variant], **options}
    model = wavenet((1, 2), 3, 4, 6, mu=15, mel_spec=SPEC, **options)
    randomise(model)
    rng = np.random.default_rng(1)
    given = {"local_condition": rng.normal(size=(2, FRAMES, 6)).astype("float32")}
    if model.speakers:
        given["global_condition"] = np.array([2, 1], "int32")
    return model, given


def previous(x):
    return np.concatenate([np.zeros((len(x), 1), "float32"), x[:, :-1]], axis=1)


@pytest.fixture
def waveform(rng):
    # At the last step of this length the context stack reaches farthest back.
    return rng.uniform(-0.4, 0.4, (2, 60)).astype("float32")


@pytest.mark.parametrize("variant", some(VARIANTS, "all"))
def test_streams(waveform, variant):
    model, given = make(variant)
    verify_streaming_contract(Conditioned(model, **given), waveform, previous, differentiable=False)


@pytest.mark.large
@pytest.mark.parametrize(
    "distribution",
    [MixtureOfLogistics(2), Gaussian()],
    ids=lambda d: type(d).__name__,
)
def test_streams_whatever_describes_the_residual(waveform, distribution):
    model, given = make("both", distribution)
    assert isinstance(model.distribution, Residual) and model.distribution.distribution is distribution
    verify_streaming_contract(Conditioned(model, **given), waveform, previous, differentiable=False)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("length", [61, 64])  # with and without a last frame that is not full
def test_equals_numpy(rng, variant, length):
    model, given = make(variant)
    waveform = rng.uniform(-0.4, 0.4, (2, length)).astype("float32")
    expected = reference.wavenet(waveform, model, **given)
    assert_allclose(model({"waveform": waveform, **given}), expected, atol=2e-5 * np.abs(expected).max())


def test_a_window_with_its_frames_gives_what_the_whole_gives(rng):
    model, given = make("both")
    waveform = rng.uniform(-0.4, 0.4, (2, FRAMES * HOP)).astype("float32")
    whole = numpy_of(model({"waveform": waveform, **given}))
    margin, first, last = model.context_frames, 4, 9
    frames = given["local_condition"].take(np.arange(first - margin, last + margin), axis=1, mode="clip")
    window = {"waveform": waveform[:, first * HOP : last * HOP], "local_window": frames}
    field = model.receptive_field
    assert model.context_samples == field < 2 * HOP
    part = numpy_of(model(window))
    assert_allclose(part[:, field:], whole[:, first * HOP + field : last * HOP], atol=5e-5)
    with pytest.raises(
        ValueError, match=f"local_window of at least {5 + 2 * margin} frames for 40 samples. Received: {4 + 2 * margin}"
    ):
        model({**window, "local_window": frames[:, 1:]})


@pytest.mark.large
def test_lengths_that_are_not_known_when_it_is_traced(waveform):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("only TensorFlow traces unknown lengths")
    import tensorflow as tf

    model, given = make("both")
    signature = {"waveform": tf.TensorSpec((None, 56)), "local_condition": tf.TensorSpec((None, None, 6))}
    inputs = {"waveform": waveform[:, :56], **given}
    traced = tf.function(model.call, input_signature=[signature])
    assert_allclose(traced(inputs), model(inputs), atol=1e-5)


def test_noise_takes_any_precision_and_leaves_loud_residuals(rng):
    model, given = make("both", past_noise=1e-9)
    loud = rng.uniform(-1, 1, (2, 60))  # float64, residuals far beyond 1 / gain
    inputs = {"waveform": loud, **given}
    assert_allclose(model(inputs, training=True), model({**inputs, "waveform": loud.astype("f")}), atol=1e-3)


def test_likelihood_is_that_of_the_residual(waveform):
    model, given = make("both")
    params = numpy_of(model({"waveform": waveform, **given}))
    levels = reference.mu_law_levels(2.0 * (waveform - params[..., -2]), 15)
    expected = np.take_along_axis(reference.log_softmax(params[..., :-2]), levels[..., None], axis=-1)[..., 0]
    assert_allclose(model.log_prob({"waveform": waveform, **given}), expected, atol=1e-4)


@pytest.mark.parametrize("variant", some(["both", "network alone"], "both"))
def test_noise_is_on_the_past_while_training_and_nowhere_else(waveform, variant):
    model, given = make(variant, past_noise=1.0)
    quiet, _ = make(variant)
    quiet.set_weights(model.get_weights())
    inputs = {"waveform": 0.05 * waveform, **given}
    expected = numpy_of(quiet(inputs))
    assert_array_equal(model(inputs), expected)
    assert_array_equal(quiet(inputs, training=True), expected)
    noisy = numpy_of(model(inputs, training=True))
    assert (noisy != expected).mean() > 0.1 and (noisy[:, 0] == expected[:, 0]).all()
    if variant == "both":  # the prediction is made of the noisy past, which stays near the true one
        distance = np.abs(noisy[..., -2] - expected[..., -2])
        assert 0 < distance.max() < 0.3


@pytest.mark.parametrize("variant", some(VARIANTS, "all"))
def test_saves_and_loads(variant, waveform, tmp_path):
    model, given = make(variant)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    inputs = {"waveform": waveform, **given}
    assert_array_equal(loaded(inputs), model(inputs))


def test_mixed_precision_keeps_predictions_exact(waveform):
    model, given = make("both")
    half, _ = make("both", dtype="mixed_bfloat16")
    half.set_weights(model.get_weights())
    inputs = {"waveform": waveform, **given}
    exact, rounded = numpy_of(model(inputs)), numpy_of(half(inputs))
    assert_array_equal(rounded[..., -2:], exact[..., -2:])
    assert_allclose(rounded, exact, atol=0.1 * np.abs(exact).max())
    condition, state = half.conditioning(given), half.get_initial_state(2)
    y, _ = half.step(np.zeros(2, "float32"), state, condition[:, 0])
    assert_allclose(y, rounded[:, 0], atol=0.05 * np.abs(exact).max())


def test_preset_is_what_it_says():
    model = WaveNet.from_preset("lpc_vocoder")
    assert (len(model.dilations), model.kernel_size, model.residual_channels) == (9, 3, 48)
    prediction = {"order": 16, "lag_window": 40.0, "white_noise": 1e-4, "voiced_temperature": 0.6}
    assert model.conditioning.linear_prediction == prediction
    assert model.mel_spec.preemphasis == 0.85 and model.context_frames == 15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"linear_prediction": 4, "mel_spec": None, "local_channels": 6, "local_hop": 8}, "Expected a mel_spec, from"),
        ({"linear_prediction": -1}, "Expected order to be an int"),
        (
            {"linear_prediction": {"ordre": 4}},
            "Expected linear_prediction to be an int, or a dict of order, lag_window",
        ),
        ({"frame_network": True}, "Expected frame_network to be a dict of the arguments of FrameNetwork"),
        ({"linear_prediction": 4, "input_encoding": "one_hot"}, "Expected input_encoding to be 'companded'. Received"),
        ({"distribution": Residual(Gaussian())}, "Expected linear_prediction with a distribution of residuals"),
        ({"frame_network": NETWORK, "local_context": 2}, "Expected frame_network instead of local_context"),
        ({"frame_network": NETWORK, "mel_spec": None}, "Expected local_channels or a mel_spec with frame_network"),
        ({"past_noise": -1.0}, "Expected past_noise to be at least 0. Received: past_noise=-1.0"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        wavenet((1,), 2, 2, 2, **{"mel_spec": SPEC, **arguments})
