"""Reads MP3 files to their end."""

import io
import os

import numpy as np
import soundfile

from tf_wavenet.data.silenced import silenced
from tf_wavenet.data.sound_blocks import ForwardSoundFile, read_blocks

_ENDLESS = 1 << 40
_UNSTATED = 1 << 33  # samples: what an endless file is taken to hold at the least; a day and a half at 48 kHz
_FRAME = 1152


class _EndlessFile(io.BytesIO):
    """Content that seems to go on for ever.

    libsndfile reads no more samples than it expects. Of an MP3 without a Xing header it expects what the size of the
    file and the bit rate of its first frame make, which at a variable bit rate may be a tenth of the truth.
    """

    _at_end = False

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves; a position told after a move from the end lies far beyond it."""
        self._at_end = whence == os.SEEK_END
        super().seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        """Returns the position."""
        return super().tell() + (_ENDLESS if self._at_end else 0)

    def rest(self) -> bytes:
        """Returns what has not been read."""
        return self.getvalue()[super().tell() :]


def read_mpeg(content: bytes, mono: bool) -> tuple[list[np.ndarray], int, str]:
    """Reads MPEG audio, such as MP3, whole: several recordings joined to one file too.

    Args:
        content: The file.
        mono: Whether channels are averaged.

    Returns:
        `(blocks, sample_rate, cut)`: float32 blocks `[time]` or `[time, channels]`, the rate in Hz, and how the file is
        broken off, or "". A file whose header states no length is read to its last whole frame.

    Raises:
        soundfile.LibsndfileError: If it is no MPEG audio.
    """
    blocks, sample_rate, channels, cut = [], None, None, ""
    while content:
        file = _EndlessFile(content)
        with silenced():
            try:
                sound = ForwardSoundFile(file)
            except soundfile.LibsndfileError:
                if not blocks:
                    raise
                break  # tags
            with sound:
                stated, rate, count = sound.frames, sound.samplerate, sound.channels
                try:
                    found = list(read_blocks(sound, mono))
                except soundfile.LibsndfileError:
                    return blocks, rate, "an MP3 that breaks off in a frame, or is followed by something else"
        num_samples = sum(map(len, found))
        if blocks and num_samples <= 2 * _FRAME:  # what the encoder filled up, or tags that look like a frame
            break
        if blocks and (rate, count) != (sample_rate, channels):
            cut = f"recordings of {channels} channels at {sample_rate} Hz and of {count} at {rate} Hz, joined"
        elif stated < _UNSTATED and num_samples < stated - _FRAME and not cut:  # some encoders count the header too
            cut = f"{num_samples} of the {stated} samples that its header promises"
        blocks += found
        sample_rate, channels = rate, count
        content = file.rest()
        content = content[128:] if content.startswith(b"TAG") else content
        if not num_samples:
            break
    return blocks, sample_rate, cut
