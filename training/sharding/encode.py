"""Decodes a recording to what a shard holds of it."""

import dataclasses
import hashlib

import numpy as np

from tf_wavenet.data import AudioFile
from tf_wavenet.data.corpus_listing import Recording


@dataclasses.dataclass(frozen=True)
class Encoded:
    """A recording as a shard holds it.

    Attributes:
        file: What a manifest says of it; `path` is the source.
        audio: Its samples at the manifest's rate, 16-bit, lowest byte first.
        checksum: SHA-256 of the source, in hexadecimal.
    """

    file: AudioFile
    audio: bytes
    checksum: str


def encode(recording: Recording, sample_rate: int, trim_silence_db: float | None) -> Encoded:
    """Decodes a recording.

    Args:
        recording: The recording.
        sample_rate: Rate in Hz to bring it to.
        trim_silence_db: As for `index_corpus`.

    Returns:
        The recording; what was read from 16-bit audio at this rate is unchanged.

    Raises:
        AudioError: As `Recording.decode` raises.
    """
    file, waveform = recording.decode(sample_rate, trim_silence_db)
    levels = np.clip(np.rint(waveform * 32768.0), -32768, 32767).astype("<i2")
    checksum = hashlib.sha256(recording.path.read_bytes()).hexdigest()
    return Encoded(dataclasses.replace(file, start=0), levels.tobytes(), checksum)
