"""How loud a model of an amplifier is, and how much it compresses, as `.nam` files say it."""

import numpy as np
from keras import ops

_RMS_DB = -15.0
_LOWEST_HZ = 10.0
_LEVELS = np.linspace(0.0, 1.0, 11)
_USUAL_RATE = 48000  # what plug-ins take for the rate of a model that does not say it


def nam_loudness(model) -> dict[str, float]:
    """Measures the "loudness" and the "gain" in the metadata of a `.nam` file, by which plug-ins level models out.

    The loudness is the RMS in dB relative to full scale of the output for noise of -15 dB with equal energy in every
    octave. The gain compares the RMS of the output at eleven levels of this noise, evenly spaced from silence to full,
    with proportional growth (0) and with an output that is at its full level throughout (1).

    NAM's own trainer measures with one second of noise that it comes with. Ours has the same level and spectrum and is
    made anew, so that figures differ by some tenths of a dB.

    Args:
        model: A `NamWaveNet` of one output channel.

    Returns:
        Dict of "loudness" and "gain". Of a model that stays silent, or whose output is not finite: an empty one.

    Example:
    >>> from tf_wavenet.models.nam import NamWaveNet
    >>> model = NamWaveNet([{"channels": 2, "dilations": (1, 2)}], sample_rate=48000)
    >>> sorted(nam_loudness(model))
    ['gain', 'loudness']

    References:
        https://github.com/sdatkinson/neural-amp-modeler, nam/models/base.py.
    """
    noise = _pink_noise(round(model.sample_rate or _USUAL_RATE))
    output = ops.convert_to_numpy(model((_LEVELS[:, None] * noise).astype("float32"))).astype("float64")
    rms = np.sqrt(np.mean(np.square(output), axis=1))
    if not (np.isfinite(rms).all() and rms[-1] > 0):
        return {}
    full = rms[-1] * len(rms)
    gain = (rms.sum() - full / 2) / (full / 2)
    return {"loudness": float(20 * np.log10(rms[-1])), "gain": float(np.clip(gain, 0.0, 1.0))}


def _pink_noise(sample_rate):
    """A second of it, always the same."""
    frequency = np.fft.rfftfreq(sample_rate, 1 / sample_rate)
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, len(frequency))
    magnitude = np.where(frequency >= _LOWEST_HZ, 1 / np.sqrt(np.maximum(frequency, 1.0)), 0.0)
    noise = np.fft.irfft(magnitude * np.exp(1j * phase), sample_rate)
    return noise * 10 ** (_RMS_DB / 20) / np.sqrt(np.mean(noise**2))
