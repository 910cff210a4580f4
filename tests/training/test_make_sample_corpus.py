"""The script that made the sample corpus, run on a few of its sentences."""

import shutil

import numpy as np
import pytest
import soundfile

from tf_wavenet.data import AudioError
from training import make_sample_corpus


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="needs the program espeak-ng")
def test_the_script_makes_the_corpus(monkeypatch, tmp_path):
    sentences = {speaker: lines[:1] for speaker, lines in make_sample_corpus.SENTENCES.items()}
    monkeypatch.setattr(make_sample_corpus, "SENTENCES", sentences)
    monkeypatch.setattr("sys.argv", ["make_sample_corpus", "--out", str(tmp_path)])
    make_sample_corpus.main()
    rows = [line.split("|") for line in (tmp_path / "metadata.csv").read_text().splitlines()]
    assert rows == [[f"{speaker}/01", lines[0], lines[0]] for speaker, lines in sentences.items()]
    for speaker in sentences:
        waveform, rate = soundfile.read(tmp_path / "wavs" / speaker / "01.flac")
        assert rate == 16000
        assert abs(20 * np.log10(np.abs(waveform).max()) + 3.0) < 0.01
        assert 2 < len(waveform) / rate < 6


def test_espeak_ng_missing(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(AudioError, match="espeak-ng: expected the program to be installed"):
        make_sample_corpus.speak("Hello.", "en-us")
