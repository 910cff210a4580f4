"""What is asked of configurations and tensors; tests/originals compares answers with the originals."""

import keras
import numpy as np
import pytest

from tests.importers import r9y9_reference as reference
from tests.importers.r9y9_reference import CASES, HPARAMS
from tf_wavenet import Gaussian, MelSpec, MixtureOfGaussians, MixtureOfLogistics, MuLawCategorical
from tf_wavenet.importers import CheckpointError, Settings, StateDict, from_r9y9

FRAMES, TIME = 6, 67  # the last frame is not full
STATISTICS = ((-2.0, -3.0, -2.5, -2.0, -1.5), (0.5, 0.75, 1.0, 0.5, 0.5))


def load(hparams, state, statistics=None):
    return from_r9y9(StateDict(state, "a.pth"), Settings(hparams, "hparams.json"), statistics)


def make(case, rng, **options):
    hparams = HPARAMS | CASES[case]
    state = reference.random_state(hparams, rng, **options)
    return hparams, state, load(hparams, state)


def inputs(hparams, rng):
    """A waveform, features, and a vector where one is asked for."""
    features = rng.normal(size=(2, FRAMES, 5)).astype("float32")
    given = {"waveform": rng.uniform(-0.9, 0.9, (2, TIME)).astype("float32"), "local_condition": features}
    if hparams["gin_channels"] > 0:
        given["global_condition"] = rng.normal(size=(2, hparams["gin_channels"])).astype("float32")
    return given


@pytest.mark.parametrize(
    "keys", [("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1")]
)
def test_weight_norm_in_any_spelling_or_folded(keys):
    hparams, _, expected = make("logistics", np.random.default_rng(0))
    _, state, model = make("logistics", np.random.default_rng(0), keys=keys)
    folded = {}
    for name, shape in reference.shapes(hparams)[0].items():
        folded[f"{name}.weight"] = StateDict(state, "a.pth").take(f"{name}.weight", shape)
    plain = {key: value for key, value in state.items() if not key.endswith(keys)}
    for other in (model, load(hparams, folded | plain)):
        for a, b in zip(expected.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_distributions():
    expected = {
        "logistics": MixtureOfLogistics(2, bits=16, log_scale_min=-16.0),
        "gaussian": Gaussian(log_scale_min=-16.0),
        "gaussians": MixtureOfGaussians(3, log_scale_min=-16.0),
        "mu-law": MuLawCategorical(255),
    }
    for case, distribution in expected.items():
        model = make(case, np.random.default_rng(0))[2]
        assert type(model.distribution) is type(distribution)
        assert model.distribution.get_config() == distribution.get_config()


def test_mel_spec_comes_with_the_statistics(rng):
    hparams = HPARAMS | {"hop_size": 256, "upsample_params": {"upsample_scales": [4, 4, 4, 4]}}
    state = reference.random_state(hparams, rng)
    assert load(hparams, state).mel_spec is None
    expected = MelSpec.from_preset("r9y9", num_mels=5, normalization=STATISTICS)
    assert load(hparams, state, STATISTICS).mel_spec == expected
    flat = load(hparams | {"preprocess": "", "fmax": None}, state, STATISTICS).mel_spec
    assert (flat.preemphasis, flat.fmax) == (0.0, 11025.0)


def test_the_model_is_saved_and_loaded_as_any_other(tmp_path, rng):
    hparams, _, model = make("vector", rng)
    given = inputs(hparams, rng)
    model.save(tmp_path / "a.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "a.keras")(given), model(given))


@pytest.mark.large
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="generation needs TensorFlow")
def test_generates(rng):
    hparams, _, model = make("mu-law", rng)
    given = inputs(hparams, rng)
    audio = model.generate(local_condition=given["local_condition"][:1], seed=3)
    assert audio.shape == (1, FRAMES * 12) and np.abs(audio).max() > 0.0


@pytest.mark.large
@pytest.mark.parametrize("case", ["logistics", "speakers"])
def test_every_key_is_needed_and_its_shape_and_values_are_checked(case, rng):
    hparams = HPARAMS | {"layers": 2} | CASES[case]
    state = reference.random_state(hparams, rng)
    for number, (key, value) in enumerate(state.items()):
        if key.startswith(f"conv_layers.{hparams['layers'] - 1}.conv1x1_out"):
            continue  # goes nowhere
        spoilt = value * np.nan, np.repeat(value, 2, axis=-1), value.astype("int32")
        with pytest.raises(CheckpointError, match=r"^a\.pth: expected .*\b" + key.replace(".", r"\.")) as caught:
            load(hparams, state | {key: spoilt[number % 3]})
        assert "\n" not in str(caught.value)
        if key == "embed_speakers.weight":
            continue  # without it, a speaker is a vector
        with pytest.raises(CheckpointError, match=r"^a\.pth: expected .*\b" + key.rsplit(".", 1)[0]):
            load(hparams, {k: v for k, v in state.items() if k != key})


def test_no_key_is_left_over(rng):
    hparams = HPARAMS
    state = reference.random_state(hparams, rng)
    for key in ("conv_layers.4.conv.bias", "upsample_net.conv_in.bias", "conv_layers.0.conv1x1c.bias", "other"):
        with pytest.raises(CheckpointError, match=f"a.pth: expected no {key} for this configuration"):
            load(hparams, state | {key: np.zeros(3, "float32")})


def test_version_01_is_refused_by_its_name(rng):
    """As reported in r9y9/wavenet_vocoder's issue 206, whose hparams.json has other settings as well."""
    state = {"upsample_conv.0.weight_g": np.ones((1, 1, 1, 1), "float32")} | reference.random_state(HPARAMS, rng)
    older = {name: value for name, value in HPARAMS.items() if name not in ("cin_pad", "upsample_params")}
    with pytest.raises(CheckpointError, match="^a.pth: expected upsample_net. Received: upsample_conv"):
        load(older, state)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_type": "mulaw"}, "input_type to be 'raw' or 'mulaw-quantize'. Received: 'mulaw'"),
        ({"output_distribution": "Laplace"}, "output_distribution to be 'Logistic' or 'Normal'"),
        ({"out_channels": 7}, "out_channels to be a multiple of 3. Received: 7"),
        ({"quantize_channels": 1000}, "quantize_channels to be a power of 2, at most 65536. Received: 1000"),
        ({"input_type": "mulaw-quantize"}, "out_channels to be 65536. Received: 6"),
        ({"stacks": 3}, "layers to be a multiple of stacks. Received: 4, 3"),
        ({"stacks": 0}, "layers to be a multiple of stacks. Received: 4, 0"),
        ({"layers": "4"}, "layers to be an int. Received: '4'"),
        ({"legacy": True}, "legacy to be false"),
        ({"upsample_conditional_features": False}, "cin_pad to be 0. Received: 2"),
        ({"upsample_params": [4]}, r"upsample_params to be a section. Received: \[4\]"),
        ({"upsample_params": {}}, "upsample_scales, a list of ints. Received: no such setting"),
        ({"upsample_params": {"upsample_scales": [2, 6], "mode": "bilinear"}}, "mode to be 'nearest'"),
        ({"upsample_params": {"upsample_scales": [12], "freq_axis_kernel_size": 3}}, "freq_axis_kernel_size to be 1"),
        ({"preprocess": "dither"}, "preprocess to be 'preemphasis'"),
        ({"num_mels": 80}, "num_mels to be 5. Received: 80"),
        ({"window": "kaiser"}, "window to be 'hann' or 'hamming'"),
    ],
)
def test_refuses_by_name_what_has_no_counterpart(changes, message, rng):
    state = reference.random_state(HPARAMS, rng)
    with pytest.raises(CheckpointError, match=f"^hparams.json: expected {message}"):
        load(HPARAMS | changes, state, STATISTICS)
    for name in ("layers", "kernel_size", "cin_channels", "hop_size"):
        with pytest.raises(CheckpointError, match=f"hparams.json: expected {name}, an int. Received: no such setting"):
            load({k: v for k, v in HPARAMS.items() if k != name}, state)


def test_a_configuration_that_asks_for_more_than_the_file_holds_makes_no_model(rng):
    state = reference.random_state(HPARAMS, rng)
    for name in ("layers", "residual_channels", "gate_channels", "skip_out_channels", "kernel_size", "cin_channels"):
        with pytest.raises(CheckpointError, match="^a.pth: expected conv_layers"):
            load(HPARAMS | {name: 1 << 30}, state)
