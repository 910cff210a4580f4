import json
import shutil
from pathlib import Path

import numpy as np
import pytest

for package in ("pyworld", "librosa"):
    pytest.importorskip(package, reason=f"{package} is not installed: pip install -e '.[quality]'")

from benchmarks import speaker_control  # noqa: E402
from benchmarks.judging.speakers import Speakers  # noqa: E402
from training.cli.wav import WavWriter  # noqa: E402

CORPUS = Path(__file__).parents[2] / "training/sample_corpus"
VOICES = [np.full(14, level) for level in (0.0, 1.0, 10.0, 11.0)]
SPEAKERS = Speakers(VOICES, ["low", "low", "high", "high"])


def test_clips_are_compared_with_the_speaker_asked_for():
    clips = [np.full(14, 1.5), np.full(14, 9.0), None]
    rows = speaker_control.score_clips(SPEAKERS, ["x", "y", "z"], ["low", "low", "high"], clips)
    assert [(row["clip"], row["asked"], row["heard"]) for row in rows] == [
        ("x", "low", "low"),
        ("y", "low", "high"),
        ("z", "high", None),
    ]
    unit = np.sqrt(0.5)  # the spread of the corpus
    expected = [1 / unit, 1 / unit, 9 / unit, 9 / unit]
    assert [rows[0][name] for name in ("pitch", "envelope", "other_pitch", "other_envelope")] == pytest.approx(expected)
    assert rows[2]["pitch"] is None
    summary = speaker_control.summarise(rows)
    assert (summary["clips"], summary["right"], summary["voiced"]) == (3, 1, 2)
    assert summary["pitch"] == pytest.approx(np.mean([1, 8.5]) / unit)


def test_refuses_a_speaker_that_the_corpus_lacks():
    with pytest.raises(ValueError, match="Expected clips of the corpus's speakers, high, low. Received: who"):
        speaker_control.score_clips(SPEAKERS, ["x"], ["who"], [None])


def test_refuses_clips_without_a_speaker(tmp_path):
    with WavWriter(tmp_path / "clip.wav", 16000) as writer:
        writer.write(np.zeros(1600))
    with pytest.raises(ValueError, match="Expected a folder for each speaker in .* Received: clip.wav in none"):
        speaker_control.voices(tmp_path)


def test_refuses_too_few_recordings_before_it_listens(tmp_path, monkeypatch):
    monkeypatch.setattr(speaker_control, "voice", lambda audio: pytest.fail("listened"))
    for name in ("ann/1", "ann/2", "ann/3", "bob/1", "bob/2"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        with WavWriter(tmp_path / f"{name}.wav", 16000) as writer:
            writer.write(np.full(1600, 0.1))
    message = f"Expected at least 2 speakers of at least 3 recordings each in {tmp_path}. Received: "
    with pytest.raises(ValueError, match=message + "{'ann': 3, 'bob': 2}"):
        speaker_control.evaluate(speaker_control.SpeakerControlConfig(tmp_path))
    shutil.rmtree(tmp_path / "bob")
    with pytest.raises(ValueError, match="Expected at least 2 speakers"):
        speaker_control.evaluate(speaker_control.SpeakerControlConfig(tmp_path))


@pytest.fixture
def small_corpus(tmp_path):
    for name in ("female", "male"):
        (tmp_path / "corpus" / name).mkdir(parents=True)
        for number in ("02", "03", "10"):
            shutil.copy(CORPUS / "wavs" / name / f"{number}.flac", tmp_path / "corpus" / name)
    return tmp_path / "corpus"


@pytest.mark.large
def test_real_clips_asked_for_by_the_wrong_name_are_found_out(small_corpus, tmp_path, monkeypatch, capsys):
    for speaker, asked in (("female", "female"), ("male", "female"), ("male", "male")):
        target = tmp_path / "clips" / asked
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(CORPUS / "wavs" / speaker / "05.flac", target / f"{speaker}.flac")
    command = ["speaker_control", str(small_corpus), "--clips", str(tmp_path / "clips"), "--json"]
    monkeypatch.setattr("sys.argv", command)
    speaker_control.main()
    trial, *rows, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert (trial["clips"], trial["right"]) == (6, 6)
    assert [(row["asked"], row["heard"]) for row in rows] == [
        ("female", "female"),
        ("female", "male"),
        ("male", "male"),
    ]
    assert (summary["clips"], summary["right"]) == (3, 2)
    monkeypatch.setattr("sys.argv", command[:-1])
    speaker_control.main()
    assert capsys.readouterr().out.splitlines()[-1] == "2 of 3 clips right"
