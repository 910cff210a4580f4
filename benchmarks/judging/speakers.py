"""Who speaks: pitch and spectral envelope of a clip beside those of a corpus's speakers, at 16 kHz."""

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np

from benchmarks.judging.packages import HOP, SAMPLE_RATE, mel_cepstra, mel_powers, require

PITCH_HZ = (60.0, 500.0)
_LEAST_FRAMES = 10


def voice(audio: np.ndarray) -> np.ndarray | None:
    """Describes the voice of a clip, whatever its level and its words.

    Args:
        audio: Float array `[time]` at 16 kHz.

    Returns:
        float64 array `[14]`: the median of ln F0 over the voiced frames, and the mean of their cepstra 1 to 13
        (`mel_cepstra`), a long-term average envelope. None with less than 0.1 s of voiced sound.

    References:
        F0: Morise, Harvest (Interspeech 2017). Envelope: Kinnunen, Hautamaki and Franti, On the use of long-term
        average spectrum in automatic speaker recognition (ISCSLP 2006).
    """
    pyworld = require("pyworld")
    audio = np.ascontiguousarray(audio, np.float64)
    if len(audio) < _LEAST_FRAMES * HOP or not np.any(audio):
        return None
    low, high = PITCH_HZ
    pitch, _ = pyworld.harvest(audio, SAMPLE_RATE, f0_floor=low, f0_ceil=high, frame_period=1000 * HOP / SAMPLE_RATE)
    powers = mel_powers(audio)
    frames = min(len(pitch), len(powers))
    voiced = np.flatnonzero(pitch[:frames])
    if len(voiced) < _LEAST_FRAMES:
        return None
    cepstra = mel_cepstra(powers[:frames])[voiced]
    return np.concatenate([[np.median(np.log(pitch[voiced]))], cepstra.mean(axis=0)])


@dataclasses.dataclass(frozen=True)
class Distance:
    """How far a clip is from a speaker, in standard deviations of single clips around their speaker.

    Attributes:
        pitch: Of ln F0.
        envelope: Root mean square over the cepstra.
    """

    pitch: float
    envelope: float

    @property
    def total(self) -> float:
        """Both together, equally heavy: the root of the sum of squares."""
        return float(np.hypot(self.pitch, self.envelope))


class Speakers:
    """The speakers of a corpus: the mean of each one's clips, and how clips spread around their speaker's mean.

    Args:
        voices: What `voice` says of clips of real speech, at least two of each speaker.
        names: Their speakers.

    Raises:
        ValueError: If there are fewer than two speakers, or one has fewer than two clips.
    """

    def __init__(self, voices: Sequence[np.ndarray], names: Sequence[str]) -> None:
        voices, self.names = np.asarray(voices), sorted(set(names))
        groups = {name: voices[[own == name for own in names]] for name in self.names}
        clips = {name: len(group) for name, group in groups.items()}
        if len(groups) < 2 or min(clips.values()) < 2:
            raise ValueError(f"Expected at least two speakers of two voiced clips each. Received: {clips}")
        self.means = {name: group.mean(axis=0) for name, group in groups.items()}
        squares = sum(np.sum((group - group.mean(axis=0)) ** 2, axis=0) for group in groups.values())
        # A voice of one constant pitch, as machines have, spreads by nothing: then 1 % is the unit.
        self.spread = np.maximum(np.sqrt(squares / (len(voices) - len(groups))), 0.01)

    def distances(self, clip: np.ndarray) -> dict[str, Distance]:
        """Measures a clip against every speaker.

        Args:
            clip: What `voice` says of it.

        Returns:
            The distance to each speaker.
        """
        scores = {name: (clip - mean) / self.spread for name, mean in self.means.items()}
        return {name: Distance(abs(float(z[0])), float(np.sqrt(np.mean(z[1:] ** 2)))) for name, z in scores.items()}

    def nearest(self, clip: np.ndarray | None) -> str | None:
        """Says whose clip it is.

        Args:
            clip: What `voice` says of it.

        Returns:
            The speaker at the least total distance; None for a clip without a voice.
        """
        if clip is None:
            return None
        distances = self.distances(clip)
        return min(distances, key=lambda name: distances[name].total)


def leave_one_out(voices: Sequence[np.ndarray], names: Sequence[str]) -> list[str | None]:
    """Names the speaker of each real clip, knowing the others only: how good the measure is on this corpus.

    Args:
        voices: What `voice` says of clips, at least three of each speaker.
        names: Their speakers.

    Returns:
        The nearest speaker of each clip.

    Raises:
        ValueError: If there are fewer than two speakers, or one has fewer than three clips.
    """
    clips = Counter(names)
    if len(clips) < 2 or min(clips.values()) < 3:
        raise ValueError(f"Expected at least two speakers of three voiced clips each. Received: {dict(clips)}")
    verdicts = []
    for i, clip in enumerate(voices):
        others = [j for j in range(len(voices)) if j != i]
        verdicts.append(Speakers([voices[j] for j in others], [names[j] for j in others]).nearest(clip))
    return verdicts
