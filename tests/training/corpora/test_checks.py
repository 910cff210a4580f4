"""Verdicts on made-up measures: order, thresholds, and corpora that have nothing to measure."""

import dataclasses
import json

import numpy as np

from training.corpora.checks import check_corpus
from training.corpora.measures import FileMeasures
from training.corpora.mel_statistics import MelStatistics

GOOD = FileMeasures(
    name="good",
    sample_rate=16000,
    num_samples=32000,
    clipped=0.0,
    dc=0.0,
    loud=-15.0,
    noise=-70.0,
    level=-20.0,
    silence=0.2,
    leading=0.1,
    trailing=0.1,
    band_limit=None,
    digest="good",
)


def check(*measures, rejected=(), floors=None):
    mel = MelStatistics(floor=-11.5, num_mels=2)
    mel.add(np.full((10, 2), -5.0))
    measures = [dataclasses.replace(m, digest=m.digest if m.digest != "good" else m.name) for m in measures]
    checks = check_corpus(measures, rejected, floors or [0.0] * len(measures), mel, 16000, 3000)
    json.loads(json.dumps([dataclasses.asdict(c) for c in checks], allow_nan=False))
    return {c.name: c for c in checks}


def made(name, **changes):
    return dataclasses.replace(GOOD, name=name, **changes)


def concerned(*measures, **kwargs):
    return {name: c.files for name, c in check(GOOD, *measures, **kwargs).items() if c.verdict == "warn"}


def test_nothing_is_found_in_a_good_corpus():
    assert concerned(made("b", dc=-0.001, clipped=5e-5, level=-28.0, band_limit=7250.0)) == {}


def test_the_worst_file_comes_first():
    assert concerned(made("a", dc=0.01), made("b", dc=-0.02)) == {"DC offset": ("b", "a")}
    assert concerned(made("a", clipped=0.001), made("b", clipped=0.1)) == {"clipping": ("b", "a")}
    assert concerned(made("a", band_limit=4000.0), made("b", band_limit=3400.0)) == {"band limit": ("b", "a")}
    assert concerned(made("a", level=-35.0), made("b", level=-5.0), made("c")) == {"level": ("a", "b")}
    assert concerned(made("a", num_samples=2999), made("b", num_samples=900)) == {"length": ("b", "a")}
    assert concerned(made("a", noise=-40.0), made("b", noise=-30.0)) == {"noise floor": ("b", "a")}
    assert concerned(made("a", silence=0.6), made("b", trailing=0.7)) == {"silence": ("b", "a")}
    assert concerned(made("a"), made("b"), floors=[0.0, 0.6, 0.7]) == {"log-mels": ("b", "a")}


def test_rates_and_bands():
    assert concerned(made("a", sample_rate=32000, num_samples=64000)) == {"sample rates": ("a",)}
    found = concerned(made("a", sample_rate=8000, num_samples=16000))  # also upsampled, by us
    assert found == {"sample rates": ("a",), "band limit": ("a",)}
    assert concerned(made("a", sample_rate=16000, band_limit=7000.0)) == {}
    assert check(GOOD, made("b", sample_rate=8000))["sample rates"].figures == {
        "files_by_rate": {"8000": 1, "16000": 1}
    }


def test_copies_are_named_with_their_original():
    found = check(made("a", digest="x"), made("b", digest="x"), made("c", digest="y"), made("d", digest="x"))
    assert found["duplicates"].files == ("b (= a)", "d (= a)")
    assert found["duplicates"].figures["groups"] == [["a", "b", "d"]]


def test_rejected_files_are_a_finding():
    assert concerned(rejected=[("x.wav", "broken")]) == {"unreadable": ("x.wav",)}


def test_silent_and_tiny_files_have_no_level_and_no_noise():
    silent = made("a", level=None, loud=-90.0, noise=-95.0, silence=1.0, leading=2.0, trailing=2.0)
    found = check(silent)
    assert found["level"].measured == "no sound"
    assert [name for name, c in found.items() if c.files] == ["silence"]
    assert concerned(made("b", num_samples=7000, noise=-20.0)) == {}
