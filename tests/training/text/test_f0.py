"""The pitch of tones whose pitch is known."""

import sys

import numpy as np
import pytest

from training.text.f0 import measure_f0
from training.text.linguistic_spec import LinguisticSpec

pytest.importorskip("pyworld", reason="needs pyworld", exc_type=ImportError)
SPEC = LinguisticSpec(("a",))


def glide(seconds, rate=16000):
    """Returns ten harmonics of a pitch that rises from 100 Hz, three times as high every half second, and the pitch."""
    time = np.arange(round(seconds * rate)) / rate
    growth = np.log(3.0) / 0.5
    phase = 100.0 * np.expm1(growth * time) / growth
    tone = sum(np.cos(2 * np.pi * k * phase) / k for k in range(1, 11))
    return 0.1 * tone, lambda t: 100.0 * np.exp(growth * t)


@pytest.mark.parametrize(("rate", "hop"), [(16000, 80), (16000, 200), (22050, 110)])
def test_a_glide_is_measured_at_the_middle_of_each_frame(rate, hop):
    spec = LinguisticSpec(("a",), rate, hop)
    waveform, pitch = glide(0.5, rate)
    measured = measure_f0(waveform, spec)
    assert len(measured) == -(-len(waveform) // hop)
    frames = np.arange(len(measured))[20 * 80 // hop : -20 * 80 // hop]
    error = np.log(measured[frames] / pitch((frames + 0.5) * hop / rate))
    a_frame = np.log(3.0) / 0.5 * hop / rate  # by as much as the pitch rises from frame to frame
    assert abs(np.median(error)) < 0.2 * a_frame
    assert np.abs(error).max() < 0.05


def test_silence_and_noise_have_no_pitch(rng):
    assert not measure_f0(np.zeros(8000), SPEC).any()
    waveform = np.concatenate([glide(0.3)[0], rng.normal(0, 0.05, 8000)])
    measured = measure_f0(waveform, SPEC)
    assert np.mean(measured[10:50] > 0) > 0.9
    assert np.mean(measured[70:] > 0) < 0.4


@pytest.mark.parametrize("samples", [1, 39, 40, 79, 80, 81, 160, 500])
def test_a_short_waveform_has_all_its_frames(samples):
    measured = measure_f0(np.full(samples, 0.1), SPEC)
    assert measured.shape == (SPEC.num_frames(samples),)
    assert np.all(np.isfinite(measured))


@pytest.mark.parametrize("waveform", [np.zeros(0), np.zeros((2, 100)), [0.0, np.nan]])
def test_what_is_no_waveform_is_refused(waveform):
    with pytest.raises(ValueError, match="Expected a waveform .time. of finite samples. Received: shape"):
        measure_f0(waveform, SPEC)


def test_pyworld_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyworld", None)
    with pytest.raises(ValueError, match="Expected the package pyworld to be installed: pip install pyworld"):
        measure_f0(np.zeros(100), SPEC)
