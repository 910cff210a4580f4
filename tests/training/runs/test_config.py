"""Configurations: checks, JSON, and what earlier versions stored."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from training.runs.config import VocoderConfig, WaveNetConfig, load_config

OLD = Path(__file__).parent / "configs"  # written when one class had the fields of all families


def test_the_families_share_no_field_by_accident():
    wavenet, vocoder = ({field.name for field in dataclasses.fields(c)} for c in (WaveNetConfig, VocoderConfig))
    assert vocoder - wavenet == {*VocoderConfig.architecture, "discriminator_start", "stft_weight", "loudness_weight"}
    assert {"preset", "features", "speakers"} <= wavenet - vocoder
    for config in (WaveNetConfig(), VocoderConfig(model="istft_vocoder")):
        assert all(hasattr(config, name) for name in config.architecture)


@pytest.mark.parametrize(("config_class", "model"), [(WaveNetConfig, "hifi_gan_v1"), (VocoderConfig, "wavenet")])
def test_a_model_of_another_family_is_refused(config_class, model):
    with pytest.raises(ValueError, match=f"Expected model to be one of .*. Received: model={model}"):
        config_class(model=model)


def test_json_round_trip(tmp_path):
    for config in (
        WaveNetConfig(),
        WaveNetConfig(dilations=(1, 2), data=Path("x y"), features=Path("z"), precision="mixed_float16"),
        VocoderConfig(model="hifi_gan_v2", minutes=2.5),
    ):
        config.save(tmp_path / "config.json")
        assert load_config(tmp_path / "config.json") == dataclasses.replace(config, run=tmp_path)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"data": "a", "dilations": null, "nope": 1}'])
def test_other_json_is_refused(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match="config.json"):
        load_config(tmp_path / "config.json")


def test_a_stored_wavenet_of_an_earlier_version_loads(tmp_path):
    path = shutil.copy(OLD / "wavenet.json", tmp_path / "config.json")
    expected = WaveNetConfig(
        data=Path("recordings"),
        run=tmp_path,
        preset="lpc_vocoder",
        dilations=(1, 2, 4),
        residual_channels=48,
        skip_channels=48,
        linear_prediction=0,
        features=Path("stored"),
        loudness=-20.0,
        window_samples=2400,
        batch_size=8,
        steps=8000,
        precision="mixed_bfloat16",
    )
    assert load_config(path) == expected
    values = json.loads((OLD / "wavenet.json").read_text())
    assert len(values) == 38 and values["causal"] is False
    del values["linear_prediction"]  # still earlier
    Path(path).write_text(json.dumps(values))
    assert load_config(path) == dataclasses.replace(expected, linear_prediction=None)


def test_a_stored_vocoder_of_an_earlier_version_loads(tmp_path):
    path = shutil.copy(OLD / "vocoder.json", tmp_path / "config.json")
    config = load_config(path)
    assert config == VocoderConfig(
        data=Path("recordings"),
        run=tmp_path,
        model="parallel_wavegan",
        mel="kan_bayashi",
        sample_rate=22050,
        causal=True,
        generator_channels=32,
        steps=400,
        optimizer="muon",
        precision="float32",
    )
    assert (config.discriminator_start, config.discriminator_channels, config.batch_size) == (100, 64, 6)
    config.save(path)
    values = json.loads((OLD / "vocoder.json").read_text())
    stored = json.loads(Path(path).read_text())
    assert stored.pop("initial_model") is stored.pop("extra_data") is None  # later than those
    assert (stored.pop("checkpoint_minutes"), stored.pop("loudness_weight"), stored.pop("refinements")) == (5.0, 0.0, 0)
    assert stored == {name: value for name, value in values.items() if name in stored}
    assert "preset" in values.keys() - stored.keys()
