"""Statistics of features that do not fit into memory at once."""

import numpy as np


class MelStatistics:
    """Statistics of log-mel features, gathered file by file.

    Attributes:
        frames: Number of frames so far.
        at_floor: Number of their values at the floor.

    Args:
        floor: The logarithm of the lowest mel.
        num_mels: Number of mels.
    """

    def __init__(self, floor: float, num_mels: int) -> None:
        self.floor = floor
        self.num_mels = num_mels
        self.frames, self.at_floor = 0, 0
        self.total, self.squares = np.zeros(num_mels), np.zeros(num_mels)

    def add(self, features: np.ndarray) -> None:
        """Adds `[frames, num_mels]`."""
        self.frames += len(features)
        self.at_floor += np.count_nonzero(features <= self.floor + 1e-4)
        self.total += features.sum(axis=0, dtype=np.float64)
        self.squares += np.square(features, dtype=np.float64).sum(axis=0)

    @property
    def mean(self) -> np.ndarray:
        """Mean of each mel."""
        return self.total / self.frames

    @property
    def deviation(self) -> np.ndarray:
        """Standard deviation of each mel."""
        return np.sqrt(np.maximum(0.0, self.squares / self.frames - self.mean**2))
