"""Evaluation against figures computed by hand from the whole files."""

import dataclasses
import json

import numpy as np
import pytest

from tf_wavenet import Gaussian, MixtureOfLogistics, WaveNet, mu_law_encode
from tf_wavenet.data import AudioError, Manifest, load_audio
from training import evaluate as script
from training.evaluate import EvaluateConfig, evaluate
from training.runs.run_folder import load_model
from training.scoring.baselines import LinearPredictor, count_levels, entropy_bits, unigram_bits
from training.scoring.scores import Score


@pytest.mark.large
def test_scores_of_the_held_out_files(trained):
    scores, total = evaluate(EvaluateConfig(model=trained.path))
    model = load_model(trained.best)
    training = [file.load(8000) for file in Manifest.load(trained.train).files]
    held_out = Manifest.load(trained.validation).files
    counts = np.bincount(np.asarray(mu_law_encode(np.concatenate(training))), minlength=256)
    predictor = LinearPredictor.fit(training)
    assert [score.name for score in scores] == [file.name for file in held_out]
    for score, file in zip(scores, held_out, strict=True):
        waveform = file.load(8000)
        assert score.samples == len(waveform)
        assert score.model == pytest.approx(-np.mean(model.log_prob(waveform[None])) / np.log(2), abs=1e-4)
        assert score.entropy == pytest.approx(entropy_bits(count_levels(waveform)))
        assert score.unigram == pytest.approx(unigram_bits(counts, count_levels(waveform)))
        assert score.linear == pytest.approx(predictor.bits(waveform) / len(waveform), abs=0.01)
        assert (score.uniform, score.unit) == (8, "256 mu-law levels")
        assert score.seconds == len(waveform) / 8000
    every = np.concatenate([file.load(8000) for file in held_out])
    assert total.samples == len(every)
    assert total.model == pytest.approx(trained.best_score()[1], abs=1e-4)
    assert total.entropy == pytest.approx(entropy_bits(count_levels(every)))
    assert total.unigram == pytest.approx(unigram_bits(counts, count_levels(every)))


@pytest.mark.large
def test_windows_give_every_sample_its_full_context(trained, monkeypatch):
    whole = evaluate(EvaluateConfig(model=trained.path))[1]
    monkeypatch.setattr(script, "WINDOW_SAMPLES", 100)
    assert evaluate(EvaluateConfig(model=trained.path))[1].model == pytest.approx(whole.model, abs=1e-5)


@pytest.mark.large
def test_a_model_without_its_run(trained, corpus, tmp_path):
    moved = tmp_path / "model.keras"
    moved.write_bytes(trained.best.read_bytes())
    scores, total = evaluate(EvaluateConfig(model=moved, data=corpus, sample_rate=8000))
    assert len(scores) == 7
    assert total.samples == sum(1500 + 400 * number for number in range(7))
    with pytest.raises(ValueError, match="Expected --data"):
        evaluate(EvaluateConfig(model=moved, sample_rate=8000))
    with pytest.raises(AudioError):
        evaluate(EvaluateConfig(model=moved, data=tmp_path, sample_rate=8000))


@pytest.mark.large
def test_files_that_were_trained_on_are_counted(trained, corpus, capsys):
    evaluate(EvaluateConfig(model=trained.path))
    assert "note" not in capsys.readouterr().err
    evaluate(EvaluateConfig(model=trained.path, data=corpus))
    assert "note: 5 of these 7 files were trained on" in capsys.readouterr().err


@pytest.mark.large
def test_output(trained, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["evaluate", "--model", str(trained.path), "--json"])
    script.main()
    line = json.loads(capsys.readouterr().out)
    monkeypatch.setattr("sys.argv", ["evaluate", "--model", str(trained.path)])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[0].split()[:7] == ["file", "seconds", "model", "linear", "unigram", "entropy", "uniform"]
    assert lines[-1].split()[0] == "all"
    assert float(lines[-1].split()[2]) == pytest.approx(line["total"]["model"], abs=1e-3)
    assert line["total"].keys() == {field.name for field in dataclasses.fields(Score)}
    assert len(line["files"]) == 2


@pytest.mark.large
@pytest.mark.parametrize(
    ("distribution", "unit"),
    [
        (MixtureOfLogistics(num_mixtures=2), "65,536 levels"),
        (Gaussian(), "a density of the amplitude (differential)"),
    ],
)
def test_bits_of_another_unit_stand_alone(corpus, tmp_path, distribution, unit, capsys, monkeypatch):
    model = WaveNet(dilations=(1, 2), residual_channels=4, skip_channels=8, distribution=distribution)
    model.save(tmp_path / "model.keras")
    scores, total = evaluate(EvaluateConfig(model=tmp_path / "model.keras", data=corpus, sample_rate=8000))
    waveforms = [load_audio(corpus / f"{number}.wav", 8000) for number in range(7)]
    bits = [-np.asarray(model.log_prob(waveform[None]))[0] / np.log(2) for waveform in waveforms]
    assert [score.model for score in scores] == pytest.approx([part.mean() for part in bits], abs=1e-3)
    assert total.model == pytest.approx(np.concatenate(bits).mean(), abs=1e-3)
    for score in (*scores, total):
        assert (score.unit, score.linear, score.unigram, score.entropy, score.uniform) == (unit, *[None] * 4)
    flags = ["evaluate", "--model", str(tmp_path / "model.keras"), "--data", str(corpus), "--sample-rate", "8000"]
    monkeypatch.setattr("sys.argv", flags)
    script.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert all(line.split()[3:] == ["-"] * 4 for line in lines[1:9])
    assert lines[-1] == f"The model's bits are of {unit}, not of 256 mu-law levels as those of the other codes."
