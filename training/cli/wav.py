"""A WAV file that grows: 16-bit PCM whose header is valid after every write."""

import wave
from pathlib import Path
from types import TracebackType

import numpy as np


class WavWriter:
    """Writes mono 16-bit PCM as it comes.

    The standard library's `wave` is used rather than libsndfile because it renews the header at every write, so that
    an unfinished file plays, and because it reports a full disk as the OSError that it is.

    Args:
        path: File to write.
        sample_rate: In Hz.
    """

    def __init__(self, path: Path, sample_rate: int) -> None:
        self._file = Path(path).open("wb")
        self._wave = wave.open(self._file, "wb")
        self._wave.setnchannels(1)
        self._wave.setsampwidth(2)
        self._wave.setframerate(sample_rate)

    def write(self, audio: np.ndarray) -> None:
        """Appends samples.

        Args:
            audio: Float array `[time]` in [-1, 1]; what lies outside is clipped.
        """
        pcm = np.clip(np.round(np.asarray(audio) * 32768.0), -32768, 32767).astype("<i2")
        self._wave.writeframes(pcm.tobytes())
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        try:
            self._wave.close()
        finally:
            self._file.close()

    def __enter__(self) -> "WavWriter":
        """Returns the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the file."""
        self.close()
