"""What a run writes for TensorBoard."""

import importlib.util
from pathlib import Path

import numpy as np


class Summaries:
    """Writes figures, sound and pictures for TensorBoard; nothing where TensorFlow, whose writer it is, is missing.

    Args:
        folder: TensorBoard's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._summary = self._writer = None
        if importlib.util.find_spec("tensorflow"):
            from tensorflow import summary

            self._summary, self._writer = summary, summary.create_file_writer(str(folder))

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Writes figures by name."""
        if self._summary:
            with self._writer.as_default(step):
                for name, value in values.items():
                    self._summary.scalar(name, value)

    def audio(self, step: int, name: str, waveform: np.ndarray, sample_rate: int) -> None:
        """Writes a waveform `[time]` at a rate in Hz."""
        if self._summary:
            with self._writer.as_default(step):
                self._summary.audio(name, waveform[None, :, None], sample_rate)

    def image(self, step: int, name: str, pixels: np.ndarray) -> None:
        """Writes a picture, uint8 `[height, width, channels]`."""
        if self._summary:
            with self._writer.as_default(step):
                self._summary.image(name, pixels[None])

    def flush(self) -> None:
        """Brings what is written to the disk."""
        if self._summary:
            self._writer.flush()

    def close(self) -> None:
        """Ends the file."""
        if self._summary:
            self._writer.close()
