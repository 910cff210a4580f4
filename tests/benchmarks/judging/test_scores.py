import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.judging import scores
from tf_wavenet.data import AudioFile


def fake_judge(reference, audio):
    """PESQ is the peak of the audio; STOI cannot judge."""
    rest = {"stft_loss": 1.0, "dnsmos": 3.0, "f0_cents": 4.0, "voicing_error": 0.5}
    return {"pesq_wb": float(np.max(audio)), "stoi": float("nan"), "mcd_db": 2.0, **rest}


class Deaf:
    """Hears one word, whatever is said."""

    def listen(self, audio):
        return ["press"]


CORPUS = [
    (AudioFile(Path("a.wav"), 8000, text="Press one.", name="a"), np.zeros(8000)),
    (AudioFile(Path("b.wav"), 8000, text="[a beep]", name="b"), np.zeros(8000)),
    (AudioFile(Path("c.wav"), 8000, text=None, name="c"), np.zeros(8000)),
    (AudioFile(Path("d.wav"), 8000, text="press", name="d"), np.zeros(8000)),
]
AUDIO = [np.full(8000, level) for level in (0.1, 0.2, 0.3, 2.0)]


@pytest.fixture
def rows(monkeypatch):
    monkeypatch.setattr(scores, "judge", fake_judge)
    return scores.score("fake", CORPUS, AUDIO, 16000, Deaf())


def test_each_file_is_judged_and_its_words_counted(rows):
    assert rows[0] == {
        **{"file": "a", "pesq_wb": pytest.approx(0.1), "stoi": None, "mcd_db": 2.0, "stft_loss": 1.0, "dnsmos": 3.0},
        **{"f0_cents": 4.0, "voicing_error": 0.5, "words": 2, "word_edits": 1},
    }
    assert "words" not in rows[1] and "words" not in rows[2]
    assert rows[3]["pesq_wb"] == 1.0  # clipped, as a loudspeaker would


def test_other_rates_are_judged_at_16_khz(monkeypatch):
    lengths = []
    monkeypatch.setattr(scores, "judge", lambda reference, audio: lengths.append((len(reference), len(audio))) or {})
    scores.score("fake", CORPUS[:1], AUDIO[:1], 8000, None)
    assert lengths == [(16000, 16000)]


def test_words_weigh_alike_and_files_weigh_alike(rows):
    summary = scores.summarise("fake", CORPUS, rows, 16000)
    assert summary == {
        **{"system": "fake", "files": 4, "seconds": 2.0},
        **{"pesq_wb": pytest.approx(0.4), "pesq_wb_files": 4, "stoi": None, "stoi_files": 0},
        **{"mcd_db": 2.0, "mcd_db_files": 4, "stft_loss": 1.0, "stft_loss_files": 4, "dnsmos": 3.0, "dnsmos_files": 4},
        **{"f0_cents": 4.0, "f0_cents_files": 4, "voicing_error": 0.5, "voicing_error_files": 4},
        **{"word_error": pytest.approx(1 / 3), "words": 3},
    }
    json.dumps(summary, allow_nan=False)


def test_table(rows):
    lines = scores.table([scores.summarise("fake", CORPUS, rows, 16000)]).splitlines()
    assert lines[0].split() == "PESQ-WB STOI MCD dB STFT loss DNSMOS F0 cents voicing word error".split()
    assert lines[1].split() == ["fake", "0.400", "-", "2.000", "1.000", "3.000", "4.000", "0.500", "0.333"]
    judged = "PESQ-WB 4, STOI 0, MCD dB 4, STFT loss 4, DNSMOS 4, F0 cents 4, voicing 4"
    assert lines[2] == f"4 files, 2.0 s, 3 words; files judged: {judged}"
