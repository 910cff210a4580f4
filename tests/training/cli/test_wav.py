"""WAV files are read back with libsndfile."""

import errno
import subprocess
import sys

import numpy as np
import pytest
import soundfile

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
