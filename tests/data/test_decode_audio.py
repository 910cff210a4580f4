"""Decoding in the graph: both engines against load_audio."""

import numpy as np
import pytest
import soundfile

from tf_wavenet.data import AudioError, decode_audio, load_audio

tf = pytest.importorskip("tensorflow")


def has_tensorflow_io():
    try:
        import tensorflow_io

        return bool(tensorflow_io.audio.decode_flac)
    except (ImportError, NotImplementedError):
        return False


def decode(paths, rate, engine):
    dataset = tf.data.Dataset.from_tensor_slices([str(path) for path in paths])
    dataset = dataset.map(lambda path: decode_audio(path, rate, engine))
    assert dataset.element_spec.shape.as_list() == [None]
    assert dataset.element_spec.dtype == tf.float32
    return [waveform.numpy() for waveform in dataset]


@pytest.fixture
def noise():
    return np.random.default_rng(0).uniform(-1, 1, (5000, 2))


def test_libsndfile_takes_every_format(tmp_path, noise):
    paths = [tmp_path / f"clip.{extension}" for extension in ("wav", "flac", "ogg", "mp3")]
    for path in paths:
        soundfile.write(path, 0.5 * noise, 22050)
    for path, waveform in zip(paths, decode(paths, 16000, "libsndfile"), strict=True):
        np.testing.assert_array_equal(waveform, load_audio(path, 16000))


def test_libsndfile_tells_bad_files(tmp_path):
    with pytest.raises(tf.errors.OpError, match="no such file"):
        decode([tmp_path / "clip.wav"], 16000, "libsndfile")


@pytest.mark.large
@pytest.mark.skipif(not has_tensorflow_io(), reason="tensorflow-io is not installed or not made for this tensorflow")
def test_tensorflow_io_equals_libsndfile_to_the_bit(tmp_path, noise):
    paths = [tmp_path / "a.wav", tmp_path / "a.flac", tmp_path / "mono.flac", tmp_path / "high.wav"]
    soundfile.write(paths[0], noise, 16000)
    soundfile.write(paths[1], noise, 16000)
    soundfile.write(paths[2], noise[:, 0], 16000)
    for path, waveform in zip(paths[:3], decode(paths[:3], 16000, "tensorflow-io"), strict=True):
        np.testing.assert_array_equal(waveform, load_audio(path, 16000))
    for extension in ("wav", "flac"):
        path = tmp_path / f"high.{extension}"
        soundfile.write(path, noise, 44100)
        assert len(decode([path], 44100, "tensorflow-io")[0]) == 5000
        with pytest.raises(tf.errors.InvalidArgumentError, match="expected a file at .* sample rate"):
            decode([path], 16000, "tensorflow-io")


@pytest.mark.skipif(has_tensorflow_io(), reason="tensorflow-io works here")
def test_tensorflow_io_missing():
    with pytest.raises((ImportError, NotImplementedError)):
        decode_audio(tf.constant("clip.wav"), 16000, "tensorflow-io")


def test_arguments():
    with pytest.raises(AudioError, match="sample_rate: expected a sample rate"):
        decode_audio(tf.constant("clip.wav"), 7)
    with pytest.raises(ValueError, match="Expected engine to be"):
        decode_audio(tf.constant("clip.wav"), 16000, "sox")
