"""Sentences that a voice says are recognised, or not, and judged."""

import json

import pytest

from benchmarks import text as benchmark
from tests.support.streaming_contract import randomise
from tf_wavenet import MelSpec
from tf_wavenet.models import AcousticModel
from training.cli.command_line import run
from training.text.phonemes import PUNCTUATION, STRESS, WORD, find_espeak, phonemize

for package in ("pocketsphinx", "speechmos", "onnxruntime", "librosa"):
    pytest.importorskip(package, reason=f"needs {package}")
try:
    find_espeak()
except ValueError as error:
    pytest.skip(str(error), allow_module_level=True)


def test_texts_are_twenty_of_the_sample_corpus():
    assert len(set(benchmark.TEXTS)) == len(benchmark.TEXTS) >= benchmark.COUNT == 20


@pytest.mark.large
def test_a_voice_stands_beside_espeak(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(benchmark, "COUNT", 2)
    symbols = sorted({WORD, *STRESS, *PUNCTUATION}.union(*phonemize(benchmark.TEXTS[:2], "en-us")))
    spec = MelSpec.from_preset("speech_16k").standardized()
    model = AcousticModel(symbols, spec, channels=8, symbol_blocks=1, prosody_blocks=1, frame_blocks=1)
    randomise(model)
    model.save(tmp_path / "ours.keras")
    command = ["text", "--model", tmp_path / "ours.keras", "--out", tmp_path / "out", "--json"]
    monkeypatch.setattr("sys.argv", list(map(str, command)))
    run(benchmark.main)
    espeak, ours = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (espeak["voice"], ours["voice"]) == ("espeak-ng", "ours")
    assert espeak["words"] == ours["words"] > 10
    assert espeak["word_error"] < 0.3 < ours["word_error"]
    assert espeak["dnsmos"] > 2.0 > ours["dnsmos"] > 0.9
    assert len(list((tmp_path / "out").glob("*.wav"))) == 4


def test_a_model_of_another_kind_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["text", "--model", "saved_models/istft_vocoder_16k.keras"])
    with pytest.raises(SystemExit):
        run(benchmark.main)
    assert "to be of the class AcousticModel. Received: ISTFTVocoder" in capsys.readouterr().err
