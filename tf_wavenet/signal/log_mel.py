"""Log-mel features of waveforms."""

import functools
import math

import numpy as np
from keras import ops

from tf_wavenet._tensor import Tensor
from tf_wavenet.signal.full_scale import check_full_scale
from tf_wavenet.signal.mel_filterbank import analysis_window
from tf_wavenet.signal.mel_spec import MelSpec

_LEAST_POWER = 1e-30  # keeps the gradient of the root finite; far below any floor


def log_mel(waveform, spec: MelSpec) -> Tensor:
    """Computes log-mel features, differentiably, eagerly or in a graph, with or without XLA.

    Neither loudness nor pre-emphasis is applied here: where the spec asks for a loudness, give
    `gain * waveform` with the gain of `preprocess`.

    Args:
        waveform: Floating point `[batch, time]` or `[time]` in [-1, 1] at `spec.sample_rate`, at least one sample.
        spec: The recipe.

    Returns:
        float32 tensor `[batch, spec.num_frames(time), spec.num_mels]`, without `batch` if the waveform has none.

    Raises:
        ValueError: If the waveform is not floating point, has another rank or no samples, or is far outside [-1, 1]
            (which a graph cannot tell).

    Example:
    >>> spec = MelSpec.from_preset("speech_16k")
    >>> features = log_mel(np.zeros((2, 1000), "float32"), spec)
    >>> tuple(features.shape), round(float(features[0, 0, 0]), 3)  # silence is at the floor, ln 1e-5
    ((2, 5, 80), -11.513)

    References:
        Shen et al., Tacotron 2 (2018), section 2.1.
    """
    if not hasattr(waveform, "dtype"):
        waveform = np.asarray(waveform)
    check_full_scale("waveform", waveform)
    return log_mel_of_any(waveform, spec)


def log_mel_of_any(waveform, spec: MelSpec) -> Tensor:
    """Computes what `log_mel` does of waveforms that may leave [-1, 1], as those do that a model makes."""
    waveform = ops.convert_to_tensor(waveform)
    if "float" not in str(waveform.dtype) or len(waveform.shape) not in (1, 2) or waveform.shape[-1] == 0:
        received = f"shape={tuple(waveform.shape)}, dtype={waveform.dtype}"
        raise ValueError(f"Expected a floating point waveform [batch, time] or [time], time >= 1. Received: {received}")
    alone = len(waveform.shape) == 1
    real, imaginary = mel_spectrum(ops.expand_dims(waveform, 0) if alone else waveform, spec)
    features = log_mel_of(ops.square(real) + ops.square(imaginary), spec)
    return features[0] if alone else features


def mel_spectrum(waveform, spec: MelSpec) -> tuple[Tensor, Tensor]:
    """Computes the short-time Fourier transform that `log_mel` takes.

    Args:
        waveform: Floating point `[batch, time]` at `spec.sample_rate`, at least one sample.
        spec: The recipe.

    Returns:
        `(real, imaginary)`, float32 `[batch, spec.num_frames(time), spec.fft_length // 2 + 1]`.

    Example:
    >>> spec, noise = MelSpec.from_preset("speech_16k"), 0.1 * np.random.default_rng(0).standard_normal((2, 1000))
    >>> real, imaginary = mel_spectrum(noise, spec)
    >>> tuple(real.shape), tuple(imaginary.shape)
    ((2, 5, 513), (2, 5, 513))
    """
    padded = _pad(ops.cast(waveform, "float32"), spec)
    window = ops.convert_to_tensor(_constants(spec)[1])
    return ops.stft(padded, spec.fft_length, spec.hop_length, spec.fft_length, window, center=False)


def log_mel_of(power, spec: MelSpec) -> Tensor:
    """Computes log-mel features of squared magnitudes, the last step of `log_mel`.

    Args:
        power: float32 `[..., spec.fft_length // 2 + 1]`, at least 0, such as the sum of the squares of `mel_spectrum`.
        spec: The recipe.

    Returns:
        float32 tensor `[..., spec.num_mels]`, logarithms to `spec.log_base`, normalised if the recipe says so.

    Example:
    >>> spec, noise = MelSpec.from_preset("speech_16k"), 0.1 * np.random.default_rng(0).standard_normal((2, 1000))
    >>> real, imaginary = mel_spectrum(noise, spec)
    >>> features = log_mel_of(ops.square(real) + ops.square(imaginary), spec)
    >>> bool(ops.max(ops.abs(features - log_mel(noise, spec))) < 1e-4)
    True
    """
    filters, _, mean, scale = map(ops.convert_to_tensor, _constants(spec))
    mel = ops.matmul(ops.sqrt(ops.maximum(power + spec.power_offset, _LEAST_POWER)), filters)
    features = ops.log(ops.maximum(mel, spec.floor))
    if spec.log_base == "10":
        features = features / math.log(10.0)
    return features if spec.normalization is None else (features - mean) / scale


@functools.lru_cache
def _constants(spec):
    window = analysis_window(spec.window, spec.win_length, spec.fft_length)
    mean, scale = spec.normalization or (0.0, 1.0)
    return tuple(np.asarray(value, np.float32) for value in (spec.filterbank(), window, mean, scale))


def _pad(waveform, spec):
    """Returns `[batch, samples]` such that frame f is the transform of samples from `f * hop_length` on."""
    batch, time = ops.shape(waveform)
    left = spec.frame_offset
    right = (spec.num_frames(time) - 1) * spec.hop_length + spec.fft_length - left - time
    if spec.padding == "zeros":
        before, after = ops.zeros((batch, left)), ops.zeros((batch, right))
    else:
        # Mirrored without repeating the end samples, and again where the waveform is shorter than the padding.
        period = ops.maximum(2 * (time - 1), 1)
        before, after = (
            ops.take(waveform, ops.minimum(position % period, -position % period), axis=1)
            for position in (ops.arange(-left, 0), time + ops.arange(right))
        )
    return ops.concatenate([before, waveform, after], axis=1)
