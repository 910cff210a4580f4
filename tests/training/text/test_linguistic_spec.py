"""The recipe of linguistic features: what it counts, how it is stored, what it refuses."""

import dataclasses

import pytest

from training.text.linguistic_spec import LinguisticSpec

SPEC = LinguisticSpec(("_", "a", "\u0259"), 8000, 100, 50.0, 500.0)


def test_frames_and_channels():
    assert [SPEC.num_frames(samples) for samples in (0, 1, 100, 101, 250)] == [0, 1, 1, 2, 3]
    assert SPEC.num_channels == len(SPEC.channel_names) == 13
    assert SPEC.channel_names[:4] == ("phone _", "phone a", "phone \u0259", "previous _")
    assert SPEC.channel_names[8:] == ("next \u0259", "position", "log duration", "voiced", "log F0")
    spec = LinguisticSpec(["a"])
    assert spec.hop_length / spec.sample_rate == 0.005


def test_what_is_saved_is_loaded(tmp_path):
    SPEC.save(tmp_path / "spec.json")
    loaded = LinguisticSpec.load(tmp_path / "spec.json")
    assert loaded == SPEC
    assert hash(loaded) == hash(SPEC)
    assert LinguisticSpec.from_config(SPEC.get_config()) == SPEC


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"phones": ()}, "phones to be symbols, at least one. Received: phones="),
        ({"phones": "abc"}, "phones to be symbols, at least one. Received: phones='abc'"),
        ({"phones": ("a", "")}, "phones to be symbols"),
        ({"phones": ("b", "a")}, "phones to be sorted, each once. Received: phones="),
        ({"phones": ("a", "a")}, "phones to be sorted, each once"),
        ({"sample_rate": 999}, "sample_rate to be 1000 to 384000 Hz. Received: sample_rate=999"),
        ({"sample_rate": 16000.5}, "sample_rate to be"),
        ({"hop_length": 0}, "hop_length to be 1 to 8000 samples. Received: hop_length=0"),
        ({"hop_length": True}, "hop_length to be 1 to 8000 samples. Received: hop_length=True"),
        ({"f0_floor": 30}, "f0_floor to be 40 to 1000 Hz. Received: f0_floor=30"),
        ({"f0_floor": float("nan")}, "f0_floor to be 40 to 1000 Hz. Received: f0_floor=nan"),
        ({"f0_ceil": 90.0}, "f0_ceil to be 100 to 2000 Hz. Received: f0_ceil=90.0"),
        ({"f0_ceil": "high"}, "f0_ceil to be 100 to 2000 Hz. Received: f0_ceil='high'"),
    ],
)
def test_a_field_out_of_range_is_refused(change, message):
    with pytest.raises(ValueError, match=f"^Expected {message}"):
        dataclasses.replace(SPEC, **change)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Expecting property name"),
        ("[]", "Expected the fields of a LinguisticSpec .phones, .*. Received: list"),
        ('{"phones": ["a"]}', "Expected the fields of a LinguisticSpec .*. Received: phones"),
    ],
)
def test_a_file_that_is_no_spec_is_refused(tmp_path, text, message):
    (tmp_path / "spec.json").write_text(text)
    with pytest.raises(ValueError, match=f"spec.json: expected a spec of linguistic features. {message}"):
        LinguisticSpec.load(tmp_path / "spec.json")
