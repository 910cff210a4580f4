import keras
import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tests.support.flat import wavenet
from tests.support.streaming_contract import Conditioned, randomise, verify_streaming_contract
from tf_wavenet import Gaussian, MixtureOfLogistics, MuLawCategorical

HOP, FRAMES, CHANNELS = 5, 11, 3
LOCAL = {"local_channels": CHANNELS, "local_hop": HOP}
CONTEXT = {"context_dilations": (1, 2), "context_hop": 4, "context_channels": 3}
CONDITIONS = {
    "none": {},
    "speaker": {"speakers": ("ann", "bob", "eve"), "global_channels": 4},
    "vector": {"global_channels": 2},
    "local": LOCAL,
    "both": {"speakers": 3, **LOCAL},
    "context": CONTEXT,
    "all": {"speakers": 3, **LOCAL, **CONTEXT},
}
DISTRIBUTIONS = [MuLawCategorical(15), MixtureOfLogistics(2), Gaussian()]


def make(condition, distribution=DISTRIBUTIONS[0], **options):
    model = wavenet(
        dilations=(1, 2, 3),
        residual_channels=4,
        skip_channels=6,
        mu=15,
        distribution=distribution,
        **CONDITIONS[condition],
        **options,
    )
    randomise(model)
    rng, given = np.random.default_rng(1), {}
    if model.local_channels:
        given["local_condition"] = rng.normal(size=(2, FRAMES, CHANNELS)).astype("float32")
    if model.speakers:
        given["global_condition"] = np.array([2, 1], "int32")
    elif model.global_channels:
        given["global_condition"] = rng.normal(size=(2, model.global_channels)).astype("float32")
    return model, given


def previous(x):
    return np.concatenate([np.zeros((len(x), 1), "float32"), x[:, :-1]], axis=1)


@pytest.fixture
def waveform(rng):
    # At the last step of this length the context stack reaches farthest back.
    return rng.uniform(-1, 1, (2, 53)).astype("float32")


@pytest.mark.parametrize(
    ("condition", "distribution"),
    [
        *(pytest.param(c, DISTRIBUTIONS[i % 3], marks=pytest.mark.large) for i, c in enumerate(CONDITIONS)),
        ("all", DISTRIBUTIONS[1]),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_streams(waveform, condition, distribution):
    model, given = make(condition, distribution)
    streaming = Conditioned(model, **given) if given else model
    verify_streaming_contract(streaming, waveform, previous, differentiable=False)


@pytest.mark.parametrize("shift", [-1, 1])
def test_contract_rejects_a_condition_that_is_shifted_by_one_frame(waveform, shift):
    class Shifted(Conditioned):
        def get_initial_state(self, batch_size):
            state = super().get_initial_state(batch_size)
            return state | {"condition": keras.ops.roll(state["condition"], shift * HOP, axis=1)}

    model, given = make("local")
    with pytest.raises(AssertionError, match="stacked eager steps"):
        verify_streaming_contract(Shifted(model, **given), waveform, previous, differentiable=False)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_equals_numpy(waveform, condition):
    model, given = make(condition, MixtureOfLogistics(2))
    inputs = {"waveform": waveform, **given} if given else waveform
    expected = reference.wavenet(waveform, model, **given)
    assert_allclose(model(inputs), expected, atol=1e-5 * np.abs(expected).max())


def test_equals_numpy_with_a_shifted_condition_only_if_numpy_shifts_too(waveform):
    model, given = make("local")
    shifted = {"local_condition": np.roll(given["local_condition"], 1, axis=1)}
    right = reference.wavenet(waveform, model, **given)
    wrong = reference.wavenet(waveform, model, **shifted)
    actual = numpy_of(model({"waveform": waveform, **given}))
    assert np.abs(actual - right).max() < 1e-4 < 0.1 < np.abs(actual - wrong).max()


@pytest.mark.parametrize(("upsampling", "frames"), [("linear", 4), ("repeat", 5), ("transposed", 4)])
def test_windows_need_the_frames_that_the_upsampling_reaches(upsampling, frames):
    model, _ = make("all", upsampling=upsampling, local_context=3)
    assert model.context_frames == frames and model.context_samples == model.receptive_field
    assert model.period == CONTEXT["context_hop"]
    assert (make("none")[0].context_frames, make("none")[0].period) == (0, 1)


@pytest.mark.parametrize("upsampling", ["linear", "repeat", "transposed"])
def test_a_frame_is_not_felt_before_the_frames_it_is_blended_with(waveform, upsampling):
    model, given = make("local", upsampling=upsampling)
    changed = {"local_condition": given["local_condition"].copy()}
    changed["local_condition"][:, 4] += 1.0
    a, b = (numpy_of(model({"waveform": waveform, **c})) for c in (given, changed))
    first = int(np.flatnonzero((a != b).any(axis=(0, 2)))[0])
    assert 3 * HOP <= first <= 4 * HOP


def test_extra_frames_are_context_and_missing_ones_an_error(waveform):
    model, given = make("local", local_context=1)
    short = waveform[:, : 6 * HOP]
    whole = numpy_of(model({"waveform": waveform, **given}))
    assert_allclose(model({"waveform": short, **given}), whole[:, : short.shape[1]], atol=1e-5)
    with pytest.raises(ValueError, match="at least 11 frames for 53 samples. Received: 7 frames"):
        model({"waveform": waveform, "local_condition": given["local_condition"][:, :7]})


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (lambda x, c: x, r"Expected inputs \['global_condition', 'local_condition', 'waveform'\]. Received: \['wav"),
        (lambda x, c: {"waveform": x, **c, "mel": x}, "Received: .*'mel'"),
        (
            lambda x, c: {"waveform": x, **c, "local_condition": np.zeros((2, 11, 4), "float32")},
            r"Expected local_condition of shape \[batch, frames, 3\]. Received: shape \(2, 11, 4\)",
        ),
        (
            lambda x, c: {"waveform": x, **c, "global_condition": np.zeros((2, 1), "int32")},
            r"Expected global_condition of shape \[batch\]. Received: shape \(2, 1\)",
        ),
    ],
)
def test_refuses_inputs(waveform, inputs, message):
    model, given = make("both")
    with pytest.raises(ValueError, match=message):
        model(inputs(waveform, given))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"speakers": ()}, "Expected speakers to be different names, at least 1"),
        ({"speakers": ("ann", "ann")}, "Expected speakers to be different names"),
        ({"speakers": "ann"}, "Expected speakers to be names"),
        ({"local_channels": 3}, "Expected local_channels with local_hop"),
        ({"local_channels": 0, "local_hop": 3}, "Received: local_channels=0"),
        ({"global_channels": 0}, "Received: global_channels=0"),
        ({"speakers": 2, "global_channels": 0}, "Received: global_channels=0"),
        ({"distribution": "gaussian"}, "Expected distribution to be one of .* Received: distribution='gaussian'"),
        ({"distribution": Gaussian}, "Expected distribution to be one of .*, such as Gaussian"),
        ({"mel_spec": "speech_16k"}, "Expected mel_spec to be a MelSpec. Received: mel_spec='speech_16k'"),
        ({**LOCAL, "upsampling": "cubic"}, "Expected method to be one of .* Received: method='cubic'"),
        ({**LOCAL, "local_context": -1}, "Received: context_frames=-1"),
        ({"context_dilations": (0,)}, "Expected dilations to be positive ints"),
        ({"context_dilations": (1,), "context_hop": 0}, "Received: hop_length=0"),
    ],
)
def test_refuses_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        wavenet(**{"dilations": (1,), "residual_channels": 2, "skip_channels": 2, **arguments})


def test_config_and_file_bring_the_same_model_back(waveform, tmp_path):
    model, given = make("all", MixtureOfLogistics(2, bits=12))
    inputs = {"waveform": waveform, **given}
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config() and loaded.speakers == ("0", "1", "2")
    assert_array_equal(loaded(inputs), model(inputs))
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    assert_array_equal(clone(inputs), model(inputs))


@pytest.mark.large
@pytest.mark.parametrize(
    "distribution",
    [DISTRIBUTIONS[0], DISTRIBUTIONS[2]],
    ids=lambda d: type(d).__name__,
)
def test_fits_dicts_and_learns_from_the_condition(distribution):
    # Each row is noise around a level that only the condition tells.
    rng = np.random.default_rng(0)
    level = rng.choice([-0.6, 0.0, 0.6], (16, 4)).astype("float32")
    audio = (np.repeat(level, HOP, axis=1) + rng.normal(0, 0.02, (16, 4 * HOP))).astype("float32")
    inputs = {"waveform": audio, "local_condition": np.repeat(level[..., None], CHANNELS, axis=-1)}
    keras.utils.set_random_seed(0)
    model = wavenet((1, 2), 2, 8, 16, mu=15, distribution=distribution, **LOCAL, local_context=1)
    model.compile(keras.optimizers.Adam(0.01), jit_compile=False)
    often = {name: np.concatenate([value] * 20) for name, value in inputs.items()}  # epochs cost more than steps
    model.fit(often, often["waveform"], epochs=5, verbose=0, batch_size=16)
    bits = {}
    for name, x in {"true": inputs, "false": {**inputs, "local_condition": -inputs["local_condition"]}}.items():
        bits[name] = model.evaluate(x, audio, verbose=0, return_dict=True)["bits_per_sample"]
        assert_allclose(-np.mean(numpy_of(model.log_prob(x))) / np.log(2), bits[name], rtol=1e-4, atol=1e-4)
    assert bits["true"] < bits["false"] - 0.3


def test_mixed_precision_with_every_condition(waveform):
    model, given = make("all", MixtureOfLogistics(2), dtype="mixed_bfloat16")
    params = model({"waveform": waveform, **given})
    assert keras.backend.standardize_dtype(params.dtype) == "float32"
    condition = model.conditioning(given)
    y, _ = model.step(np.zeros(2, "float32"), model.get_initial_state(2), condition[:, 0])
    assert_allclose(y, params[:, 0], atol=0.05 * np.abs(numpy_of(params)).max())


def test_fit_refuses_features_of_another_hop():
    model, given = make("local")
    model.compile("adam", run_eagerly=True)
    inputs = {"waveform": np.zeros((2, (FRAMES - 2) * HOP), "float32"), **given}
    model.evaluate(inputs, inputs["waveform"], verbose=0)
    inputs["waveform"] = inputs["waveform"][:, HOP:]
    with pytest.raises(ValueError, match="Expected local_condition of 8 to 10 frames for 40 samples, local_hop=5. Rec"):
        model.fit(inputs, inputs["waveform"], verbose=0)
