"""Indexing: layouts, damaged files, empty places."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tf_wavenet.data import AudioError, index_corpus

SAMPLE_CORPUS = Path(__file__).parents[2] / "training" / "sample_corpus"


def record(path, samples=1600, rate=16000, **kwargs):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * np.sin(np.arange(samples)), rate, **kwargs)
    return path


def names(manifest):
    return [file.name for file in manifest.files]


def test_flat_and_nested_folder(tmp_path):
    record(tmp_path / "b.WAV", 800)
    record(tmp_path / "a.flac", 3200, 32000)
    record(tmp_path / "deep" / "down" / "c.ogg")
    (tmp_path / "notes.txt").write_text("no audio")
    record(tmp_path / ".hidden.wav")
    record(tmp_path / ".trash" / "d.wav")
    seen = []
    manifest = index_corpus(tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert names(manifest) == ["a", "b", "deep/down/c"]
    assert [file.num_samples for file in manifest.files] == [1600, 800, 1600]
    assert [file.speaker for file in manifest.files] == [None, None, "deep"]
    assert manifest.rejected == ()
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("place", ["wavs", "."])
def test_ljspeech(tmp_path, place):
    record(tmp_path / place / "LJ001-0001.wav")
    record(tmp_path / place / "LJ001-0002.flac")
    record(tmp_path / place / "LJ001.03.wav")
    record(tmp_path / place / "unlisted.wav")
    lines = ["LJ001-0001|Chapter 1|Chapter one", "LJ001-0002.flac|Only text", "LJ001.03|Empty|", "gone|No|file"]
    (tmp_path / "metadata.csv").write_text("\ufeff" + "\n".join(lines) + "\n\n", encoding="utf-8")
    manifest = index_corpus(tmp_path)
    texts = {file.name: file.text for file in manifest.files}
    expected = {"LJ001-0001": "Chapter one", "LJ001-0002": "Only text", "LJ001.03": "Empty", "unlisted": None}
    assert texts == expected
    assert {file.speaker for file in manifest.files} == {None}
    assert manifest.rejected == ((tmp_path / "gone", "named in metadata.csv. Received: no such file."),)


def test_metadata_that_is_not_text(tmp_path):
    record(tmp_path / "a.wav")
    (tmp_path / "metadata.csv").write_bytes(b"a|\xff\xfe")
    with pytest.raises(AudioError, match="metadata.csv: expected UTF-8 text"):
        index_corpus(tmp_path)


@pytest.mark.parametrize(
    ("container", "suffix"), [("wav48", ".wav"), ("wav48_silence_trimmed", "_mic1.flac"), ("", ".wav")]
)
def test_vctk(tmp_path, container, suffix):
    for speaker in ("p225", "p226"):
        record(tmp_path / container / speaker / f"{speaker}_001{suffix}")
        if "mic1" in suffix:
            record(tmp_path / container / speaker / f"{speaker}_001_mic2.flac")
        (tmp_path / "txt" / speaker).mkdir(parents=True)
        (tmp_path / "txt" / speaker / f"{speaker}_001.txt").write_text(f"Please call {speaker}.\n")
    manifest = index_corpus(tmp_path)
    assert [file.speaker for file in manifest.files] == ["p225", "p226"]
    assert [file.text for file in manifest.files] == ["Please call p225.", "Please call p226."]


def test_a_second_microphone_alone_is_taken(tmp_path):
    record(tmp_path / "p280" / "p280_001_mic2.flac")
    assert len(index_corpus(tmp_path).files) == 1


def test_linked_folders_are_followed_once(tmp_path):
    record(tmp_path / "corpus" / "a" / "x.wav")
    record(tmp_path / "elsewhere" / "y.wav")
    (tmp_path / "corpus" / "a" / "loop").symlink_to(tmp_path / "corpus")
    (tmp_path / "corpus" / "b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "corpus" / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    manifest = index_corpus(tmp_path / "corpus")
    assert names(manifest) == ["a/x", "b/y"]
    assert [path.name for path, _ in manifest.rejected] == ["gone.wav"]


def test_bad_files_are_left_out_with_their_reason(tmp_path):
    record(tmp_path / "good8.wav", subtype="PCM_U8")
    record(tmp_path / "good24.wav", subtype="PCM_24")
    soundfile.write(tmp_path / "good6.wav", np.full((100, 6), 0.1), 16000)
    record(tmp_path / "slow.wav", rate=7)
    record(tmp_path / "none.wav", 0)
    (tmp_path / "text.wav").write_text("hello")
    whole = record(tmp_path / "half.wav").read_bytes()
    (tmp_path / "half.wav").write_bytes(whole[: len(whole) // 2])
    os.mkfifo(tmp_path / "pipe.wav")
    manifest = index_corpus(tmp_path)
    assert names(manifest) == ["good24", "good6", "good8"]
    reasons = {path.name: reason for path, reason in manifest.rejected}
    assert reasons.keys() == {"slow.wav", "none.wav", "text.wav", "half.wav", "pipe.wav"}
    assert reasons["slow.wav"] == "expected a sample rate from 1000 to 384000 Hz. Received: 7 Hz."
    assert reasons["none.wav"] == "expected at least 1 sample. Received: 0 samples."
    assert reasons["half.wav"].endswith("of the 3200 bytes of audio that its header promises.")
    assert reasons["pipe.wav"] == "expected an audio file. Received: not a regular file."


def test_order_does_not_depend_on_the_file_system(tmp_path):
    for number in (3, 1, 2, 10):
        record(tmp_path / f"s{number}" / f"{number}.wav", 100 + number)
    assert [file.num_samples for file in index_corpus(tmp_path).files] == [101, 110, 102, 103]
    assert index_corpus(tmp_path) == index_corpus(tmp_path)


def test_silence_is_trimmed_at_both_ends(tmp_path):
    waveform = np.zeros(16000)
    waveform[6000:9000] = 0.1
    soundfile.write(tmp_path / "clip.wav", waveform, 16000)
    soundfile.write(tmp_path / "silent.wav", np.zeros(16000), 16000)
    manifest = index_corpus(tmp_path, trim_silence_db=-50.0)
    (file,) = manifest.files
    assert (file.start, file.num_samples) == (6000 - 800, 3000 + 1600)
    np.testing.assert_allclose(file.load(16000), waveform[5200:9800], rtol=0, atol=2**-15)
    assert manifest.rejected == ((tmp_path / "silent.wav", "expected sound. Received: nothing above -50.0 dB."),)
    assert [file.num_samples for file in index_corpus(tmp_path).files] == [16000, 16000]


def message_of(folder, sample_rate=16000):
    with pytest.raises(AudioError) as caught:
        index_corpus(folder, sample_rate)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_places_without_audio(tmp_path):
    assert message_of(tmp_path / "no") == f"{tmp_path}/no: expected a folder of recordings. Received: no such folder."
    assert message_of(tmp_path).endswith(" .wav .webm). Received: an empty folder.")
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "b.csv").write_text("text")
    assert message_of(tmp_path).endswith("Received: 2 files, none of them audio.")
    assert message_of(tmp_path / "a.txt").endswith("expected a folder of recordings. Received: a file.")
    (tmp_path / "c.wav").write_text("text")
    (tmp_path / "d.wav").touch()
    assert "Received: 2 files, all rejected, first c.wav: expected a whole audio file." in message_of(tmp_path)
    assert message_of(tmp_path, 7) == "sample_rate: expected a sample rate from 1000 to 384000 Hz. Received: 7 Hz."


def test_the_sample_corpus():
    manifest = index_corpus(SAMPLE_CORPUS)
    assert manifest.rejected == ()
    assert [sum(file.speaker == speaker for file in manifest.files) for speaker in ("female", "male")] == [18, 18]
    assert all(file.text for file in manifest.files)
    assert 110 < manifest.seconds < 130
    for file in manifest.files:
        info = soundfile.info(file.path)
        assert (info.samplerate, info.channels, info.subtype) == (16000, 1, "PCM_16")
        assert abs(20 * np.log10(np.abs(file.load(16000)).max()) + 3.0) < 0.01
    assert sum(path.stat().st_size for path in SAMPLE_CORPUS.rglob("*") if path.is_file()) < 3e6
