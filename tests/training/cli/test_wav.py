"""WAV files are read back with libsndfile."""

import errno
import struct
import subprocess
import sys
import wave

import numpy as np
import pytest
import soundfile

from tf_wavenet.data import load_audio
from training.cli import wav
from training.cli.wav import WavWriter


def test_file_is_whole_after_every_write(tmp_path):
    path = tmp_path / "a.wav"
    audio = np.random.default_rng(0).uniform(-1, 1, 1000).astype(np.float32)
    with WavWriter(path, 12345) as writer:
        for end in range(100, 1001, 100):
            writer.write(audio[end - 100 : end])
            heard, rate = soundfile.read(path, dtype="int16")
            assert rate == 12345
            np.testing.assert_array_equal(heard, np.round(audio[:end] * 32768).astype(np.int16))
    assert soundfile.info(path).subtype == "PCM_16"
    assert soundfile.info(path).frames == 1000


def test_samples_are_clipped(tmp_path):
    with WavWriter(tmp_path / "a.wav", 8000) as writer:
        writer.write(np.array([2.0, -2.0, 1.0, -1.0, 0.0]))
    heard, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert heard.tolist() == [32767, -32768, 32767, -32768, 0]


def test_a_killed_writer_leaves_a_file_that_plays(tmp_path):
    code = (
        "import os, sys, numpy as np\nfrom training.cli.wav import WavWriter\n"
        "writer = WavWriter(sys.argv[1], 8000)\nwriter.write(np.ones(500))\nos.kill(os.getpid(), 9)"
    )
    process = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.wav")])
    assert process.returncode == -9
    assert soundfile.info(tmp_path / "a.wav").frames == 500


def test_a_full_disk_is_an_os_error():
    with pytest.raises(OSError) as caught, WavWriter("/dev/full", 8000) as writer:
        writer.write(np.zeros(100))
    assert caught.value.errno == errno.ENOSPC


def test_header_is_that_of_the_standard_library(tmp_path):
    with WavWriter(tmp_path / "ours.wav", 12345) as writer:
        writer.write(np.linspace(-1, 1, 321))
    with wave.open(str(tmp_path / "theirs.wav"), "wb") as file:
        file.setparams((1, 2, 12345, 0, "NONE", ""))
        file.writeframes((tmp_path / "ours.wav").read_bytes()[44:])
    assert (tmp_path / "ours.wav").read_bytes() == (tmp_path / "theirs.wav").read_bytes()


def test_a_later_process_goes_on_from_any_sample(tmp_path):
    audio = np.random.default_rng(0).uniform(-1, 1, 1000)
    with WavWriter(tmp_path / "whole.wav", 8000) as writer:
        writer.write(audio)
    with WavWriter(tmp_path / "killed.wav", 8000) as writer:
        writer.write(audio[:700])
    with (tmp_path / "killed.wav").open("ab") as file:
        file.write(b"a part of a chunk")
    with WavWriter(tmp_path / "killed.wav", 8000, written=600) as writer:
        assert soundfile.info(tmp_path / "killed.wav").frames == 600
        writer.write(audio[600:])
    assert (tmp_path / "killed.wav").read_bytes() == (tmp_path / "whole.wav").read_bytes()
    with pytest.raises(ValueError, match="killed.wav to hold 1001 samples. Received: 1000"):
        WavWriter(tmp_path / "killed.wav", 8000, written=1001)


def test_a_file_beyond_4_gb_is_rf64(tmp_path, monkeypatch):
    monkeypatch.setattr(wav, "LARGEST_RIFF", 2000)
    path, audio = tmp_path / "a.wav", np.random.default_rng(0).uniform(-1, 1, 1500).astype("float32")
    formats = []
    with WavWriter(path, 8000, num_samples=1500) as writer:
        for end in range(100, 1501, 100):
            writer.write(audio[end - 100 : end])
            info = soundfile.info(path)
            assert (info.frames, info.samplerate, info.subtype) == (end, 8000, "PCM_16")
            formats.append(info.format)
    assert formats == ["WAV"] * 9 + ["RF64"] * 6  # 2 * 900 + 72 bytes are 2000 at most, 2 * 1000 + 72 are more
    heard = soundfile.read(path, dtype="int16")[0]
    np.testing.assert_array_equal(heard, np.round(audio * 32768))
    np.testing.assert_array_equal(load_audio(path, 8000), heard / np.float32(32768))
    whole = path.read_bytes()
    with WavWriter(path, 8000, num_samples=1500, written=700) as writer:  # across the border
        assert soundfile.info(path).format == "WAV"
        writer.write(audio[700:])
    assert path.read_bytes() == whole


def test_headers_state_sizes_beyond_32_bits():
    made = wav.header(48000, 3_000_000_000, room=True)
    assert made[:4] == b"RF64" and made[12:16] == b"ds64"
    assert struct.unpack("<IQQQ", made[16:44]) == (28, 6_000_000_072, 6_000_000_000, 3_000_000_000)
    assert len(made) == len(wav.header(48000, 1, room=True)) == 80
    with pytest.raises(ValueError, match="Expected a WAV file of at most 4294967295 bytes"):
        wav.header(48000, 3_000_000_000)
