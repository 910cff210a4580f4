"""Reading audio files: every format, rate and depth that must work, and every kind of damage that must be told."""

import re
import subprocess
import sys

import numpy as np
import pytest
import scipy.signal
import soundfile

from tf_wavenet.data import AudioError, load_audio
from tf_wavenet.data.audio import trim_silence


def tone(rate, seconds=1.0, frequency=440.0, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


def write(path, waveform, rate=16000, **kwargs):
    soundfile.write(path, waveform, rate, **kwargs)
    return path


def reason_of(path, sample_rate=16000):
    with pytest.raises(AudioError) as caught:
        load_audio(path, sample_rate)
    message = str(caught.value)
    assert "\n" not in message
    assert message == f"{path}: {caught.value.reason}"
    return caught.value.reason


@pytest.mark.parametrize(
    ("name", "subtype", "tolerance"),
    [
        ("clip.wav", "PCM_U8", 2**-7),
        ("clip.wav", "PCM_16", 2**-15),
        ("clip.wav", "PCM_24", 2**-23),
        ("clip.wav", "PCM_32", 2**-24),
        ("clip.wav", "FLOAT", 0.0),
        ("clip.wav", "DOUBLE", 0.0),
        ("clip.wav", "ULAW", 2**-6),
        ("clip.flac", "PCM_16", 2**-15),
        ("clip.flac", "PCM_24", 2**-23),
        ("clip.ogg", "VORBIS", 0.02),
        ("clip.mp3", "MPEG_LAYER_III", 0.02),
    ],
)
def test_formats_give_the_samples_that_were_written(tmp_path, name, subtype, tolerance):
    expected = tone(16000)
    loaded = load_audio(write(tmp_path / name, expected, subtype=subtype), 16000)
    assert loaded.dtype == np.float32
    assert loaded.shape == expected.shape
    inner = slice(1000, -1000) if name.endswith((".ogg", ".mp3")) else slice(None)
    np.testing.assert_allclose(loaded[inner], expected[inner], rtol=0, atol=tolerance)


def test_opus(tmp_path):
    expected = tone(48000)
    loaded = load_audio(write(tmp_path / "clip.opus", expected, 48000, format="OGG", subtype="OPUS"), 48000)
    np.testing.assert_allclose(loaded[4800:-4800], expected[4800:-4800], rtol=0, atol=0.05)


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("extension", ["wav", "flac"])
def test_channels_are_averaged(tmp_path, channels, extension):
    waveform = np.random.default_rng(0).uniform(-1, 1, (1000, channels))
    path = write(tmp_path / f"clip.{extension}", waveform, subtype="PCM_16")
    np.testing.assert_allclose(load_audio(path, 16000), waveform.mean(axis=1), rtol=0, atol=2**-15)


@pytest.mark.parametrize("rate", [1000, 8000, 11025, 22050, 44100, 48000, 192000, 384000])
@pytest.mark.parametrize("target", [8000, 16000])
def test_rates_are_converted_without_delay(tmp_path, rate, target):
    loaded = load_audio(write(tmp_path / "clip.wav", tone(rate, frequency=220.0), rate, subtype="FLOAT"), target)
    expected = tone(target, frequency=220.0)
    assert loaded.shape == expected.shape
    edge = target // 10
    np.testing.assert_allclose(loaded[edge:-edge], expected[edge:-edge], rtol=0, atol=1e-4)


def test_what_the_lower_rate_cannot_hold_is_filtered_out(tmp_path):
    path = write(tmp_path / "clip.wav", tone(48000, frequency=11000.0), 48000, subtype="FLOAT")
    assert np.abs(load_audio(path, 16000)[800:-800]).max() < 1e-4


def test_resampling_agrees_with_scipy(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, 48000)
    low = scipy.signal.firwin(401, 4000, fs=48000)
    waveform = scipy.signal.convolve(noise, low, mode="same")
    loaded = load_audio(write(tmp_path / "clip.wav", waveform, 48000, subtype="FLOAT"), 16000)
    expected = scipy.signal.resample_poly(waveform, 1, 3, window=("kaiser", 12.0))
    np.testing.assert_allclose(loaded[400:-400], expected[400:-400], rtol=0, atol=1e-3)


def test_long_files_are_read_in_blocks_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("tf_wavenet.data.sound_blocks._BLOCK_SAMPLES", 100)
    expected = np.random.default_rng(0).integers(-32768, 32767, 1050).astype(np.int16)
    np.testing.assert_array_equal(load_audio(write(tmp_path / "clip.flac", expected), 16000) * 32768, expected)


def test_overshoot_is_clipped(tmp_path):
    path = write(tmp_path / "clip.wav", np.array([0.5, 1.5, -3.0]), subtype="FLOAT")
    np.testing.assert_array_equal(load_audio(path, 16000), np.float32([0.5, 1.0, -1.0]))


@pytest.mark.parametrize(
    ("bad", "expected"), [(np.nan, "Received: nan at sample 7"), (-np.inf, "Received: -inf at sample 7")]
)
def test_samples_that_are_not_numbers(tmp_path, bad, expected):
    waveform = tone(16000)
    waveform[7] = bad
    assert expected in reason_of(write(tmp_path / "clip.wav", waveform, subtype="FLOAT"))


def test_samples_that_were_never_scaled(tmp_path):
    path = write(tmp_path / "clip.wav", tone(16000) * 32768, subtype="FLOAT")
    assert reason_of(path) == "expected samples within [-1, 1]. Received: a peak of 16384."


def test_missing_file_folder_and_fifo(tmp_path):
    assert "no such file" in reason_of(tmp_path / "clip.wav")
    assert "not a regular file" in reason_of(tmp_path)


@pytest.mark.parametrize("extension", ["wav", "flac", "ogg", "mp3", "raw"])
def test_text_is_not_audio(tmp_path, extension):
    path = tmp_path / f"clip.{extension}"
    path.write_text("This is a letter, not a recording.\n" * 40)
    assert reason_of(path).startswith("expected a whole audio file. libsndfile: ")


@pytest.mark.parametrize("extension", ["wav", "flac", "ogg"])
def test_no_samples(tmp_path, extension):
    path = write(tmp_path / f"clip.{extension}", np.zeros(0))
    assert reason_of(path) == "expected at least 1 sample. Received: 0 samples."


def test_no_bytes(tmp_path):
    path = tmp_path / "clip.wav"
    path.touch()
    assert reason_of(path) == "expected at least 1 sample. Received: 0 samples."


def test_too_short_for_the_rate(tmp_path):
    path = write(tmp_path / "clip.wav", np.zeros(1), 384000)
    assert reason_of(path, 1000) == "expected at least 1 sample. Received: 0 samples at 1000 Hz."


@pytest.mark.parametrize("extension", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_cut_file(tmp_path, extension, share):
    path = write(tmp_path / f"clip.{extension}", np.random.default_rng(0).normal(0, 0.1, 160000))
    assert len(load_audio(path, 16000)) == 160000
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert reason_of(path).startswith("expected a whole")


def test_flac_cut_between_two_frames(tmp_path):
    path = write(tmp_path / "clip.flac", np.random.default_rng(0).normal(0, 0.1, 160000))
    content = path.read_bytes()
    frames = [match.start() for match in re.finditer(rb"\xff\xf8", content)]
    path.write_bytes(content[: frames[len(frames) // 2]])
    assert reason_of(path).startswith("expected a whole")


@pytest.mark.parametrize("rate", [7, 999, 400000])
def test_rate_of_the_file_out_of_range(tmp_path, rate):
    path = write(tmp_path / "clip.wav", tone(16000), rate)
    assert reason_of(path) == f"expected a sample rate from 1000 to 384000 Hz. Received: {rate} Hz."


@pytest.mark.parametrize("rate", [7, 0, -16000, 10**6])
def test_rate_asked_for_out_of_range(tmp_path, rate):
    path = write(tmp_path / "clip.wav", tone(16000))
    with pytest.raises(AudioError, match=f"^sample_rate: expected .* Received: {rate} Hz.$"):
        load_audio(path, rate)


def test_trim_silence_cuts_the_ends_only():
    waveform = np.zeros(100)
    waveform[[20, 40, 60]] = 10 ** (-49 / 20), 1e-4, -(10 ** (-49 / 20))
    assert trim_silence(waveform, -50.0) == slice(20, 61)
    assert trim_silence(waveform, -50.0, margin=5) == slice(15, 66)
    assert trim_silence(waveform, -50.0, margin=50) == slice(0, 100)
    assert trim_silence(waveform, -48.0) == slice(0, 0)


@pytest.mark.large
def test_damaged_files_are_told_or_decoded_but_never_crash(tmp_path):
    """Alters bytes at random in all formats; in a process of its own, since a crash of a decoder would end this one."""
    program = f"""
import numpy as np, soundfile
from tf_wavenet.data.audio import load_audio
from tf_wavenet.data.audio_error import AudioError
random = np.random.default_rng(0)
told = 0
for extension in ("wav", "flac", "ogg", "mp3"):
    path = {str(tmp_path)!r} + "/clip." + extension
    soundfile.write(path, random.normal(0, 0.1, 8000), 16000)
    content = open(path, "rb").read()
    for trial in range(250):
        damaged = bytearray(content)
        for position in random.integers(0, 200 if trial % 2 else len(content), random.integers(1, 8)):
            damaged[position] = random.integers(256)
        open(path, "wb").write(damaged)
        try:
            waveform = load_audio(path, 16000)
            assert np.isfinite(waveform).all() and np.abs(waveform).max() <= 1 and len(waveform)
        except AudioError as error:
            told += 1
            assert "\\n" not in str(error)
print("told", told)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-2000:]
    assert int(result.stdout.split()[-1]) > 250
