"""Generation: the files hold the model's samples, and nothing half-written stays."""

import dataclasses
import errno

import matplotlib.image
import numpy as np
import pytest
import soundfile

from tf_wavenet.data import AudioError, load_audio, log_mel, preprocess
from training.cli.command_line import parse
from training.cli.wav import WavWriter
from training.generate import GenerateConfig, generate, write_audio
from training.runs.run_folder import load_model
from training.text.linguistic import features_of_text
from training.text.linguistic_spec import LinguisticSpec
from training.text.phonemes import speak_phonemes
from training.train import train


def test_file_holds_the_model_s_samples(trained, tmp_path):
    out = tmp_path / "new folder" / "out.wav"
    prompt = trained.path.parent / "prompt.wav"
    soundfile.write(prompt, 0.5 * np.sin(np.arange(300)), 8000)
    settings = {"temperature": 0.9, "top_k": 50, "top_p": 0.95, "seed": 3}
    files = generate(GenerateConfig(model=trained.path, out=out, seconds=0.1, prompt=prompt, **settings))
    assert files == [out, out.with_suffix(".png")]
    assert sorted(out.parent.iterdir()) == sorted(files)
    heard, rate = soundfile.read(out, dtype="float32")
    assert rate == 8000
    expected = load_model(trained.best).generate(800, prompt=load_audio(prompt, 8000), **settings)[0]
    np.testing.assert_allclose(heard, expected, atol=0.6 / 32768)
    assert matplotlib.image.imread(files[1]).shape[:2] == (500, 1000)


@pytest.mark.large
def test_batch_makes_numbered_files_that_differ(trained, tmp_path):
    files = generate(
        GenerateConfig(model=trained.best, out=tmp_path / "a.wav", seconds=0.05, batch_size=2, sample_rate=4000)
    )
    assert [path.name for path in files] == ["a-1.wav", "a-2.wav", "a-1.png", "a-2.png"]
    first, second = (soundfile.read(path)[0] for path in files[:2])
    assert len(first) == len(second) == 200
    assert soundfile.info(files[0]).samplerate == 4000
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": -1.0}, "temperature"),
        ({"top_k": 0}, "top_k"),
        ({"top_p": 1.5}, "top_p"),
        ({"seed": -1}, "seed"),
        ({"prompt": "no.wav"}, "no.wav"),
    ],
)
def test_wrong_settings_write_nothing(trained, tmp_path, settings, message):
    with pytest.raises((ValueError, AudioError), match=message):
        generate(GenerateConfig(model=trained.path, out=tmp_path / "out.wav", **settings))
    assert not list(tmp_path.iterdir())


@pytest.mark.large
def test_a_prompt_is_the_beginning_of_what_is_spoken(vocoder, voices, tmp_path):
    recording = voices / "ann" / "0.wav"  # 4000 samples
    waveform = load_audio(recording, 16000)
    prompt = tmp_path / "prompt.wav"
    soundfile.write(prompt, waveform[:1000], 16000)
    config = GenerateConfig(model=vocoder, out=tmp_path / "out.wav", copy_synthesis=recording, prompt=prompt, seed=2)
    heard = soundfile.read(generate(config)[0])[0]
    assert len(heard) == 3000
    model = load_model(vocoder)
    gain = preprocess(waveform, model.mel_spec)[1]
    mel = log_mel(gain * waveform, model.mel_spec)
    known = gain * load_audio(prompt, 16000)
    expected = model.generate(3000, prompt=known, local_condition=mel, seed=2)[0] / gain
    np.testing.assert_allclose(heard, np.clip(expected, -1, 1), atol=1 / 32768)
    assert len(soundfile.read(generate(dataclasses.replace(config, seconds=0.1))[0])[0]) == 1600
    message = "Expected features that go on after --prompt. Received: features of 4000 samples, --prompt of 4000"
    with pytest.raises(ValueError, match=message):
        generate(dataclasses.replace(config, prompt=recording))


@pytest.mark.large
def test_a_text_is_spoken_from_end_to_end(espeak, tiny, make_features, tmp_path):
    text = "Seven small boats."
    phones = speak_phonemes(text, "en-us", 16000)[1]
    spec = LinguisticSpec(tuple(sorted({phone.symbol for phone in phones})))
    features = make_features(tmp_path / "features", spec.get_config(), spec.num_channels)
    run = train(tiny(tmp_path / "run", features=features, sample_seconds=0.0))
    config = GenerateConfig(model=run.path, out=tmp_path / "out.wav", text=text, seed=4)
    heard, rate = soundfile.read(generate(config)[0])
    spoken = features_of_text(text, "en-us", spec)
    assert rate == 16000 and len(heard) == 80 * len(spoken) > 10000
    expected = load_model(run.path).generate(local_condition=spoken, seed=4)[0]
    np.testing.assert_allclose(heard, expected, atol=1 / 32768)
    with pytest.raises(ValueError, match="^Expected phones out of"):
        generate(dataclasses.replace(config, text="Seven small dogs."))
    run.linguistic_spec.unlink()
    with pytest.raises(ValueError, match="Expected spec.json of the features beside the model"):
        generate(config)


@pytest.mark.parametrize("flag", ["copy_synthesis", "mel"])
def test_only_a_vocoder_speaks_recordings_and_mels(trained, tmp_path, flag):
    message = "Expected a vocoder .--preset vocoder or lpc_vocoder. for --copy-synthesis and --mel"
    with pytest.raises(ValueError, match=message):
        generate(GenerateConfig(model=trained.path, out=tmp_path / "x.wav", **{flag: tmp_path / "in"}))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("flag", ["--seconds", "--batch-size", "--sample-rate"])
def test_wrong_flags(flag):
    with pytest.raises(ValueError, match=flag.strip("-").replace("-", "_")):
        parse(GenerateConfig, [flag, "0"])


def test_full_disk_leaves_nothing(tmp_path, monkeypatch):
    write = WavWriter.write

    def write_until_full(self, audio):
        if self.written:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, audio)

    monkeypatch.setattr(WavWriter, "write", write_until_full)
    old = tmp_path / "out.wav"
    old.write_text("of before")
    with pytest.raises(OSError, match="No space left.*out.wav"):
        write_audio(np.zeros((3, 1, 100)), [old], 8000, 300)
    assert list(tmp_path.iterdir()) == [old]
    assert old.read_text() == "of before"


def test_interrupt_keeps_what_was_made(tmp_path):
    def chunks():
        yield np.full((1, 100), 0.5)
        raise KeyboardInterrupt

    files = write_audio(chunks(), [tmp_path / "out.wav"], 8000, 300)
    assert sorted(tmp_path.iterdir()) == sorted(files)
    np.testing.assert_array_equal(soundfile.read(files[0])[0], np.full(100, 0.5))


@pytest.mark.large
def test_wav_can_be_heard_while_it_grows(tmp_path):
    def chunks():
        for done in range(3):
            if done:
                assert soundfile.info(tmp_path / "partial-out.wav").frames == 100 * done
            assert not (tmp_path / "out.wav").exists()
            yield np.zeros((1, 100))

    write_audio(chunks(), [tmp_path / "out.wav"], 8000, 300)
    assert soundfile.info(tmp_path / "out.wav").frames == 300
