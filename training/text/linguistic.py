"""Linguistic features, which tell a WaveNet what to say: phones, their timing and the pitch, frame by frame."""

from collections.abc import Sequence

import numpy as np

from training.text.f0 import measure_f0
from training.text.linguistic_spec import LOG_DURATION, LOG_F0, POSITION, VOICED, LinguisticSpec
from training.text.phonemes import Phone, speak_phonemes

_DURATION_UNIT = 0.1  # seconds


def linguistic_features(phones: Sequence[Phone], f0: np.ndarray, spec: LinguisticSpec) -> np.ndarray:
    """Computes the features of an utterance; `LinguisticSpec` describes the channels.

    A frame belongs to the phone that is spoken at its middle, and the frame in which the last phone ends to that phone.
    Frames outside of all phones are 0 in all channels but the two of the pitch.

    Args:
        phones: What is spoken when, in order of time.
        f0: Float array [frames], the pitch at the middle of each frame in Hz, 0 where there is none.
        spec: The recipe.

    Returns:
        float32 array [frames, `spec.num_channels`].

    Raises:
        ValueError: If phones overlap or are not in the spec, or `f0` is not such an array.

    References:
        van den Oord et al., WaveNet (2016), section 3.2.
    """
    f0 = np.asarray(f0, np.float64)
    if f0.ndim != 1 or not f0.size or not np.all(np.isfinite(f0)) or np.any(f0 < 0.0):
        raise ValueError(f"Expected f0 [frames] in Hz, 0 for none. Received: shape {f0.shape}, {f0.dtype}")
    numbers = _number(phones, spec)
    starts = np.array([phone.start for phone in phones])
    ends = np.array([phone.end for phone in phones])
    if not len(phones) or np.any(starts[1:] < ends[:-1]):
        raise ValueError(f"Expected phones in order of time, none overlapping. Received: {len(phones)} phones")
    seconds = spec.hop_length / spec.sample_rate
    middles = (np.arange(len(f0)) + 0.5) * seconds
    which = np.searchsorted(starts, middles, side="right") - 1
    until = np.append(ends[:-1], np.ceil(ends[-1] / seconds) * seconds)
    frames = np.flatnonzero((which >= 0) & (middles < until[which]))
    which = which[frames]

    count = len(spec.phones)
    features = np.zeros((len(f0), spec.num_channels), np.float32)
    features[frames, numbers[which]] = 1.0
    later, earlier = which > 0, which < len(phones) - 1
    features[frames[later], count + numbers[which[later] - 1]] = 1.0
    features[frames[earlier], 2 * count + numbers[which[earlier] + 1]] = 1.0
    rest = features[:, 3 * count :]
    durations = ends - starts
    rest[frames, POSITION] = np.minimum(1.0, (middles[frames] - starts[which]) / durations[which])
    rest[frames, LOG_DURATION] = np.log(durations[which] / _DURATION_UNIT)
    voiced = np.flatnonzero(f0)
    rest[voiced, VOICED] = 1.0
    if len(voiced):
        pitch = np.log(f0[voiced] / spec.f0_floor) / np.log(spec.f0_ceil / spec.f0_floor)
        rest[:, LOG_F0] = np.interp(np.arange(len(f0)), voiced, pitch)
    return features


def features_of_text(text: str, voice: str, spec: LinguisticSpec) -> np.ndarray:
    """Makes features of a text: phonemes, durations and pitch are those with which espeak-ng speaks it.

    Nothing else of espeak-ng's speech is used; how it sounds is the model's affair.

    Args:
        text: What to say, in the voice's language.
        voice: Name of an espeak-ng voice, such as "en-us+f2".
        spec: The recipe; its phones are espeak-ng's.

    Returns:
        float32 array [frames, `spec.num_channels`].

    Raises:
        ValueError: As `speak_phonemes` and `measure_f0` raise, and if the text has a phone that the spec lacks.
    """
    waveform, phones = speak_phonemes(text, voice, spec.sample_rate)
    return linguistic_features(phones, measure_f0(waveform, spec), spec)


def _number(phones, spec):
    """Returns int array [phones], the place of each in the spec."""
    places = {symbol: place for place, symbol in enumerate(spec.phones)}
    unknown = sorted({phone.symbol for phone in phones} - places.keys())
    if unknown:
        first = next(phone for phone in phones if phone.symbol in unknown)
        received = f"{' '.join(unknown)} (first at {first.start:.2f} s)"
        raise ValueError(f"Expected phones out of {' '.join(spec.phones)}. Received: {received}")
    return np.array([places[phone.symbol] for phone in phones], np.int64)
