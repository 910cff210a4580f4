import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import quality
from benchmarks.judging import packages as _judges
from benchmarks.judging import scores as _scores
from tf_wavenet import MelSpec, mu_law_decode, mu_law_encode
from tf_wavenet.data import load_audio, log_mel, preprocess, restore
from training.cli.wav import WavWriter

CORPUS = Path(__file__).parents[2] / "training/sample_corpus"
SPEC = MelSpec.from_preset("speech_16k")


class PerfectVocoder:
    """Knows the recordings, and finds by its features which one to speak; undoes pre-emphasis, as `generate` does."""

    def __init__(self, spec, waveforms):
        self.mel_spec = spec
        self.batches = []
        self._known = []
        for waveform in waveforms:
            target, gain = preprocess(waveform, spec)
            self._known.append((restore(target, spec), np.asarray(log_mel(gain * waveform, spec))))

    def generate(self, num_samples, batch_size, seed, local_condition, temperature=1.0):
        features = np.asarray(local_condition)
        assert features.shape == (batch_size, self.mel_spec.num_frames(num_samples), self.mel_spec.num_mels)
        self.batches.append((num_samples, batch_size, seed))
        audio = np.zeros((batch_size, num_samples), np.float32)
        for row, asked in zip(audio, features, strict=True):
            heard = min(self._known, key=lambda known: _distance(known[1], asked))[0]
            row[: len(heard)] = heard
        return audio


def _distance(features, padded):
    """Compares features with those of the same waveform, maybe, in a padded batch; the last frames see the padding."""
    frames = len(features) - 4
    return np.abs(padded[:frames] - features[:frames]).mean() if frames < len(padded) - 3 else np.inf


@pytest.fixture
def waveforms():
    random = np.random.default_rng(0)
    tones = [
        np.sin(2 * np.pi * hz * np.arange(length) / 16000) for hz, length in ((300, 9001), (500, 4000), (900, 7999))
    ]
    return [(0.2 * tone + 0.01 * random.standard_normal(len(tone))).astype(np.float32) for tone in tones]


@pytest.mark.parametrize("changes", [{}, {"preemphasis": 0.9, "loudness": -25.0}, {"center": "sample"}])
def test_a_perfect_vocoder_gives_the_recordings_back_in_their_order(changes, waveforms):
    model = PerfectVocoder(MelSpec.from_preset("speech_16k", **changes), waveforms)
    spoken = quality.copy_synthesis(model, waveforms, batch_size=2, seed=5)
    assert model.batches == [(8000, 2, 5), (9200, 1, 5)]  # of similar length together, whole frames
    for made, waveform in zip(spoken, waveforms, strict=True):
        np.testing.assert_allclose(made, waveform, atol=1e-5)


def test_systems_come_in_order_with_the_recordings_lengths(waveforms, monkeypatch):
    monkeypatch.setattr(quality, "griffin_lim", lambda features, spec, length: np.full(length, features.shape[0]))
    config = quality.QualityConfig(data=Path("x"), batch_size=3)
    other = MelSpec.from_preset("speech_16k", hop_length=400)
    models = {
        "a": PerfectVocoder(SPEC, waveforms),
        "b": PerfectVocoder(other, waveforms),
        "c": PerfectVocoder(other, waveforms),
    }
    made = dict(quality.systems(waveforms, SPEC, models, config))
    assert list(made) == ["recordings", "mu-law", "Griffin-Lim", "a", "Griffin-Lim (b)", "b", "c"]
    assert all([len(w) for w in audio] == [9001, 4000, 7999] for audio in made.values())
    np.testing.assert_array_equal(made["mu-law"][0], mu_law_decode(mu_law_encode(waveforms[0])))
    assert made["Griffin-Lim"][1][0] == 20 and made["Griffin-Lim (b)"][1][0] == 10
    assert list(dict(quality.systems(waveforms, SPEC, {}, config))) == ["recordings", "mu-law", "Griffin-Lim"]


@pytest.fixture
def without_judges(monkeypatch):
    """Judges that need no package."""
    monkeypatch.setattr(quality, "PACKAGES", ())
    monkeypatch.setattr(quality, "make_recognizer", lambda texts: None)
    monkeypatch.setattr(quality, "griffin_lim", lambda features, spec, length: np.zeros(length, np.float32))
    columns = tuple(_scores.JUDGES)
    monkeypatch.setattr(_scores, "judge", lambda reference, audio: dict.fromkeys(columns, float(np.max(audio))))


@pytest.fixture
def corpus(tmp_path, waveforms):
    for name, waveform in zip(("a", "b/c", "d"), waveforms, strict=True):
        path = tmp_path / "corpus" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with WavWriter(path, 16000) as writer:
            writer.write(waveform)
    return tmp_path / "corpus"


def test_writes_audio_and_scores_and_prints_one_object_a_system(without_judges, corpus, tmp_path, monkeypatch, capsys):
    stored = [load_audio(path, 16000) for path in (corpus / "a.wav", corpus / "b/c.wav", corpus / "d.wav")]
    monkeypatch.setattr(quality, "load_model", lambda path, vocoders: PerfectVocoder(SPEC, stored))
    command = ["quality", "--model", "x.keras", "--data", str(corpus), "--out", str(tmp_path / "out"), "--json"]
    monkeypatch.setattr("sys.argv", command)
    quality.main()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["system"] for line in lines] == ["recordings", "mu-law", "Griffin-Lim", "x"]
    assert lines[3] == lines[0] | {"system": "x"}
    assert lines[2]["pesq_wb"] == 0.0
    scores = json.loads((tmp_path / "out/scores.json").read_text())
    assert [row["file"] for row in scores["x"]] == ["a", "b/c", "d"]
    np.testing.assert_array_equal(load_audio(tmp_path / "out/x/b/c.wav", 16000), stored[1])


def test_a_failing_judge_leaves_nothing_half_written(without_judges, corpus, tmp_path, monkeypatch):
    def fail(reference, audio):
        raise ValueError("Expected ears")

    monkeypatch.setattr(_scores, "judge", fail)
    with pytest.raises(ValueError, match="Expected ears"):
        quality.evaluate(quality.QualityConfig(data=corpus, out=tmp_path / "out"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus"]


def test_refuses_a_model_without_mel_spec(without_judges, corpus, monkeypatch):
    class Babbler:
        mel_spec = None

    monkeypatch.setattr(quality, "load_model", lambda path, vocoders: Babbler())
    with pytest.raises(ValueError, match="Expected --model to be a vocoder, made with a mel_spec. Received: x"):
        quality.evaluate(quality.QualityConfig(model=(Path("x"),), data=corpus))


def test_names_a_missing_package_before_any_work(monkeypatch):
    monkeypatch.setattr(quality, "PACKAGES", ("no_such_judge",))
    with pytest.raises(ValueError, match="Expected the package no_such_judge"):
        quality.evaluate(quality.QualityConfig(data=Path("nowhere")))


def test_refuses_what_is_in_the_way_before_any_work(monkeypatch, tmp_path):
    monkeypatch.setattr(quality, "PACKAGES", ("no_such_judge",))
    (tmp_path / "out").mkdir()
    config = quality.QualityConfig(data=Path("nowhere"), out=tmp_path / "out")
    with pytest.raises(ValueError, match="Expected the package no_such_judge"):  # an empty folder is no hindrance
        quality.evaluate(config)
    (tmp_path / "out" / "scores.json").write_text("{}")
    for out in (tmp_path / "out", tmp_path / "out" / "scores.json"):
        with pytest.raises(ValueError, match=f"Expected --out to be a new folder. Already there: {out}$"):
            quality.evaluate(dataclasses.replace(config, out=out))


@pytest.mark.parametrize(
    "flags, message",
    [
        ({}, "Expected --data or --model. Received: neither"),
        ({"model": (Path("a/x"), Path("b/x.keras"))}, "Expected models of different names. Received: x, x"),
        ({"model": (Path("mu-law"),)}, "Expected models of different names. Received: mu-law"),
        ({"data": Path("x"), "minutes": 0}, "Expected minutes to be positive. Received: minutes=0"),
        ({"data": Path("x"), "batch_size": -1}, "Expected batch_size to be positive. Received: batch_size=-1"),
    ],
)
def test_refuses_flags(flags, message):
    with pytest.raises(ValueError, match=message):
        quality.QualityConfig(**flags)


@pytest.mark.large
def test_baselines_of_the_sample_corpus():
    for package in _judges.PACKAGES:
        pytest.importorskip(package, reason=f"{package} is not installed: pip install -e '.[quality]'")
    command = [sys.executable, "-m", "benchmarks.quality", "--data", str(CORPUS), "--minutes", "0.2", "--json"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    recordings, mu_law, griffin_lim = map(json.loads, lines)
    assert recordings["files"] == recordings["pesq_wb_files"] >= 3
    assert recordings["pesq_wb"] > mu_law["pesq_wb"] > griffin_lim["pesq_wb"] > 1.0
    assert recordings["stoi"] > griffin_lim["stoi"] > 0.8
    assert recordings["mcd_db"] == 0.0 < griffin_lim["mcd_db"]
    assert recordings["stft_loss"] < 1e-6 < mu_law["stft_loss"] < griffin_lim["stft_loss"] < 1.5
    assert recordings["word_error"] < 0.2
