"""Our generators beside the originals, in PyTorch, with the same random weights.

Needs torch, and checkouts named by the variables HIFI_GAN (jik876/hifi-gan) and PARALLEL_WAVEGAN (kan-bayashi's).
"""

import types

import numpy as np
import pytest

from tests.support.originals import load_original, randomise_original
from tf_wavenet import HiFiGAN, ParallelWaveGAN
from tf_wavenet.importers.original_names import hifi_gan_names, kan_bayashi_hifi_gan_names, parallel_wavegan_names

MAKERS = {"hifi_gan_v1": HiFiGAN, "hifi_gan_v2": HiFiGAN, "hifi_gan_v3": HiFiGAN, "parallel_wavegan": ParallelWaveGAN}
FRAMES = (1, 2, 31)


@pytest.fixture
def original(monkeypatch):
    """Function of an environment variable and a module that imports it from the checkout that the variable names."""
    return lambda variable, module: load_original(variable, module, monkeypatch)


def tensors_of(network):
    return {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}


def assign(pairs, tensors):
    """Gives our variables the values of the original's; tells the names that no variable has."""
    used = set()
    for variable, names in pairs:
        variable.assign(np.concatenate([tensors[name].T for name in names], axis=-1).reshape(variable.shape))
        used |= set(names)
    return tensors.keys() - used


def compare(network, model, pairs, rng, noise=False, unused=()):
    import torch

    randomise_original(network)
    inputs = [rng.normal(-4.0, 2.0, (2, frames, 80)).astype("float32") for frames in FRAMES]
    noises = [rng.normal(size=(2, frames * model.local_hop)).astype("float32") for frames in FRAMES]

    def theirs(features, noise_):
        mel = torch.from_numpy(features.transpose(0, 2, 1).copy())
        with torch.no_grad():
            if not noise:
                return network(mel)[:, 0].numpy()
            padded = torch.nn.ReplicationPad1d(model.aux_context_window)(mel)
            return network(torch.from_numpy(noise_)[:, None], padded)[:, 0].numpy()

    normed = [theirs(*pair) for pair in zip(inputs, noises, strict=True)]
    network.remove_weight_norm()
    assert assign(pairs(model), tensors_of(network)) == set(unused)
    for features, noise_, before in zip(inputs, noises, normed, strict=True):
        after = theirs(features, noise_)
        ours = np.asarray(model({"local_condition": features, "noise": noise_} if noise else features))
        for expected in (before, after):
            assert expected.shape == ours.shape
            np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("preset", ["hifi_gan_v1", "hifi_gan_v2", "hifi_gan_v3"])
def test_hifi_gan_equals_jik876(original, rng, preset):
    module, model = original("HIFI_GAN", "models"), HiFiGAN.from_preset(preset)
    config = model.get_config() | {"resblock": str(model.resblock)}
    network = module.Generator(types.SimpleNamespace(**config))
    compare(network, model, hifi_gan_names, rng)
    assert sum(tensor.size for tensor in tensors_of(network).values()) == model.count_params()


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("rates", [(8, 8, 2, 2), (5, 5, 4, 2)])
def test_hifi_gan_equals_kan_bayashi(original, rng, rates, causal):
    module = original("PARALLEL_WAVEGAN", "parallel_wavegan.models.hifigan")
    sizes = {"upsample_kernel_sizes": [2 * rate for rate in rates]}
    model = HiFiGAN(upsample_rates=rates, upsample_initial_channel=128, causal=causal, **sizes)
    network = module.HiFiGANGenerator(channels=128, upsample_scales=rates, use_causal_conv=causal, **sizes)
    compare(network, model, kan_bayashi_hifi_gan_names, rng)


@pytest.mark.parametrize("causal", [False, True])
def test_parallel_wavegan_equals_kan_bayashi(original, rng, causal):
    module = original("PARALLEL_WAVEGAN", "parallel_wavegan.models.parallel_wavegan")
    model = ParallelWaveGAN.from_preset(causal=causal)
    network = module.ParallelWaveGANGenerator(use_causal_conv=causal)
    unused = [f"conv_layers.29.conv1x1_out.{name}" for name in ("weight", "bias")]
    compare(network, model, parallel_wavegan_names, rng, noise=True, unused=unused)
    unused = 64 * 64 + 64
    assert sum(tensor.size for tensor in tensors_of(network).values()) == model.count_params() + unused


@pytest.mark.parametrize(
    ("preset", "pairs"),
    [
        ("hifi_gan_v3", hifi_gan_names),
        ("hifi_gan_v2", kan_bayashi_hifi_gan_names),
        ("parallel_wavegan", parallel_wavegan_names),
    ],
)
def test_every_variable_has_one_name_of_its_own(preset, pairs):
    model = MAKERS[preset].from_preset(preset)
    variables, names = zip(*pairs(model), strict=True)
    assert {id(v) for v in variables} == {id(v) for v in model.weights} and len(variables) == len(model.weights)
    flat = [name for several in names for name in several]
    assert len(flat) == len(set(flat))
