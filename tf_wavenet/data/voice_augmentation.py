"""Makes other voices of a recording."""

import numpy as np
import soxr

_BANDS = 8
_PEAK = 0.95  # a generator's tanh never reaches 1


class VoiceAugmentation:
    """Plays a recording at a random speed, through a random equaliser, at a random level.

    Pitch and formants move with the speed. A small corpus that is heard hundreds of times shows a vocoder more voices
    so, and is not learned by heart: `WindowSource(augment=VoiceAugmentation(16000))`.

    Args:
        sample_rate: Int, rate of the recordings in Hz.
        speed: Float in [0, 1), the share by which a recording is slower or faster at most, uniformly distributed.
        equalizer_db: Float >= 0, standard deviation in dB of the gains at 9 frequencies from 0 to half of the sample
            rate, with straight lines between them.
        gain_db: Float >= 0, by how many dB at most a recording is softer; it is louder by a third of it at most.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
    >>> augment = VoiceAugmentation(16000, speed=0.1)
    >>> waveform = np.sin(0.1 * np.arange(16000))
    >>> 16000 / 1.1 < len(augment(np.random.default_rng(0), waveform)) < 16000 / 0.9
    True

    References:
        Ko et al., Audio augmentation for speech recognition (Interspeech 2015), section 2: speed.
    """

    def __init__(self, sample_rate: int, speed: float = 0.1, equalizer_db: float = 4.0, gain_db: float = 6.0) -> None:
        if not 0 <= speed < 1:
            raise ValueError(f"Expected speed to be at least 0 and below 1. Received: speed={speed}")
        for name, value in (("equalizer_db", equalizer_db), ("gain_db", gain_db)):
            if not 0 <= value < np.inf:
                raise ValueError(f"Expected {name} to be at least 0. Received: {name}={value}")
        self.sample_rate = sample_rate
        self.speed = speed
        self.equalizer_db = equalizer_db
        self.gain_db = gain_db

    def __call__(self, random: np.random.Generator, waveform: np.ndarray) -> np.ndarray:
        """Returns a variant of a recording.

        Args:
            random: Decides which.
            waveform: Float array [num_samples], in [-1, 1].

        Returns:
            float32 array, in [-0.95, 0.95]; `num_samples / speed` long, to the sample.
        """
        speed = random.uniform(1 - self.speed, 1 + self.speed)
        gains = random.normal(0, self.equalizer_db, _BANDS + 1) + random.uniform(-self.gain_db, self.gain_db / 3)
        varied = soxr.resample(np.asarray(waveform, np.float32), self.sample_rate * speed, self.sample_rate)
        # Room behind it for the filter's response, so that its end does not sound at its beginning.
        spectrum = np.fft.rfft(varied, 1 << (len(varied) + 1024).bit_length())
        decibels = np.interp(np.linspace(0, _BANDS, len(spectrum)), np.arange(_BANDS + 1), gains)
        varied = np.fft.irfft(spectrum * 10 ** (decibels / 20))[: len(varied)]
        return (varied * min(1, _PEAK / max(np.abs(varied).max(initial=0), _PEAK))).astype(np.float32)
