"""Pitch: known differences are found."""

import numpy as np
import pytest

pytest.importorskip("pyworld", reason="needs pyworld", exc_type=ImportError)

from benchmarks.judging.pitch import pitch_errors  # noqa: E402


def buzz(hertz):
    """A pulse train of one second with harmonics like a voice's."""
    phase = 2 * np.pi * hertz * np.arange(16000) / 16000
    return sum(0.3 / k * np.sin(k * phase) for k in range(1, 20))


def test_a_higher_pitch_is_so_many_cents_away():
    cents, voicing = pitch_errors(buzz(120.0), buzz(120.0 * 2 ** (1 / 12)))
    assert cents == pytest.approx(100.0, abs=3.0)
    assert voicing < 0.05
    assert pitch_errors(buzz(120.0), buzz(120.0)) == (0.0, 0.0)


def test_what_is_voiced_in_one_alone_is_counted():
    half = buzz(150.0)
    half[8000:] = 0.0
    cents, voicing = pitch_errors(buzz(150.0), half)
    assert cents == pytest.approx(0.0, abs=10.0)
    assert voicing == pytest.approx(0.5, abs=0.05)
    cents, voicing = pitch_errors(buzz(150.0), np.zeros(16000))
    assert np.isnan(cents) and voicing > 0.9
