"""jik876/hifi-gan and kan-bayashi/ParallelWaveGAN themselves, in PyTorch, beside what is imported from their files.

Needs torch, and checkouts named by the variables HIFI_GAN and PARALLEL_WAVEGAN.
"""

import json
import os
import types
from pathlib import Path

import h5py
import numpy as np
import pytest

torch = pytest.importorskip("torch")
yaml = pytest.importorskip("yaml")

from tests.support.originals import load_original, randomise_original  # noqa: E402
from tf_wavenet import MelSpec  # noqa: E402
from tf_wavenet.importers import import_weights  # noqa: E402

FRAMES = (1, 2, 31)
MEAN, SCALE = np.linspace(-3.0, -2.0, 80), np.linspace(0.5, 1.0, 80)


@pytest.fixture
def original(monkeypatch):
    """Function of an environment variable and a module that imports it from the checkout that the variable names."""

    def load(variable, module):
        imported = load_original(variable, module, monkeypatch)
        return Path(os.environ[variable]), imported

    return load


def compare(network, model, rng, context=None):
    for frames in FRAMES:
        features = rng.normal(size=(2, frames, 80)).astype("float32")
        mel, given = torch.from_numpy(features.transpose(0, 2, 1).copy()), features
        inputs = [mel]
        if context is not None:
            noise = rng.normal(size=(2, frames * model.local_hop)).astype("float32")
            inputs = [torch.from_numpy(noise)[:, None], torch.nn.ReplicationPad1d(context)(mel)]
            given = {"local_condition": features, "noise": noise}
        with torch.no_grad():
            expected = network(*inputs)[:, 0].numpy()
        actual = np.asarray(model(given))
        assert actual.shape == expected.shape
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.filterwarnings("ignore:.*weight_norm.*")
@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_jik876(original, tmp_path, rng, version, is_zip):
    checkout, module = original("HIFI_GAN", "models")
    text = (checkout / f"config_{version}.json").read_text()
    network = randomise_original(module.Generator(types.SimpleNamespace(**json.loads(text))))
    (tmp_path / "config.json").write_text(text)
    saved = {"generator": network.state_dict()}
    torch.save(saved, tmp_path / "g_00000007", _use_new_zipfile_serialization=is_zip)
    model = import_weights(tmp_path / "g_00000007")
    assert model.mel_spec == MelSpec.from_preset("jik876")
    compare(network, model, rng)
    # What its inference.py makes: without weight norm.
    network.remove_weight_norm()
    torch.save(saved | {"generator": network.state_dict()}, tmp_path / "g_00000008")
    for a, b in zip(model.get_weights(), import_weights(tmp_path / "g_00000008").get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def save(network, config, folder, is_zip):
    """As Trainer.save_checkpoint, with schedules of both recipes, and the files beside it."""
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
    path = folder / "checkpoint-7steps.pkl"
    torch.save({**states, "steps": 7, "epochs": 1}, path, _use_new_zipfile_serialization=is_zip)
    with (folder / "config.yml").open("w") as file:
        yaml.dump(config | {"version": "0.6.2a0", "outdir": "exp", "rank": 0}, file, Dumper=yaml.Dumper)
    if config["format"] == "hdf5":
        with h5py.File(folder / "stats.h5", "w") as file:
            file["mean"], file["scale"] = MEAN, SCALE
    else:
        np.save(folder / "stats.npy", np.stack([MEAN, SCALE]))
    return path


RECIPES = [("hifigan.v1", "HiFiGANGenerator"), ("parallel_wavegan.v1", "ParallelWaveGANGenerator")]
RECIPES += [("parallel_wavegan.v3", "ParallelWaveGANGenerator")]


@pytest.mark.filterwarnings("ignore:.*weight_norm.*")
@pytest.mark.parametrize(("causal", "is_zip", "form"), [(False, True, "hdf5"), (True, False, "npy")])
@pytest.mark.parametrize(("recipe", "kind"), RECIPES)
def test_kan_bayashi(original, tmp_path, rng, recipe, kind, causal, is_zip, form):
    checkout, module = original("PARALLEL_WAVEGAN", "parallel_wavegan.models")
    config = yaml.safe_load((checkout / f"egs/ljspeech/voc1/conf/{recipe}.yaml").read_text())
    config["format"] = form
    config["generator_params"]["use_causal_conv"] = causal
    network = randomise_original(getattr(module, kind)(**config["generator_params"]))
    model = import_weights(save(network, config, tmp_path, is_zip))
    expected = MelSpec.from_preset("kan_bayashi", normalization=(tuple(MEAN), tuple(SCALE)))
    assert model.mel_spec == expected and model.causal == causal
    compare(network, model, rng, model.aux_context_window if kind == "ParallelWaveGANGenerator" else None)
