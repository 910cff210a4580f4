"""Published configurations at full size, through the files that the originals' training writes; needs checkouts."""

import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.support.originals import Jik876, KanBayashi, R9y9, assert_equal_answers, loader
from tf_wavenet import HiFiGAN, MelSpec
from tf_wavenet.importers import import_weights

MEAN, SCALE = np.linspace(-3.0, -2.0, 80), np.linspace(0.5, 1.0, 80)
pytestmark = pytest.mark.filterwarnings("ignore:.*(weight_norm|distutils)")
formats = pytest.mark.parametrize("is_zip", [True, False])


@pytest.fixture
def original(monkeypatch):
    """Function of a kind of original and a file of the checkout: makes the original and its network."""

    def make(kind, file, read=json.loads, changes=lambda config: config):
        load = loader(kind.variable, monkeypatch)
        made = kind(changes(read((Path(os.environ[kind.variable]) / file).read_text())))
        return made, made.network(load)

    return make


def save(tensors, path, is_zip):
    import torch

    torch.save(tensors, path, _use_new_zipfile_serialization=is_zip)
    return path


@formats
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_jik876(original, tmp_path, version, is_zip):
    made, network = original(Jik876, f"config_{version}.json")
    (tmp_path / "config.json").write_text(json.dumps(made.config))
    shapes, expected = made.theirs(network)
    model = import_weights(save({"generator": network.state_dict()}, tmp_path / "g_00000007", is_zip))
    assert model.mel_spec == MelSpec.from_preset("jik876")
    preset = HiFiGAN.from_preset(f"hifi_gan_{version}")
    assert [weight.shape for weight in model.weights] == [weight.shape for weight in preset.weights]
    assert_equal_answers(made.ours(model), expected)
    # What its inference.py makes: without weight norm.
    network.remove_weight_norm()
    path = save({"generator": network.state_dict()}, tmp_path / "g_00000008", is_zip)
    for a, b in zip(model.get_weights(), import_weights(path).get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def checkpoint_of_kan_bayashi(network, config, folder, is_zip):
    """As Trainer.save_checkpoint, with schedules of both recipes, and the files beside it."""
    import torch
    import yaml

    other = torch.nn.Linear(2, 2)
    optimizers = [torch.optim.Adam(module.parameters()) for module in (network, other)]
    schedulers = [
        torch.optim.lr_scheduler.MultiStepLR(optimizers[0], [200, 400], 0.5),
        torch.optim.lr_scheduler.StepLR(optimizers[1], 200, 0.5),
    ]
    states = {
        name: {"generator": a.state_dict(), "discriminator": b.state_dict()}
        for name, (a, b) in {"model": (network, other), "optimizer": optimizers, "scheduler": schedulers}.items()
    }
    with (folder / "config.yml").open("w") as file:
        yaml.dump(config | {"version": "0.6.2a0", "outdir": "exp", "rank": 0}, file, Dumper=yaml.Dumper)
    if config["format"] == "hdf5":
        with h5py.File(folder / "stats.h5", "w") as file:
            file["mean"], file["scale"] = MEAN, SCALE
    else:
        np.save(folder / "stats.npy", np.stack([MEAN, SCALE]))
    return save({**states, "steps": 7, "epochs": 1}, folder / "checkpoint-7steps.pkl", is_zip)


@pytest.mark.parametrize(("causal", "is_zip", "form"), [(False, True, "hdf5"), (True, False, "npy")])
@pytest.mark.parametrize("recipe", ["hifigan.v1", "parallel_wavegan.v1", "parallel_wavegan.v3"])
def test_kan_bayashi(original, tmp_path, recipe, causal, is_zip, form):
    yaml = pytest.importorskip("yaml")

    def changes(config):
        params = config["generator_params"] | {"use_causal_conv": causal}
        return config | {"format": form, "generator_params": params}

    file = f"egs/ljspeech/voc1/conf/{recipe}.yaml"
    made, network = original(KanBayashi, file, yaml.safe_load, changes)
    _, expected = made.theirs(network)
    model = import_weights(checkpoint_of_kan_bayashi(network, made.config, tmp_path, is_zip))
    spec = MelSpec.from_preset("kan_bayashi", normalization=(tuple(MEAN), tuple(SCALE)))
    assert model.mel_spec == spec and model.causal == causal
    assert_equal_answers(made.ours(model), expected)


@formats
@pytest.mark.parametrize("recipe", ["mol", "gaussian", "mulaw256"])
def test_r9y9(original, tmp_path, recipe, is_zip):
    made, network = original(R9y9, f"egs/{recipe}/conf/{recipe}_wavenet.json")
    import torch

    _, expected = made.theirs(network)
    optimizer = torch.optim.Adam(network.parameters())
    state = {"state_dict": network.state_dict(), "optimizer": optimizer.state_dict(), "global_step": 7}
    state |= {"global_epoch": 1, "global_test_step": 0}
    (tmp_path / "hparams.json").write_text(json.dumps(made.config))
    model = import_weights(save(state, tmp_path / "checkpoint_step000000007_ema.pth", is_zip))
    assert_equal_answers(made.ours(model), expected)
    assert model.receptive_field == network.receptive_field
