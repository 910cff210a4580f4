"""r9y9/wavenet_vocoder itself, in PyTorch, beside what is imported from the checkpoints that it writes.

Needs torch, and a checkout of it named by the variable WAVENET_VOCODER.
"""

import json
import os
import warnings
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.importers.r9y9_reference import CASES, HPARAMS  # noqa: E402
from tests.support.originals import randomise_original  # noqa: E402
from tf_wavenet import MuLawCategorical, mu_law_encode  # noqa: E402
from tf_wavenet.importers import Settings, StateDict, from_r9y9, read_checkpoint  # noqa: E402

CHECKOUT = os.environ.get("WAVENET_VOCODER")
pytestmark = pytest.mark.skipif(CHECKOUT is None, reason="no checkout of r9y9/wavenet_vocoder")
RECIPES = {name: f"egs/{name}/conf/{name}_wavenet.json" for name in ("mol", "gaussian", "mulaw256")}
FRAMES, CUT = 3, 5  # our waveform may end before the last frame does


def build(h, monkeypatch):
    """As the original's train.py does, but that its speakers are given to the network where a case has some."""
    monkeypatch.syspath_prepend(CHECKOUT)
    from wavenet_vocoder import WaveNet

    names = ("out_channels", "layers", "stacks", "residual_channels", "gate_channels", "skip_out_channels")
    names += ("cin_channels", "gin_channels", "kernel_size", "cin_pad", "upsample_conditional_features")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the old weight_norm still works
        network = WaveNet(
            **{name: h[name] for name in names},
            dropout=0.0,
            upsample_params={**h["upsample_params"], "cin_channels": h["cin_channels"], "cin_pad": h["cin_pad"]},
            scalar_input=h["input_type"] == "raw",
            output_distribution=h["output_distribution"],
            n_speakers=h.get("speakers"),
            use_speaker_embedding="speakers" in h,
        )
    for module in network.modules():
        module._backward_hooks.clear()  # they only reset caches of step-by-step generation, and warn
    return randomise_original(network)


def save(network, path, is_zip):
    optimizer = torch.optim.Adam(network.parameters())
    state = {"state_dict": network.state_dict(), "optimizer": optimizer.state_dict(), "global_step": 7}
    state |= {"global_epoch": 1, "global_test_step": 0}
    torch.save(state, path, _use_new_zipfile_serialization=is_zip)
    return path


def compare(h, path, network, rng):
    state = read_checkpoint(path)
    assert state["global_step"] == 7
    model = from_r9y9(StateDict(state["state_dict"], path), Settings(h, "hparams.json"))
    time = FRAMES * h["hop_size"]
    waveform = model.distribution.quantize(rng.uniform(-0.9, 0.9, (2, time)).astype("float32"))
    given, conditions, waveform = {}, {}, np.array(waveform)
    if h["cin_channels"] > 0:
        features = rng.normal(size=(2, FRAMES, h["cin_channels"])).astype("float32")
        c = torch.nn.functional.pad(
            torch.from_numpy(features.transpose(0, 2, 1)), (h["cin_pad"],) * 2, mode="replicate"
        )
        repeats = 1 if h["upsample_conditional_features"] else h["hop_size"]
        given["local_condition"], conditions["c"] = features, c.repeat_interleave(repeats, dim=-1)
    if "speakers" in h:
        given["global_condition"] = np.array([2, 0], "int32")
        conditions["g"] = torch.tensor([[2], [0]])
    elif h["gin_channels"] > 0:
        given["global_condition"] = rng.normal(size=(2, h["gin_channels"])).astype("float32")
        conditions["g"] = torch.from_numpy(given["global_condition"])
    past = np.pad(waveform, ((0, 0), (1, 0)))[:, :-1]
    x = torch.from_numpy(past)[:, None]
    if isinstance(model.distribution, MuLawCategorical):
        levels = torch.from_numpy(np.array(mu_law_encode(past, model.mu))).long()
        x = torch.nn.functional.one_hot(levels, model.mu + 1).transpose(1, 2).float()
    with torch.no_grad():
        expected = network(x, **conditions).numpy().transpose(0, 2, 1)
    for end in (time, time - CUT, 1):
        short = waveform[:, :end]
        actual = np.asarray(model({"waveform": short, **given}) if given else model(short))
        error = np.abs(actual - expected[:, :end]).max() / np.abs(expected).max()
        assert actual.shape == expected[:, :end].shape and error < 1e-4, error
    return model, error


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_small_networks(tmp_path, monkeypatch, rng, case, is_zip):
    h = HPARAMS | CASES[case]
    network = build(h, monkeypatch)
    compare(h, save(network, tmp_path / "checkpoint_step000000007_ema.pth", is_zip), network, rng)


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes(tmp_path, monkeypatch, rng, recipe):
    h = json.loads((Path(CHECKOUT) / RECIPES[recipe]).read_text())
    network = build(h, monkeypatch)
    model, error = compare(h, save(network, tmp_path / "a.pth", True), network, rng)
    assert model.receptive_field == network.receptive_field and error < 1e-4
