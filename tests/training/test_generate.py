"""Generation: the files hold the model's samples, and nothing half-written stays."""

import errno

import matplotlib.image
import numpy as np
import pytest
import soundfile

from tf_wavenet.data import AudioError, load_audio
from training.command_line import parse
from training.generate import GenerateConfig, generate, write_audio
from training.runs import load_model
from training.wav import WavWriter


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


@pytest.mark.parametrize("flag", ["--seconds", "--batch-size", "--sample-rate"])
def test_wrong_flags(flag):
    with pytest.raises(ValueError, match=flag.strip("-").replace("-", "_")):
        parse(GenerateConfig, [flag, "0"])


def test_full_disk_leaves_nothing(tmp_path, monkeypatch):
    write = WavWriter.write

    def write_until_full(self, audio):
        if self._wave.getnframes():
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


def test_wav_can_be_heard_while_it_grows(tmp_path):
    def chunks():
        for done in range(3):
            if done:
                assert soundfile.info(tmp_path / "partial-out.wav").frames == 100 * done
            assert not (tmp_path / "out.wav").exists()
            yield np.zeros((1, 100))

    write_audio(chunks(), [tmp_path / "out.wav"], 8000, 300)
    assert soundfile.info(tmp_path / "out.wav").frames == 300
