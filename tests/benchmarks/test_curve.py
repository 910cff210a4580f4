"""Points over training time, with scores that are made up."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.image import imread

pytest.importorskip("librosa", reason="librosa is not installed: pip install -e '.[quality]'")

from benchmarks import curve  # noqa: E402
from benchmarks.judging import points as _points  # noqa: E402
from benchmarks.judging import scores as _scores  # noqa: E402
from training.corpora.read_corpus import read_corpus  # noqa: E402
from training.runs import history  # noqa: E402
from training.runs.config import WaveNetConfig  # noqa: E402
from training.runs.run_folder import RunFolder  # noqa: E402

BASELINES = [
    {"system": "recordings", "pesq_wb": 4.64, "stoi": 1.0, "dnsmos": 3.11, "files": 3},
    {"system": "mu-law", "pesq_wb": 4.0, "stoi": 0.99, "dnsmos": 3.0, "files": 3},
    {"system": "Griffin-Lim", "pesq_wb": 3.5, "stoi": 0.98, "dnsmos": 2.77, "files": 3},
]


def point(step, temperature=None, pesq=2.0):
    times = {"step": step, "minutes": step / 10, "cpu_minutes": step / 5, "samples": step * 800}
    return {**times, "temperature": temperature, "pesq_wb": pesq, "stoi": 0.9, "dnsmos": 2.9, "files": 3}


def test_points_are_kept_in_order_and_replaced(tmp_path):
    path = tmp_path / "new" / "curve.json"
    about = {"run": "runs/a", "commit": "1"}
    for one in (point(20, 0.7), point(10, 0.7), point(10, 0.5), point(20, 0.7, pesq=2.5)):
        _points.add(path, one, about)
    made = _points.add(path, point(30, 0.7), about | {"commit": "2"})
    assert made == _points.load(path)
    assert made["points"] == [point(10, 0.5), point(10, 0.7), point(20, 0.7, pesq=2.5), point(30, 0.7)]
    assert (made["run"], made["commit"]) == ("runs/a", "2")
    with pytest.raises(ValueError, match="of the run runs/b. Received: .*curve.json, of runs/a"):
        _points.add(path, point(40), {"run": "runs/b"})
    assert _points.load(path) == made


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"points": 3}'])
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ValueError, match="Expected the points of a curve"):
        _points.load(tmp_path / "x.json")
    with pytest.raises(ValueError, match="Expected --baseline to be what benchmarks.quality"):
        _points.load_baselines(tmp_path / "x.json")


def test_each_panel_has_a_line_a_temperature_and_the_baselines(tmp_path):
    (tmp_path / "quality.json").write_text("\n".join(map(json.dumps, BASELINES)))
    baselines = _points.load_baselines(tmp_path / "quality.json")
    assert list(baselines) == ["recordings", "Griffin-Lim"]
    wavenet = {"points": [point(10, 0.7), point(20, 0.7, pesq=2.4), point(20, 1.0)], "baselines": baselines}
    figure = _points.draw({"lpc": wavenet, "istft": {"points": [point(5), point(9, pesq=None)]}})
    pesq, stoi, dnsmos = ({line.get_label(): line.get_xydata() for line in axes.lines} for axes in figure.axes)
    np.testing.assert_allclose(pesq["lpc, temperature 0.7"], [[2, 2.0], [4, 2.4]])
    np.testing.assert_allclose(pesq["istft"], [[1, 2.0]])
    assert pesq.keys() == stoi.keys() == {"lpc, temperature 0.7", "lpc, temperature 1", "istft", "Griffin-Lim"}
    assert dnsmos.keys() == {*pesq, "recordings"}
    assert (dnsmos["recordings"][0, 1], dnsmos["Griffin-Lim"][0, 1]) == (3.11, 2.77)


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """A run folder whose model repeats what it hears at half the level; PESQ is the peak."""
    rng = np.random.default_rng(0)
    soundfile = pytest.importorskip("soundfile")
    for number in range(4):
        soundfile.write(tmp_path / f"{number}.wav", 0.2 * rng.uniform(-1, 1, 4000), 16000)
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    config = WaveNetConfig(data=tmp_path, run=folder.path)
    config.save(folder.config)
    for part, path in zip(read_corpus(tmp_path, 16000).split(0.5, 0), (folder.train, folder.validation), strict=True):
        part.save(path)
    folder.last.touch()
    (folder.path / "last.json").write_text('{"step": 20}')
    for step in (10, 20, 30):
        history.append(
            folder.progress, {name: point(step)[name] for name in ("step", "minutes", "cpu_minutes", "samples")}
        )
    model = SimpleNamespace(mel_spec=SimpleNamespace(sample_rate=16000))
    monkeypatch.setattr(curve, "load_model", lambda path, vocoders: model)
    monkeypatch.setattr(curve, "require", lambda package: None)
    monkeypatch.setattr(curve, "copy_synthesis", lambda model, audio, *_, temperature: [w * temperature for w in audio])
    judged = {"stoi": 0.5, "mcd_db": 1.0, "stft_loss": 1.0, "dnsmos": 3.0, "f0_cents": 4.0, "voicing_error": 0.1}
    monkeypatch.setattr(_scores, "judge", lambda ours, theirs: {"pesq_wb": float(np.abs(theirs).max()), **judged})
    return folder


@pytest.mark.large
def test_the_newest_model_is_scored_on_the_held_out_files(finished, monkeypatch, capsys):
    out = finished.path / "curve.json"
    flags = ["--run", str(finished.path), "--out", str(out), "--temperature", "0.5"]
    monkeypatch.setattr(sys, "argv", ["curve", *flags])
    curve.main()
    (made,) = _points.load(out)["points"]
    assert made == json.loads(capsys.readouterr().out)
    expected = {**point(20, 0.5), "stoi": 0.5, "dnsmos": 3.0, "files": 2, "pesq_wb": pytest.approx(0.1, abs=2e-3)}
    assert {name: made[name] for name in expected} == expected
    about = _points.load(out)
    assert about["config"]["batch_size"] == 4 and {"tensorflow", "keras"} == about["versions"].keys()
    assert imread(out.with_suffix(".png")).shape[:2] == (550, 1500)
    picture = finished.path / "both.png"
    monkeypatch.setattr(sys, "argv", ["curve", "--draw", str(out), str(out), "--picture", str(picture)])
    curve.main()
    assert picture.exists()


def test_what_cannot_be_scored_is_refused(finished):
    (finished.path / "last.json").write_text('{"step": 25}')
    with pytest.raises(ValueError, match="Expected --run to be a run with last.keras, last.json and progress.jsonl"):
        curve.newest(finished)
    for options, named in (({}, "neither"), ({"run": finished.path, "draw": (finished.path,)}, "both")):
        with pytest.raises(ValueError, match=f"Expected --run or --draw. Received: {named}"):
            curve.CurveConfig(**options)
    with pytest.raises(ValueError, match="Expected --draw and --picture together"):
        curve.CurveConfig(run=finished.path, picture=finished.path / "x.png")
