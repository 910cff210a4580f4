"""Files of features."""

import dataclasses
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

from tf_wavenet import MelSpec
from tf_wavenet.data import AudioError, load_audio, load_features, log_mel, save_features

CORPUS = Path(__file__).parents[2] / "training" / "sample_corpus" / "wavs"
SPEECH = MelSpec.from_preset("speech_16k")


@pytest.fixture(scope="module")
def speech():
    return load_audio(CORPUS / "female" / "01.flac", 22050)


def test_files_round_trip(tmp_path, speech):
    spec = dataclasses.replace(SPEECH, normalization=([-5.0] * 80, [2.0] * 80), loudness=-23.0)
    features = np.asarray(log_mel(speech, spec))
    for stored in (features, features[None], features.astype("float16")):
        save_features(tmp_path / "clip.npz", stored, spec)
        loaded = load_features(tmp_path / "clip.npz", spec)
        assert loaded.dtype == np.float32
        np.testing.assert_array_equal(loaded, stored)
    np.save(tmp_path / "clip.npy", features.astype("float64"))
    np.testing.assert_array_equal(load_features(tmp_path / "clip.npy", spec), features)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.npy", "clip.npz"]


def reason_of(path, spec):
    with pytest.raises(AudioError) as caught:
        load_features(path, spec)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(f"{path}: ")
    return message


def test_features_of_another_recipe_are_refused(tmp_path, speech):
    path = tmp_path / "clip.npz"
    save_features(path, log_mel(speech, SPEECH), SPEECH)
    for field, value in {"hop_length": 256, "fmin": 80.0, "log_base": "10", "preemphasis": 0.9}.items():
        message = reason_of(path, dataclasses.replace(SPEECH, **{field: value}))
        assert f"Expected features of {field}={value!r}. Received: {field}={getattr(SPEECH, field)!r}" in message
    np.save(tmp_path / "clip.npy", np.asarray(log_mel(speech, SPEECH)).T)
    assert "transposed?" in reason_of(tmp_path / "clip.npy", SPEECH)
    np.save(tmp_path / "clip.npy", np.asarray(log_mel(speech, SPEECH)))
    assert "log_base='10', floor=1e-10" in reason_of(tmp_path / "clip.npy", MelSpec.from_preset("kan_bayashi"))


def test_broken_files_are_refused(tmp_path):
    features = np.full((3, 80), -5.0)
    config = SPEECH.get_config()
    path = tmp_path / "clip.npz"
    assert "No such file" in reason_of(path, SPEECH)
    assert reason_of(tmp_path, SPEECH)
    path.write_text("no features")
    assert reason_of(path, SPEECH)
    path.write_bytes(b"")
    assert reason_of(path, SPEECH)
    for spec in ("{", "[1]", "3", json.dumps({**config, "colour": 1}), json.dumps({**config, "hop_length": "200"})):
        np.savez(path, features=features, spec=np.array(spec))
        assert reason_of(path, SPEECH)
    assert "hop_length" in reason_of(path, SPEECH)
    np.savez(path, spec=np.array(json.dumps(config)))
    assert "features" in reason_of(path, SPEECH)
    save_features(path, features, SPEECH)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert reason_of(path, SPEECH)
    np.save(tmp_path / "clip.npy", features)
    whole = (tmp_path / "clip.npy").read_bytes()
    (tmp_path / "clip.npy").write_bytes(whole[:-100])
    assert reason_of(tmp_path / "clip.npy", SPEECH)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed, np.save])
def test_any_damage_is_told_in_one_line(tmp_path, save):
    path, content, features = tmp_path / "clip.npz", io.BytesIO(), np.full((3, 80), -5.0)
    arrays = {"features": features, "spec": np.array(json.dumps(SPEECH.get_config()))}
    save(content, features) if save is np.save else save(content, **arrays)
    whole, refused = content.getvalue(), 0
    for i in [*range(0, len(whole), 7), *range(min(128, len(whole)))]:
        for damaged in (whole[:i] + bytes([whole[i] ^ 0x08]) + whole[i + 1 :], whole[:i]):
            path.write_bytes(damaged)
            try:
                load_features(path, SPEECH)
            except AudioError as error:
                refused += 1
                assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
    assert refused > len(whole) / 7


def test_pickles_are_never_opened(tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "opened",)

    np.save(tmp_path / "trap.npy", np.array([Trap()], object), allow_pickle=True)
    np.savez(tmp_path / "trap.npz", features=np.array([Trap()], object), spec=np.array(json.dumps(SPEECH.get_config())))
    for name in ("trap.npy", "trap.npz"):
        assert re.search("pickle", reason_of(tmp_path / name, SPEECH), re.IGNORECASE)
    assert not (tmp_path / "opened").exists()


def test_features_are_checked_before_they_are_saved(tmp_path):
    for features, path in (
        (np.zeros((3, 79)), tmp_path / "clip.npz"),
        (np.full((3, 80), np.nan), tmp_path / "clip.npz"),
        (np.full((3, 80), -5.0), tmp_path / "clip.npy"),
    ):
        with pytest.raises(ValueError, match="Expected"):
            save_features(path, features, SPEECH)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_files_without_a_recipe_are_read_and_looked_at(tmp_path, save):
    features = np.random.default_rng(0).uniform(-6, -4, (3, 80)).astype("float32")
    save(tmp_path / "clip.npz", features=features)
    np.testing.assert_array_equal(load_features(tmp_path / "clip.npz", SPEECH), features)
    save(tmp_path / "clip.npz", features=features.T)
    assert "transposed?" in reason_of(tmp_path / "clip.npz", SPEECH)
