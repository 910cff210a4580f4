"""The corpus of telephone prompts, from recordings that the tests encode themselves."""

import gzip
import shutil
import subprocess

import numpy as np
import pytest

from tf_wavenet.data import AudioError, index_corpus
from training import speech_corpus
from training.cli.command_line import run

TONE = 0.3 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)


def encode_g722(path, waveform):
    av = pytest.importorskip("av")
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="g722") as container:
        stream = container.add_stream("g722", rate=16000, layout="mono")
        levels = np.round(waveform * 32768).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(levels, format="s16", layout="mono")
        frame.sample_rate = 16000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


@pytest.fixture
def package(tmp_path):
    """Folders as the two packages install them."""
    sounds = tmp_path / "sounds" / "en_US_f_Allison"
    for number, name in enumerate(["hello", "digits/1", "letters/a"], start=1):
        encode_g722(sounds / f"{name}.g722", TONE * number / 3)
    texts = tmp_path / "doc"
    texts.mkdir()
    lines = "; Core sounds\n\nhello: Hello: world.\ndigits/1: one [1] (spoken)\nletters/a: [a tone]\nnot-there: none\n"
    (texts / "core-sounds-en.txt.gz").write_bytes(gzip.compress(lines.encode()))
    return sounds, texts


def make(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["speech_corpus", *map(str, arguments)])
    run(speech_corpus.main)


def test_a_tone_survives_the_codec(package):
    decoded = speech_corpus.decode_g722(package[0] / "letters" / "a.g722")
    assert decoded.dtype == np.float32
    assert len(decoded) == 16000
    delay = 22  # of encoder and decoder together, at 16 kHz: G.722's two 24-tap filter banks
    error = decoded[1000 + delay :] - TONE[1000 : 16000 - delay]
    assert np.sqrt(np.mean(error**2)) < 0.01 * np.sqrt(np.mean(TONE**2))


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs the program ffmpeg")
def test_both_decoders_agree(package, monkeypatch):
    path = package[0] / "hello.g722"
    expected = speech_corpus.decode_g722(path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    np.testing.assert_array_equal(speech_corpus.decode_g722(path), expected)


def test_no_decoder(package, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(AudioError, match="the Python package av, or the program ffmpeg"):
        speech_corpus.decode_g722(package[0] / "hello.g722")


def test_installed_packages(package, monkeypatch, tmp_path, capsys):
    sounds, texts = package
    make(monkeypatch, "--sounds", sounds, "--texts", texts, "--out", tmp_path / "out")
    assert "3 prompts, 2 with text" in capsys.readouterr().out
    manifest = index_corpus(tmp_path / "out")
    assert [(file.name, file.text, file.speaker) for file in manifest.files] == [
        ("digits-1", "one", None),
        ("hello", "Hello: world.", None),
        ("letters-a", None, None),
    ]
    assert {file.num_samples for file in manifest.files} == {16000}
    np.testing.assert_array_equal(manifest.files[1].load(16000), speech_corpus.decode_g722(sounds / "hello.g722"))


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs the program dpkg-deb")
def test_package_files_without_installation(package, monkeypatch, tmp_path):
    for name, folder in zip(("sounds", "texts"), package, strict=True):
        root = tmp_path / f"{name}-package"
        shutil.copytree(folder, root / "usr" / "share" / folder.name)
        (root / "DEBIAN").mkdir()
        control = f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: x\n"
        (root / "DEBIAN" / "control").write_text(control)
        command = ["dpkg-deb", "--root-owner-group", "-b", str(root), str(tmp_path / f"{name}.deb")]
        subprocess.run(command, check=True, capture_output=True)
    make(monkeypatch, "--sounds", tmp_path / "sounds.deb", "--texts", tmp_path / "texts.deb", "--out", tmp_path / "out")
    assert [file.text for file in index_corpus(tmp_path / "out").files] == ["one", "Hello: world.", None]


def test_empty_files_are_left_out(package, monkeypatch, tmp_path, capsys):
    empty = package[0] / "digits" / "is.g722"
    empty.touch()
    make(monkeypatch, "--out", tmp_path / "out", "--sounds", package[0], "--texts", package[1])
    output = capsys.readouterr()
    assert f"left out: {empty}: empty" in output.err
    assert "3 prompts, 2 with text" in output.out


def test_missing_texts_leave_the_texts_empty(package, monkeypatch, tmp_path):
    make(monkeypatch, "--sounds", package[0], "--texts", tmp_path / "none", "--out", tmp_path / "out")
    assert (tmp_path / "out" / "metadata.csv").read_text() == "digits-1||\nhello||\nletters-a||\n"


def test_bad_input_is_one_line_and_code_2(monkeypatch, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.deb").write_text("no package")
    (tmp_path / "zero").mkdir()
    (tmp_path / "zero" / "a.g722").touch()
    cases = {
        "none": "expected a folder or a .deb file; apt-get install asterisk-core-sounds-en-g722.",
        "empty": "expected .g722 files. Received: none.",
        "bad.deb": "expected a Debian package.",
        "zero": "expected .g722 files of at least 1 sample. Received: empty ones.",
    }
    for name, message in cases.items():
        with pytest.raises(SystemExit) as exited:
            make(monkeypatch, "--sounds", tmp_path / name, "--out", tmp_path / "out")
        assert exited.value.code == 2
        (error,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
        assert message in error
