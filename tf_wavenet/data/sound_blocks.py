"""Reads what libsndfile decodes, block by block."""

from collections.abc import Iterator

import numpy as np
import soundfile

_BLOCK_SAMPLES = 1 << 20


class ForwardSoundFile(soundfile.SoundFile):
    """A sound file that is only ever read on from where it is.

    soundfile moves to where it is after every block, which fails at the end of a FLAC file that states no length.
    """

    def seekable(self) -> bool:
        """Returns False."""
        return False


def read_blocks(sound: soundfile.SoundFile, mono: bool) -> Iterator[np.ndarray]:
    """Yields float32 blocks `[time]`, the mean of the channels, or `[time, channels]`."""
    # A damaged header may promise a thousand channels, for each of which there is room before one is read.
    frames = max(1, _BLOCK_SAMPLES // sound.channels)
    while len(block := sound.read(frames, dtype="float32", always_2d=True)):
        yield block if not mono else block.mean(axis=1) if sound.channels > 1 else block[:, 0]
