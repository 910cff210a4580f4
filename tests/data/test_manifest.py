"""Manifests: division into training and validation, saving, loading."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tf_wavenet.data import AudioError, AudioFile, Manifest


def manifest_of(count, folder="/corpus"):
    files = tuple(AudioFile(Path(folder, f"{i}.wav"), 1000 + i, f"s{i % 3}", "say", 0, f"{i}") for i in range(count))
    return Manifest(16000, files, ((Path(folder, "bad.wav"), "expected at least 1 sample."),))


def test_lengths():
    manifest = manifest_of(3)
    assert manifest.num_samples == 3003
    assert manifest.seconds == 3003 / 16000


@pytest.mark.parametrize("count", [2, 3, 10, 101])
@pytest.mark.parametrize("fraction", [0.001, 0.1, 0.5, 0.999])
def test_split_is_a_partition_with_two_sides(count, fraction):
    manifest = manifest_of(count)
    training, validation = manifest.split(fraction, seed=3)
    assert set(training.files) | set(validation.files) == set(manifest.files)
    assert not set(training.files) & set(validation.files)
    assert len(validation.files) == np.clip(round(fraction * count), 1, count - 1)
    assert training.sample_rate == validation.sample_rate == 16000
    for part in (training, validation):
        assert part.files == tuple(file for file in manifest.files if file in part.files)


def test_split_is_fixed_by_the_seed():
    manifest = manifest_of(50)
    assert manifest.split(0.2, seed=1) == manifest.split(0.2, seed=1)
    assert len({manifest.split(0.2, seed=seed)[1] for seed in range(10)}) == 10


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_split_refuses_fractions(fraction):
    with pytest.raises(ValueError, match="Expected validation_fraction to be above 0 and below 1. Received: "):
        manifest_of(5).split(fraction)


def test_split_needs_two_files():
    with pytest.raises(AudioError, match="expected at least 2 files to split. Received: 1."):
        manifest_of(1).split(0.1)


def test_save_and_load(tmp_path):
    manifest = manifest_of(4)
    manifest.save(tmp_path / "manifest.json")
    assert Manifest.load(tmp_path / "manifest.json") == manifest
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_a_manifest_moves_with_its_corpus(tmp_path):
    (tmp_path / "old").mkdir()
    manifest_of(4, tmp_path / "old").save(tmp_path / "old" / "manifest.json")
    (tmp_path / "old").rename(tmp_path / "new")
    assert Manifest.load(tmp_path / "new" / "manifest.json") == manifest_of(4, tmp_path / "new")


def test_relative_paths_are_saved_absolute(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    manifest_of(1, "corpus").save("elsewhere/manifest.json")
    assert Manifest.load("elsewhere/manifest.json").files[0].path == tmp_path / "corpus" / "0.wav"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"sample_rate": 1, "files": [{"x": 1}], "rejected": []}'])
def test_load_refuses_other_files(tmp_path, content):
    path = tmp_path / "manifest.json"
    path.write_text(content)
    with pytest.raises(AudioError, match="manifest.json: expected a manifest"):
        Manifest.load(path)
    with pytest.raises(AudioError, match="No such file"):
        Manifest.load(tmp_path / "other.json")


def test_saved_text_is_readable(tmp_path):
    Manifest(16000, (AudioFile(Path("/x.wav"), 1, text="Grüße"),)).save(tmp_path / "m.json")
    assert "Grüße" in (tmp_path / "m.json").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))["sample_rate"] == 16000


def test_a_file_loads_its_part_and_tells_a_changed_length(tmp_path):
    ramp = np.arange(100, dtype=np.int16)
    soundfile.write(tmp_path / "clip.wav", ramp, 16000)
    loaded = AudioFile(tmp_path / "clip.wav", num_samples=30, start=20).load(16000)
    np.testing.assert_array_equal(loaded * 32768, ramp[20:50])
    with pytest.raises(AudioError, match="expected 90 samples from sample 20 on, as indexed. Received: 80;"):
        AudioFile(tmp_path / "clip.wav", num_samples=90, start=20).load(16000)
