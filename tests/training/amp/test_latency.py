"""Plain and hostile effects behind a known latency, in recordings of plucked strings."""

import numpy as np
import pytest
from scipy.signal import butter, fftconvolve, lfilter

from training.amp.latency import measure_latency
from training.amp.pair import AmpPair

RATE = 16000


def plucked(rng, seconds=6.0):
    """Strings after Karplus and Strong behind a pickup, over its hiss."""
    waveform, at = np.zeros(int(seconds * RATE)), RATE // 5
    while at < len(waveform) - RATE // 2:
        period = round(RATE / rng.choice([82.4, 110.0, 123.5, 146.8, 196.0, 246.9, 329.6]))
        length = int(RATE * rng.uniform(0.3, 0.5))
        burst = np.r_[rng.uniform(-1, 1, period), np.zeros(length)][:length]
        string = lfilter([0.5, 0.5], [1.0, *np.zeros(period - 1), -0.498, -0.498], burst)
        waveform[at : at + length] += rng.uniform(0.2, 0.8) * string
        at += int(RATE * rng.uniform(0.25, 0.7))
    waveform = filtered(waveform, 5000)
    return 0.5 * waveform / np.abs(waveform).max() + 1e-4 * rng.normal(size=len(waveform))


def filtered(x, edge, kind="low"):
    return lfilter(*butter(1, edge, kind, fs=RATE), x)


def amplifier(x, rng, gain=20.0):
    return -0.6 * filtered(np.tanh(gain * x), [100, 4500], "band")


def octave_fuzz(x, rng):
    return filtered(filtered(np.tanh(8 * np.abs(x)), 40, "high"), [80, 4500], "band")


def room(x, rng):
    """Reflections from 4 ms on, which have together ten times the energy of the sound itself."""
    time = np.arange(int(0.4 * RATE)) / RATE
    response = rng.normal(size=len(time)) * np.exp(-time / 0.08) * (time > 0.004)
    response *= np.sqrt(10 / np.sum(response**2))
    response[0] = 1.0
    return 0.3 * fftconvolve(amplifier(x, rng), response)[: len(x)]


def echoes(x, rng):
    y, length = amplifier(x, rng), round(0.23 * RATE)
    return 0.4 * sum(0.9**k * shifted(y, k * length) for k in range(4))


def tremolo(x, rng):
    return amplifier(x, rng) * (1 + 0.8 * np.sin(2 * np.pi * 5 * np.arange(len(x)) / RATE))


def clean(x, rng):
    return amplifier(x, rng, gain=0.5)


def shifted(x, samples):
    return np.r_[np.zeros(samples), x][: len(x)] if samples >= 0 else np.r_[x[-samples:], np.zeros(-samples)]


def pair(x, y):
    return AmpPair(x.astype("float32"), y.astype("float32"), RATE)


@pytest.mark.parametrize("latency", [73, 2900, -20, -1700])
@pytest.mark.parametrize("effect", [amplifier, clean, octave_fuzz, room, echoes, tremolo])
def test_finds_the_latency_of_any_effect(rng, effect, latency):
    x = plucked(rng)
    found = measure_latency(pair(x, shifted(effect(x, rng), latency)))
    assert abs(found.samples - latency) <= 2 and found.confidence >= 0.8
    found.check()


def test_is_exact_where_the_effect_has_no_phase_of_its_own(rng):
    x = plucked(rng)
    for latency in (0, 1, 37):
        found = measure_latency(pair(x, shifted(np.tanh(5 * x), latency)))
        assert (found.samples, found.parts, found.confidence) == (latency, (latency,) * 5, 1.0)


def another_performance(x, rng):
    return amplifier(plucked(rng), rng)


def noise(x, rng):
    return 0.1 * rng.normal(size=len(x))


def a_jump(x, rng):
    """As where a recording lost a buffer."""
    y = amplifier(x, rng)
    return np.r_[y[: len(y) // 2], shifted(y, 64)[len(y) // 2 :]]


def another_clock(x, rng):
    time = np.arange(len(x))
    return np.interp(time * (1 - 4e-4), time, amplifier(x, rng))


def too_late(x, rng):
    return shifted(amplifier(x, rng), RATE // 3)


@pytest.mark.parametrize("effect", [another_performance, noise, a_jump, another_clock, too_late])
def test_is_not_sure_where_the_parts_disagree(rng, effect):
    x = plucked(rng)
    found = measure_latency(pair(x, effect(x, rng)))
    assert found.confidence < 0.7 and len(found.parts) == 5
    with pytest.raises(ValueError, match=r"at one latency.* give --latency.* samples in 5 parts \(confidence"):
        found.check()


def test_asks_for_a_second_of_playing(rng):
    x = plucked(rng)
    x[int(0.5 * RATE) :] = 0.0
    with pytest.raises(ValueError, match="Expected 1 s of playing to measure the latency, or --latency. Received: "):
        measure_latency(pair(x, x))
    with pytest.raises(ValueError, match="Expected 1 s of playing"):
        measure_latency(pair(x[:9], x[:9]))
