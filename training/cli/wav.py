"""A WAV file that grows: 16-bit PCM, a valid header after every write, and a later process can go on with it."""

import os
import struct
from pathlib import Path
from types import TracebackType

import numpy as np

LARGEST_RIFF = 0xFFFFFFFF
"""Most bytes that the header of a plain WAV file can state; a larger file becomes RF64."""

_PLAIN = 44  # bytes of the header
_WITH_ROOM = 80  # and of one with the chunk that RF64 needs for its 64-bit sizes


def header(sample_rate: int, num_samples: int, room: bool = False) -> bytes:
    """Makes the header of mono 16-bit PCM.

    Args:
        sample_rate: In Hz.
        num_samples: Samples that follow.
        room: Whether the header keeps room for the sizes of RF64, and so has the same length in both formats.

    Returns:
        44 bytes, or 80 with room. With more samples than a plain header can state it is RF64's.

    Raises:
        ValueError: If there are more samples than that, and no room.

    References:
        EBU Tech 3306 (RF64, "on-the-fly conversion").
    """
    data = 2 * num_samples
    riff = data + (_WITH_ROOM if room else _PLAIN) - 8
    large = riff > LARGEST_RIFF
    if large and not room:
        raise ValueError(f"Expected a WAV file of at most {LARGEST_RIFF} bytes. Received: {num_samples} samples")
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    sizes = b""
    if room:
        name = b"ds64" if large else b"JUNK"
        sizes = struct.pack("<4sIQQQI", name, 28, *((riff, data, num_samples) if large else (0, 0, 0)), 0)
    kind, unknown = (b"RF64", 0xFFFFFFFF) if large else (b"RIFF", None)
    begin = struct.pack("<4sI4s", kind, unknown or riff, b"WAVE")
    return begin + sizes + form + struct.pack("<4sI", b"data", unknown or data)


class WavWriter:
    """Writes mono 16-bit PCM as it comes.

    The header is renewed, in one piece, after the samples that it tells of are in the file: an unfinished file plays,
    also one of a process that was killed. libsndfile does neither, nor does it report a full disk as the OSError that
    it is.

    Args:
        path: File to write.
        sample_rate: In Hz.
        num_samples: Samples to expect. If a plain WAV file cannot hold so many (beyond 4 GB), the header has room to
            become RF64's when they come. None: a plain file.
        written: None for a new file; otherwise samples of an unfinished one that are kept, and followed by others.

    Raises:
        OSError: If the file cannot be opened or written.
        ValueError: If the unfinished file holds fewer samples than `written`; when a plain file gets too large.
    """

    def __init__(
        self, path: Path, sample_rate: int, num_samples: int | None = None, written: int | None = None
    ) -> None:
        self._sample_rate = sample_rate
        self._room = num_samples is not None and _PLAIN + 2 * num_samples - 8 > LARGEST_RIFF
        self._begin = _WITH_ROOM if self._room else _PLAIN
        self.written = written or 0
        self._file = Path(path).open("wb" if written is None else "r+b")
        try:
            held = (os.fstat(self._file.fileno()).st_size - self._begin) // 2
            if written is not None and held < written:
                raise ValueError(f"Expected {path} to hold {written} samples. Received: {max(held, 0)}")
            self._state()
            self._file.truncate(self._begin + 2 * self.written)
        except BaseException:
            self._file.close()
            raise

    def write(self, audio: np.ndarray) -> None:
        """Appends samples.

        Args:
            audio: Float array `[time]` in [-1, 1]; what lies outside is clipped.
        """
        pcm = np.clip(np.round(np.asarray(audio) * 32768.0), -32768, 32767).astype("<i2")
        self._file.seek(self._begin + 2 * self.written)
        self._file.write(pcm.tobytes())
        self._file.flush()
        self.written += len(pcm)
        self._state()

    def _state(self) -> None:
        """Writes the header."""
        self._file.seek(0)
        self._file.write(header(self._sample_rate, self.written, self._room))
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def __enter__(self) -> "WavWriter":
        """Returns the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the file."""
        self.close()
