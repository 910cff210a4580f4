"""Features of recordings: computed or stored."""

import json

import numpy as np
import pytest

from tf_wavenet import MelSpec
from tf_wavenet.data import AudioError, AudioFile, MelFeatures, StoredFeatures, log_mel


def test_mel_features_are_those_of_the_recording_at_its_loudness(rng):
    spec = MelSpec.from_preset("speech_16k", loudness=-20.0, preemphasis=0.9)
    waveform = rng.normal(0, 0.01, 3000).astype("float32")
    target, mel = MelFeatures(spec)(None, waveform)
    gain = 0.1 / np.sqrt(np.mean(waveform.astype("float64") ** 2))
    np.testing.assert_allclose(mel, log_mel((gain * waveform).astype("float32"), spec), atol=1e-4)
    np.testing.assert_allclose(target[1:], gain * (waveform[1:] - 0.9 * waveform[:-1]), atol=1e-5)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "spec.json").write_text(json.dumps({"hop_length": 80}))
    (tmp_path / "ann").mkdir()
    np.savez(tmp_path / "ann" / "1.npz", features=np.arange(30, dtype="float32").reshape(10, 3))
    return tmp_path


def test_stored_features_are_found_by_the_name_of_the_recording(folder):
    features = StoredFeatures(folder)
    assert (features.hop_length, features.channels) == (80, 3)
    waveform = np.zeros(800, "float32")
    same, frames = features(AudioFile("x.wav", 800, name="ann/1"), waveform)
    assert same is waveform
    np.testing.assert_array_equal(frames, np.arange(30).reshape(10, 3))


def test_stored_features_that_do_not_fit_are_refused(folder):
    features = StoredFeatures(folder)
    with pytest.raises(
        AudioError, match=r"1.npz: expected at least 11 frames of 3 channels. Received: shape \(10, 3\)"
    ):
        features(AudioFile("x.wav", 801, name="ann/1"), np.zeros(801, "float32"))
    with pytest.raises(AudioError, match="2.npz: expected features"):
        features(AudioFile("x.wav", 800, name="ann/2"), np.zeros(800, "float32"))
    np.savez(folder / "ann" / "3.npz", features=np.full((10, 3), np.nan))
    with pytest.raises(AudioError, match="expected finite features"):
        features(AudioFile("x.wav", 800, name="ann/3"), np.zeros(800, "float32"))


def test_a_folder_without_spec_or_features_is_refused(tmp_path):
    with pytest.raises(AudioError, match="expected a folder of features with hop_length"):
        StoredFeatures(tmp_path)
    (tmp_path / "spec.json").write_text("{}")
    with pytest.raises(AudioError, match="expected a folder of features with hop_length"):
        StoredFeatures(tmp_path)
