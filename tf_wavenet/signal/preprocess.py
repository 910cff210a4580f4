"""From recordings to the waveform that a model learns to speak, and back."""

import numpy as np
from keras import ops

from tf_wavenet.signal.full_scale import check_full_scale
from tf_wavenet.signal.mel_spec import MelSpec

_MAX_GAIN = 100.0  # 40 dB: more would turn what is nearly silence into noise


def preprocess(waveform, spec: MelSpec) -> tuple[np.ndarray, np.ndarray | np.float32]:
    """Brings each utterance to the spec's loudness and pre-emphasises it.

    The gain is lowered where the result would leave [-1, 1], and is at most 40 dB. Features that go with the result are
    those of `gain * waveform`: `log_mel(gain * waveform, spec)`.

    Args:
        waveform: Float array `[batch, time]` or `[time]` in [-1, 1], whole utterances of at least one sample.
        spec: Says `loudness` and `preemphasis`; with neither, the waveform comes back as it is, with a gain of 1.

    Returns:
        (waveform, gain): float32 array of the same shape in [-1, 1], and float32 array `[batch]`, or a scalar.

    Raises:
        ValueError: If the waveform has another rank or no samples, is not finite, or not in [-1, 1] (16-bit samples).

    Example:
    >>> spec = MelSpec.from_preset("speech_16k", loudness=-20.0, preemphasis=0.9)
    >>> recording = 0.5 * np.sin(0.1 * np.arange(16000))
    >>> target, gain = preprocess(recording, spec)
    >>> round(float(gain), 3)  # from -9 dB to -20 dB
    0.283
    >>> bool(np.allclose(restore(target, spec, gain), recording, atol=1e-5))
    True
    """
    waveform = ops.convert_to_numpy(waveform)
    check_full_scale("waveform", waveform)
    waveform = waveform.astype(np.float64)
    if waveform.ndim not in (1, 2) or not waveform.shape[-1] or not np.all(np.isfinite(waveform)):
        finite = "" if np.all(np.isfinite(waveform)) else ", not finite"
        raise ValueError(
            f"Expected a finite waveform [batch, time] or [time], time >= 1. Received: shape={waveform.shape}{finite}"
        )
    emphasised = waveform.copy()
    emphasised[..., 1:] -= spec.preemphasis * waveform[..., :-1]
    gain = np.ones(waveform.shape[:-1])
    if spec.loudness is not None:
        rms = np.sqrt(np.mean(waveform**2, axis=-1))
        gain = np.minimum(10.0 ** (spec.loudness / 20.0) / np.where(rms > 0.0, rms, np.inf), _MAX_GAIN)
        gain = np.where(rms > 0.0, gain, 1.0)
    gain = np.minimum(gain, 1.0 / np.maximum(np.max(np.abs(emphasised), axis=-1), 1e-9)).astype(np.float32)
    return np.clip(gain[..., None] * emphasised, -1.0, 1.0).astype(np.float32), gain


def restore(waveform, spec: MelSpec, gain=1.0, previous=0.0) -> np.ndarray:
    """Undoes `preprocess`: de-emphasises, and undoes the gain.

    Args:
        waveform: Float array `[batch, time]` or `[time]`: what `preprocess` returned, or a model generated.
        spec: As given to `preprocess`.
        gain: Float or array `[batch]`: as `preprocess` returned; 1 where it is not known, as for features from a file.
        previous: Float or array `[batch]`: the last sample that `restore` returned for the chunk before this one, so
            that chunks give what the whole gives; 0 at the beginning.

    Returns:
        float32 array of the same shape. Samples may leave [-1, 1].

    Example:
    >>> spec = MelSpec.from_preset("speech_16k", preemphasis=0.5)
    >>> first = restore(np.array([0.5, 0.0]), spec)
    >>> first.tolist(), restore(np.array([0.0]), spec, previous=first[-1]).tolist()
    ([0.5, 0.25], [0.125])
    """
    waveform, gain, previous = (ops.convert_to_numpy(x).astype(np.float64) for x in (waveform, gain, previous))
    restored = waveform / gain[..., None]
    if not restored.shape[-1]:
        return restored.astype(np.float32)
    restored[..., 0] += spec.preemphasis * previous
    # 1 / (1 - a z^-1) as the product of (1 + a^n z^-n), n = 1, 2, 4, ...: few passes instead of a loop over samples.
    factor, delay = spec.preemphasis, 1
    while delay < restored.shape[-1] and factor > 1e-30:
        restored[..., delay:] += factor * restored[..., :-delay]
        factor, delay = factor * factor, 2 * delay
    return restored.astype(np.float32)
