"""Measures the pitch of a voice."""

import warnings

import numpy as np

from training.text.linguistic_spec import LinguisticSpec


def measure_f0(waveform: np.ndarray, spec: LinguisticSpec) -> np.ndarray:
    """Measures the fundamental frequency at the middle of each frame, with WORLD's DIO and StoneMask.

    Args:
        waveform: Float array [time] in [-1, 1] at `spec.sample_rate`, not empty.
        spec: Frames, and the range of the pitch.

    Returns:
        float64 array [frames], `spec.num_frames(time)` of them: in Hz, 0 where there is no pitch.

    Raises:
        ValueError: If the waveform is not such an array, or the package pyworld is not installed.

    References:
        Morise, Yokomori and Ozawa, WORLD (2016), section 2.1; Morise, Kawahara and Katayose, DIO (2009).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pyworld 0.3.5 imports pkg_resources, which warns of its end
            import pyworld
    except ModuleNotFoundError as error:
        raise ValueError(
            'Expected the package pyworld to be installed: pip install pyworld "setuptools<81". '
            f"Received: no {error.name}."
        ) from None
    waveform = np.asarray(waveform, np.float64)
    if waveform.ndim != 1 or not waveform.size or not np.all(np.isfinite(waveform)):
        raise ValueError(f"Expected a waveform [time] of finite samples. Received: shape {waveform.shape}")
    frames = spec.num_frames(len(waveform))
    # WORLD measures at the start of each frame: half a frame is cut off, and zeros make up for it at the end.
    padded = np.pad(waveform[spec.hop_length // 2 :], (0, 2 * spec.hop_length))
    period = 1000.0 * spec.hop_length / spec.sample_rate
    coarse, times = pyworld.dio(
        padded, spec.sample_rate, f0_floor=spec.f0_floor, f0_ceil=spec.f0_ceil, frame_period=period
    )
    return pyworld.stonemask(padded, coarse, times, spec.sample_rate)[:frames]
