"""Features of recordings: computed or stored."""

import io
import json

import keras
import numpy as np
import pytest

from tf_wavenet import MelSpec
from tf_wavenet.data import AudioError, AudioFile, MelFeatures, StoredFeatures, log_mel, save_features


def test_mel_features_are_those_of_the_recording_at_its_loudness(rng):
    spec = MelSpec.from_preset("speech_16k", loudness=-20.0, preemphasis=0.9)
    waveform = rng.normal(0, 0.01, 3000).astype("float32")
    target, mel = MelFeatures(spec)(None, waveform)
    gain = 0.1 / np.sqrt(np.mean(waveform.astype("float64") ** 2))
    np.testing.assert_allclose(mel, log_mel((gain * waveform).astype("float32"), spec), atol=1e-4)
    np.testing.assert_allclose(target[1:], gain * (waveform[1:] - 0.9 * waveform[:-1]), atol=1e-5)


SMALL = {"num_mels": 6, "hop_length": 8, "win_length": 32, "fft_length": 64}


@pytest.mark.parametrize(("name", "lengths"), [("speech_16k", (40, 500)), ("r9y9", (1, 33)), ("jik876", (2, 40))])
def test_mel_features_are_log_mel_at_every_length(name, lengths, rng):
    spec = MelSpec.from_preset(name, **SMALL)
    for length in lengths:
        waveform = rng.normal(0, 0.1, length).astype("float32")
        expected = keras.ops.convert_to_numpy(log_mel(waveform, spec))
        np.testing.assert_allclose(MelFeatures(spec)(None, waveform)[1], expected, rtol=1e-4, atol=1e-4)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "spec.json").write_text(json.dumps({"hop_length": 80}))
    (tmp_path / "ann").mkdir()
    np.savez(tmp_path / "ann" / "1.npz", features=np.arange(30, dtype="float32").reshape(10, 3))
    return tmp_path


def test_stored_features_are_found_by_the_name_of_the_recording(folder):
    (folder / "spec.json").write_text(json.dumps({"hop_length": 80, "colour": ["red"]}))
    features = StoredFeatures(folder)
    assert (features.hop_length, features.channels) == (80, 3)
    assert features.spec == {"hop_length": 80, "colour": ["red"]}
    waveform = np.zeros(800, "float32")
    same, frames = features(AudioFile("x.wav", 800, name="ann/1"), waveform)
    assert same is waveform
    np.testing.assert_array_equal(frames, np.arange(30).reshape(10, 3))


def test_stored_features_that_do_not_fit_are_refused(folder):
    features = StoredFeatures(folder)
    expected = r"1.npz: expected 11 to 13 frames of 3 channels for 801 samples. Received: shape \(10, 3\)"
    with pytest.raises(AudioError, match=expected):
        features(AudioFile("x.wav", 801, name="ann/1"), np.zeros(801, "float32"))
    assert len(features.read(AudioFile("x.wav", 8 * 80, name="ann/1"))) == 10
    with pytest.raises(AudioError, match=r"expected 7 to 9 frames of 3 channels for 560 samples. Received: shape"):
        features.read(AudioFile("x.wav", 7 * 80, name="ann/1"))
    with pytest.raises(AudioError, match="2.npz: expected features"):
        features(AudioFile("x.wav", 800, name="ann/2"), np.zeros(800, "float32"))
    np.savez(folder / "ann" / "3.npz", features=np.full((10, 3), np.nan))
    with pytest.raises(AudioError, match="expected finite features"):
        features(AudioFile("x.wav", 800, name="ann/3"), np.zeros(800, "float32"))


def test_a_folder_without_spec_or_features_is_refused(tmp_path):
    message = "spec.json: expected a folder of features with hop_length, a positive int. Received: "
    with pytest.raises(AudioError, match=message + "No such file"):
        StoredFeatures(tmp_path)
    for text in (
        "{}",
        "[80]",
        '{"hop_length":',
        *(f'{{"hop_length": {hop}}}' for hop in ("0", "-80", "80.5", '"80"', "true")),
    ):
        (tmp_path / "spec.json").write_text(text)
        with pytest.raises(AudioError, match=message) as caught:
            StoredFeatures(tmp_path)
        assert "\n" not in str(caught.value)
    (tmp_path / "spec.json").write_text('{"hop_length": 80}')
    with pytest.raises(AudioError, match=f"{tmp_path}: expected features, NAME.npz of each recording. Received: none."):
        StoredFeatures(tmp_path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed, np.save])
def test_damaged_files_are_refused_in_one_line(folder, save):
    features, path, content = StoredFeatures(folder), folder / "ann" / "1.npz", io.BytesIO()
    array = np.arange(30, dtype="float32").reshape(10, 3)
    save(content, array) if save is np.save else save(content, features=array)
    whole, refused = content.getvalue(), 0
    path.write_bytes(whole)
    if save is np.save:
        with pytest.raises(AudioError, match="1.npz: expected a .npz file of numbers named features"):
            StoredFeatures(folder)
    for i in range(len(whole)):
        flipped = whole[:i] + bytes([whole[i] ^ 0x08]) + whole[i + 1 :]
        for damaged in (flipped, whole[:i]):
            path.write_bytes(damaged)
            try:
                features.read(AudioFile("x.wav", 800, name="ann/1"))
            except AudioError as error:
                refused += 1
                assert str(error).startswith(f"{path}: expected ") and "\n" not in str(error)
    assert refused > len(whole)  # every one cut off, and some flipped; others hit what nobody reads, such as a date


def test_other_arrays_are_refused(folder):
    features, path = StoredFeatures(folder), folder / "ann" / "1.npz"
    for arrays in ({"other": np.zeros((10, 3))}, {"features": np.full((10, 3), "a")}, {"features": np.zeros(10)}):
        np.savez(path, **arrays)
        with pytest.raises(AudioError, match="1.npz: expected"):
            features.read(AudioFile("x.wav", 800, name="ann/1"))


MEL = MelSpec.from_preset("speech_16k", num_mels=3, hop_length=80)


def test_the_recipe_of_a_file_is_compared_with_the_others(folder):
    path, file = folder / "ann" / "2.npz", AudioFile("x.wav", 800, name="ann/2")
    (folder / "spec.json").write_text(json.dumps(MEL.get_config()))
    save_features(path, np.full((10, 3), -5.0), MEL)
    features = StoredFeatures(folder)
    assert features.read(file).shape == (10, 3)
    for field, value in (("hop_length", 160), ("sample_rate", 22050), ("fmax", 7000.0)):
        other = MelSpec.from_config(MEL.get_config() | {field: value})
        save_features(path, np.full((10, 3), -5.0), other)
        expected = (
            f"2.npz: expected features of {field}={getattr(MEL, field)}, as the others. Received: {field}={value}"
        )
        with pytest.raises(AudioError, match=expected):
            features.read(file)
    np.savez(path, features=np.full((10, 3), -5.0), spec=np.array("[1]"))
    with pytest.raises(AudioError, match="expected a recipe as a JSON object"):
        features.read(file)
    assert features.read(AudioFile("x.wav", 800, name="ann/1")).shape == (10, 3)  # of a version that wrote no recipe


def test_files_with_a_recipe_need_no_spec_json(folder):
    (folder / "spec.json").unlink()
    save_features(folder / "ann" / "1.npz", np.full((10, 3), -5.0), MEL)
    features = StoredFeatures(folder)
    assert (features.hop_length, features.channels, features.spec) == (80, 3, json.loads(json.dumps(MEL.get_config())))
    other = MelSpec.from_config(MEL.get_config() | {"hop_length": 160})
    save_features(folder / "ann" / "2.npz", np.full((10, 3), -5.0), other)
    with pytest.raises(
        AudioError, match="2.npz: expected features of hop_length=80, as the others. Received: hop_leng"
    ):
        features.read(AudioFile("x.wav", 800, name="ann/2"))
