"""Trained and downloaded amplifiers go through the commands as every model does."""

import numpy as np
import pytest
import soundfile

from tests.support.streaming_contract import randomise
from tf_wavenet import NamWaveNet, WaveNet
from tf_wavenet.importers import write_nam
from training.demo_page import find_models, speak
from training.export import ExportConfig, export
from training.generate import GenerateConfig, generate
from training.runs.run_folder import load_model
from training.runs.served_model import ServedModel

RATE = 8000


@pytest.fixture
def amplifier():
    model = NamWaveNet([{"channels": 4, "dilations": (1, 8)}], head_scale=0.3, sample_rate=RATE)
    model.build()
    randomise(model)
    return model


@pytest.fixture
def run(amplifier, tmp_path):
    """The folder that training.train_amp leaves."""
    folder = tmp_path / "run"
    folder.mkdir()
    amplifier.save(folder / "model.keras")
    write_nam(amplifier, folder / "model.nam")
    (folder / "config.json").write_text('{"input": "in.wav", "model": "nam_nano"}')
    return folder


@pytest.fixture
def di(rng, tmp_path):
    waveform = rng.uniform(-0.5, 0.5, 2 * RATE + 100).astype("float32")
    soundfile.write(tmp_path / "di.wav", waveform, RATE, subtype="FLOAT")
    return tmp_path / "di.wav", waveform


@pytest.mark.parametrize("name", ["", "model.keras", "model.nam"])
def test_is_found_in_its_run_and_as_a_file(run, amplifier, di, name):
    np.testing.assert_allclose(load_model(run / name, (NamWaveNet,))(di[1][None]), amplifier(di[1][None]), atol=1e-6)
    with pytest.raises(ValueError, match="to be of the class WaveNet. Received: NamWaveNet"):
        load_model(run / name)


def test_generate_plays_a_recording(run, amplifier, di, tmp_path, capsys):
    path, waveform = di
    files = generate(GenerateConfig(model=run, input=path, out=tmp_path / "out.wav"))
    assert [file.name for file in files] == ["out.wav", "out.png"]
    heard, rate = soundfile.read(files[0], dtype="float32")
    expected = np.asarray(amplifier(waveform[None]))[0]
    assert rate == RATE and expected.std() > 0.01
    np.testing.assert_allclose(heard, expected.clip(-1, 1), atol=2**-15)
    over = int(np.sum(np.abs(expected) > 1))
    assert ("above full scale, and clipped" in capsys.readouterr().out) == (over > 0)
    generate(GenerateConfig(model=run / "model.nam", input=path, out=tmp_path / "short.wav", seconds=0.1))
    np.testing.assert_allclose(soundfile.read(tmp_path / "short.wav")[0], heard[:800], atol=2**-15)


def test_generate_brings_a_recording_to_the_amplifier_s_rate_and_asks_for_a_channel(run, di, tmp_path, capsys):
    twice = np.stack([di[1], -di[1]], axis=1)
    soundfile.write(tmp_path / "stereo.wav", twice, 2 * RATE)
    settings = {"model": run, "input": tmp_path / "stereo.wav", "out": tmp_path / "out.wav"}
    with pytest.raises(ValueError, match="Expected --input-channel, 1 to 2: the channels of .* differ"):
        generate(GenerateConfig(**settings))
    generate(GenerateConfig(**settings, input_channel=2))
    assert "is brought from 16000 to 8000 Hz, the amplifier's rate" in capsys.readouterr().out
    assert soundfile.info(tmp_path / "out.wav").frames == RATE + 50


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input": None}, "Expected --input, a recording to play through the amplifier"),
        ({"temperature": 0.5}, "Expected no --temperature with an amplifier"),
        ({"batch_size": 2}, "Expected no --batch-size with an amplifier"),
        ({"sample_rate": 16000}, "Expected --sample-rate 8000, the amplifier's. Received: 16000"),
        ({"text": "hello"}, "Expected one of input, copy_synthesis, mel and text. Received: input and text"),
    ],
)
def test_generate_refuses_what_an_amplifier_has_not(run, di, tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        generate(GenerateConfig(**{"model": run, "input": di[0], "out": tmp_path / "out.wav", **settings}))
    assert not (tmp_path / "out.wav").exists()


@pytest.mark.large
def test_exports_play_on_the_page(run, amplifier, di, tmp_path):
    path, waveform = di
    out = export(ExportConfig(model=run, out=tmp_path / "saved" / "amp", jit_compile=False))
    served = ServedModel(out)
    assert (served.sample_rate, served.takes_recording, served.mel_spec) == (RATE, True, None)
    expected = np.asarray(amplifier(waveform[None]))[0]
    made = np.concatenate(list(served.stream(None, 700, recording=waveform)))
    np.testing.assert_allclose(made, expected, atol=1e-5)
    with pytest.raises(ValueError, match="Expected a recording to speak again or to play"):
        next(served.stream(100, 50))
    asked = {"seconds": 1.0, "temperature": 1.0, "top_p": 1.0, "seed": 0, "speaker": None, "prompt": None}
    chunks = [pcm for audio, *_ in speak(out, 16000, **asked, recording=str(path)) if audio for pcm in audio[1:]]
    np.testing.assert_allclose(np.concatenate(chunks), expected[:RATE].clip(-1, 1) * 32767, atol=1.1)


@pytest.mark.large
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "bfloat16"])
def test_exports_at_another_precision(run, amplifier, di, tmp_path, precision):
    out = export(ExportConfig(model=run, out=tmp_path / "amp", jit_compile=False, precision=precision))
    waveform, expected = di[1][:500], np.asarray(amplifier(di[1][None, :500]))[0]
    (made,) = ServedModel(out).stream(None, 500, recording=waveform)
    error = np.abs(made - expected).max() / np.abs(expected).max()
    assert 0 < error < 0.05


@pytest.mark.large
def test_a_nam_file_is_exported_for_the_page_at_the_plugins_rate(amplifier, tmp_path):
    amplifier.sample_rate = None
    write_nam(amplifier, tmp_path / "mine.nam")
    models = find_models(tmp_path)
    assert list(models) == ["mine"] and ServedModel(models["mine"]).sample_rate == 48000


def test_generate_refuses_an_input_of_other_models(di, tmp_path):
    model = WaveNet((1, 2), 2, 4, 6)
    model.build((None, None))
    model.save(tmp_path / "wavenet.keras")
    with pytest.raises(ValueError, match="Expected --input with an amplifier only"):
        generate(GenerateConfig(model=tmp_path / "wavenet.keras", input=di[0], out=tmp_path / "out.wav"))
