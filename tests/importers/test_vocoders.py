"""What is asked of configurations and tensors; tests/originals compares answers with the originals."""

import copy

import numpy as np
import pytest

from tests.importers import vocoder_reference as reference
from tests.importers.vocoder_reference import HIFI_GAN, JIK876, PARALLEL_WAVEGAN
from tf_wavenet import MelSpec
from tf_wavenet.importers import CheckpointError, Settings, StateDict, from_jik876, from_kan_bayashi

STATISTICS = ((-2.0, -3.0, -2.5, -2.0, -1.5), (0.5, 0.75, 1.0, 0.5, 0.5))


def changed(config, **changes):
    """A configuration with other settings; those of the generator by their own names."""
    config = copy.deepcopy(config)
    for name, value in changes.items():
        part = config["generator_params"] if name in config.get("generator_params", {}) else config
        part[name] = value
    return config


def jik876(config, state):
    return from_jik876(StateDict(state, "g_1"), Settings(config, "config.json"))


def kan_bayashi(config, state, statistics=None):
    return from_kan_bayashi(StateDict(state, "a.pkl"), Settings(config, "config.yml"), statistics)


def hifi_gan_state(config, rng):
    shapes = {reference.kan_bayashi_name(n): s for n, s in reference.jik876_shapes(reference.as_jik876(config)).items()}
    shapes["input_conv"] = (shapes["input_conv"][0], 5, 7)
    return reference.random_state(shapes, rng, transposed="upsamples")


def parallel_wavegan_state(config, rng):
    shapes, without_bias = reference.parallel_wavegan_shapes(config["generator_params"])
    return reference.random_state(shapes, rng, without_bias)


@pytest.mark.large
def test_mel_specs(rng):
    published = JIK876 | {"upsample_rates": [8, 8, 2, 2], "upsample_kernel_sizes": [16, 16, 4, 4], "hop_size": 256}
    published |= {"upsample_initial_channel": 16}
    state = reference.random_state(reference.jik876_shapes(published), rng)
    assert jik876(published, state).mel_spec == MelSpec.from_preset("jik876")
    assert jik876(published | {"fmax": None}, state).mel_spec.fmax == 11025.0

    usual = {"sample_rate": 8000, "hop_length": 8, "num_mels": 5, "fmax": 3600, "normalization": STATISTICS}
    for config, make in ((HIFI_GAN, hifi_gan_state), (PARALLEL_WAVEGAN, parallel_wavegan_state)):
        state = make(config, rng)
        spec = kan_bayashi(config, state, STATISTICS).mel_spec
        assert spec == MelSpec.from_preset("kan_bayashi", **usual)
        other = {"log_base": None, "win_length": 600, "fmin": None, "fmax": None, "window": "hamming"}
        spec = kan_bayashi(config | other, state, STATISTICS).mel_spec
        expected = {**usual, "log_base": "e", "win_length": 600, "fmin": 0, "fmax": 4000, "window": "hamming"}
        assert spec == MelSpec.from_preset("kan_bayashi", **expected)


def test_networks_of_other_numbers_of_mels(rng):
    state = reference.random_state(reference.jik876_shapes(JIK876) | {"conv_pre": (8, 128, 7)}, rng)
    model = jik876(JIK876 | {"num_mels": 128}, state)
    assert (model.num_mels, model.mel_spec.num_mels) == (128, 128)
    assert tuple(model(np.zeros((1, 3, 128), "float32")).shape) == (1, 24)
    with pytest.raises(
        CheckpointError, match=r"^g_1: expected conv_pre.weight_v of shape \[8, 80, 7\]. Received: .*128"
    ):
        jik876(JIK876, state)


def spoil(load, state, path, unused=()):
    for number, (key, value) in enumerate(state.items()):
        if key.startswith(tuple(unused)):
            continue
        spoilt = value * np.nan, np.repeat(value, 2, axis=-1), value.astype("int32")
        with pytest.raises(CheckpointError, match=f"^{path}: expected .*{key}"):
            load(state | {key: spoilt[number % 3]})
        with pytest.raises(CheckpointError, match=f"^{path}: expected .*{key.rsplit('.', 1)[0]}"):
            load({k: v for k, v in state.items() if k != key})
    with pytest.raises(CheckpointError, match=f"^{path}: expected no other.bias for this configuration"):
        load(state | {"other.bias": np.zeros(1, "float32")})


@pytest.mark.large
def test_every_tensor_is_needed_and_checked(rng):
    small = {"upsample_rates": [8], "upsample_kernel_sizes": [16], "upsample_initial_channel": 2}
    config = JIK876 | small | {"resblock_kernel_sizes": [3], "resblock_dilation_sizes": [[1, 2]]}
    spoil(lambda s: jik876(config, s), reference.random_state(reference.jik876_shapes(config), rng), "g_1")
    config = changed(HIFI_GAN, resblock_kernel_sizes=[3], resblock_dilations=[[1]])
    spoil(lambda s: kan_bayashi(config, s), hifi_gan_state(config, rng), "a.pkl")
    config = changed(PARALLEL_WAVEGAN, layers=2)
    state = parallel_wavegan_state(config, rng)
    spoil(lambda s: kan_bayashi(config, s), state, "a.pkl", ["conv_layers.1.conv1x1_out"])


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        (JIK876, {"resblock": "3"}, "resblock to be '1' or '2'. Received: '3'"),
        (JIK876, {"num_mels": 80.5}, "num_mels to be an int. Received: 80.5"),
        (JIK876, {"num_mels": True}, "num_mels to be an int. Received: True"),
        (JIK876, {"resblock": 3}, "resblock to be '1' or '2'. Received: 3"),
        (JIK876, {"upsample_kernel_sizes": [8, 5]}, "upsample_kernel_sizes that differ from upsample_rates by even"),
        (JIK876, {"upsample_rates": "8"}, "upsample_rates to be a list of ints. Received: '8'"),
        (JIK876, {"resblock_dilation_sizes": [1, 3]}, "resblock_dilation_sizes to be a list of lists of ints"),
        (HIFI_GAN, {"generator_type": "MelGANGenerator"}, "generator_type to be 'ParallelWaveGANGenerator' or 'HiFi"),
        (HIFI_GAN, {"kernel_size": 5}, "kernel_size to be 7. Received: 5"),
        (HIFI_GAN, {"bias": False}, "bias to be True. Received: False"),
        (HIFI_GAN, {"out_channels": 4}, "out_channels to be 1. Received: 4"),
        (HIFI_GAN, {"nonlinear_activation": "ReLU"}, "nonlinear_activation to be 'LeakyReLU'"),
        (HIFI_GAN, {"nonlinear_activation_params": {"negative_slope": 0.2}}, "nonlinear_activation_params to be"),
        (HIFI_GAN, {"upsample_kernel_sizes": [8, 5]}, "upsample_kernel_sizes to be twice upsample_scales"),
        (HIFI_GAN, {"window": "blackman"}, "window to be 'hann' or 'hamming'"),
        (HIFI_GAN, {"log_base": 2.0}, "log_base to be 10. Received: 2.0"),
        (HIFI_GAN, {"sampling_rate_for_feats": 16000}, "sampling_rate_for_feats to be None. Received: 16000"),
        (PARALLEL_WAVEGAN, {"upsample_net": "MelGANGenerator"}, "upsample_net to be 'ConvInUpsampleNetwork'"),
        (PARALLEL_WAVEGAN, {"in_channels": 2}, "in_channels to be 1. Received: 2"),
        (PARALLEL_WAVEGAN, {"upsample_params": {"upsample_scales": [8], "mode": "x"}}, "only .*. Received: mode, unkn"),
    ],
)
def test_refuses_by_name_what_has_no_counterpart(config, changes, message, rng):
    new = changed(config, **changes)
    with pytest.raises(CheckpointError, match=f"^config.(json|yml): expected {message}"):
        if config is JIK876:
            jik876(new, reference.random_state(reference.jik876_shapes(config), rng))
        else:
            make = hifi_gan_state if config is HIFI_GAN else parallel_wavegan_state
            kan_bayashi(new, make(config, rng), STATISTICS)


def test_refuses_settings_of_the_generator_that_are_unknown(rng):
    for config, make in ((HIFI_GAN, hifi_gan_state), (PARALLEL_WAVEGAN, parallel_wavegan_state)):
        new = copy.deepcopy(config)
        new["generator_params"]["spk_emb_dim"] = 3
        with pytest.raises(CheckpointError, match="Received: spk_emb_dim, unknown here"):
            kan_bayashi(new, make(config, rng))


def test_the_old_spelling_of_the_kernel_sizes(rng):
    config = copy.deepcopy(HIFI_GAN)
    config["generator_params"]["upsample_kernal_sizes"] = config["generator_params"].pop("upsample_kernel_sizes")
    kan_bayashi(config, hifi_gan_state(HIFI_GAN, rng))


def test_a_configuration_that_asks_for_more_than_the_file_holds_makes_no_model(rng):
    huge = 1 << 30
    state = reference.random_state(reference.jik876_shapes(JIK876), rng)
    for changes in (
        {"num_mels": huge},
        {"upsample_initial_channel": huge},
        {"upsample_kernel_sizes": [8, huge]},
        {"resblock_kernel_sizes": [3, huge]},
    ):
        with pytest.raises(CheckpointError, match="^g_1: expected .* of shape"):
            jik876(JIK876 | changes, state)
    state = parallel_wavegan_state(PARALLEL_WAVEGAN, rng)
    for name in ("layers", "kernel_size", "residual_channels", "gate_channels", "skip_channels", "aux_channels"):
        with pytest.raises(CheckpointError, match="^a.pkl: expected conv_layers"):
            kan_bayashi(changed(PARALLEL_WAVEGAN, **{name: huge}), state)
