import numpy as np
import pytest
import scipy.linalg
from scipy import signal

from tests.support.arrays import assert_allclose, numpy_of
from tf_wavenet import MelSpec
from tf_wavenet.signal import levinson, linear_prediction, log_mel, mel_to_magnitude, voicing

SPEC = MelSpec.from_preset("speech_16k", preemphasis=0.85).standardized()


@pytest.mark.parametrize("order", [1, 2, 16])
def test_levinson_solves_the_normal_equations(order, rng):
    waveforms = np.cumsum(rng.normal(size=(6, 400)), axis=1) * signal.windows.hann(400)
    r = np.stack([np.correlate(x, x, "full")[399 : 400 + order] for x in waveforms])
    r[:, 0] *= 1.001
    expected = np.stack([scipy.linalg.solve_toeplitz(row[:-1], row[1:]) for row in r])
    actual = numpy_of(levinson(r.reshape(2, 3, -1).astype("float32")))
    assert_allclose(actual, expected.reshape(2, 3, order), atol=1e-3)


@pytest.mark.parametrize("level", [0.0, -6.0])  # the second is as quiet as the least power that is added
def test_equals_scipy_from_the_mels_on(rng, level):
    mels = rng.normal(level, 1.0, (2, 7, 80)).astype("float32")
    power = numpy_of(mel_to_magnitude(mels, SPEC), "float64") ** 2
    angles = np.linspace(0.0, np.pi, 513)
    power *= np.abs(1 - 0.85 * np.exp(-1j * angles)) ** 2
    r = np.fft.irfft(power)[..., :17]
    r *= np.exp(-0.5 * (2 * np.pi * 40.0 / 16000 * np.arange(17)) ** 2)
    r[..., 0] += 1e-4 * r[..., 0] + 1e-7
    actual = numpy_of(linear_prediction(mels, SPEC), "float64").reshape(-1, 16)
    for a, row in zip(actual, r.reshape(-1, 17), strict=True):
        # Where a frame is nearly predictable, coefficients feel float32's rounding, and what they predict does not.
        assert_allclose(scipy.linalg.toeplitz(row[:-1]) @ a / row[0], row[1:] / row[0], atol=1e-5)
        expected = scipy.linalg.solve_toeplitz(row[:-1], row[1:])
        assert_allclose(a, expected, atol=1e-2 * np.abs(expected).max())


def test_reflections_stay_inside_the_unit_circle():
    r = np.array([[1.0, 2.0], [1.0, -2.0], [1.0, 0.9999]], "float32")
    assert_allclose(levinson(r)[:, 0], [0.9999, -0.9999, 0.9999], rtol=1e-6)


@pytest.mark.parametrize("kind", ["noise", "silence", "loudest", "one mel", "extremes"])
def test_synthesis_is_stable(kind, rng):
    floor, most = SPEC.bounds
    logs = {
        "noise": rng.uniform(floor, most, (50, 80)),
        "silence": np.full((3, 80), floor),
        "loudest": np.full((3, 80), most),
        "one mel": np.where(np.eye(80) > 0, most, floor),
        "extremes": np.where(rng.random((50, 80)) < 0.5, floor, most),
    }[kind]
    a = numpy_of(linear_prediction(((logs + 5.0) / 2.0).astype("float32"), SPEC), "float64")
    radius = [np.abs(np.roots(np.concatenate([[1.0], -row]))).max() for row in a]
    assert np.isfinite(a).all() and max(radius) < 1.0


def test_predicts_the_recording_that_the_mels_are_of(rng):
    resonance = signal.lfilter(
        [1.0], np.poly(0.97 * np.exp(1j * np.array([0.2, -0.2, 0.9, -0.9]))).real, rng.normal(size=8000)
    )
    waveform = (0.1 * resonance / np.abs(resonance).max()).astype("float32")
    emphasised = np.append(waveform[:1], waveform[1:] - np.float32(0.85) * waveform[:-1])
    a = np.repeat(numpy_of(linear_prediction(log_mel(waveform, SPEC), SPEC)), 200, axis=0)
    past = np.stack([np.pad(emphasised, (k, 0))[: len(emphasised)] for k in range(1, 17)], axis=-1)
    residual = emphasised - np.sum(a * past, axis=-1)
    gain = 10 * np.log10(np.mean(emphasised[400:-400] ** 2) / np.mean(residual[400:-400] ** 2))
    assert gain > 8.0


def test_order_0_predicts_nothing():
    assert tuple(linear_prediction(np.zeros((2, 3, 80), "float32"), SPEC, order=0).shape) == (2, 3, 0)


def test_voicing_is_the_first_autocorrelation(rng):
    mels = np.linspace(rng.uniform(0, 3, 20), rng.uniform(-3, 0, 20), 80, axis=1).astype("float32")
    r = np.fft.irfft(numpy_of(mel_to_magnitude(mels, SPEC), "float64") ** 2)
    expected = np.clip((r[:, 1] / r[:, 0] - 0.8) / 0.15, 0.0, 1.0)
    # The sum over half of the spectrum counts its two ends twice.
    assert ((expected > 0) & (expected < 1)).any()
    assert_allclose(voicing(mels, SPEC), expected, atol=0.02)


def test_voicing_follows_the_tilt_of_the_spectrum(rng):
    noise, pulses = rng.normal(0, 0.1, 16000), np.zeros(16000)
    pulses[::133] = 1.0  # 120 Hz
    voice = signal.lfilter([1.0], [1.0, -0.95], pulses)
    hiss = signal.lfilter([1.0, -0.9], [1.0], noise)
    for sound, expected in ((voice, 1.0), (hiss, 0.0)):
        frames = numpy_of(voicing(log_mel((0.5 * sound / np.abs(sound).max()).astype("float32"), SPEC), SPEC))
        assert frames.shape == (80,) and np.median(frames) == expected
