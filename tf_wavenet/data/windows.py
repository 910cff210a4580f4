"""Cuts recordings into windows such that every sample is a target exactly once an epoch. Pure NumPy."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from tf_wavenet.data.manifest import Manifest


@dataclasses.dataclass(frozen=True)
class Windows:
    """The windows of one epoch in the order they are read; arrays [windows] of int64.

    Attributes:
        file: Index of the window's recording.
        begin: First sample that is a target.
        end: One past the last sample that is a target.
        start: First sample that is read: 0 for the first window of a file, else `begin` less the context.
    """

    file: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    start: np.ndarray


def count_windows(lengths: np.ndarray, window_samples: int, context_samples: int) -> np.ndarray:
    """Counts the windows of each recording.

    Args:
        lengths: Int array [files], all at least 1.
        window_samples: Targets a window.
        context_samples: Samples of past before them. The first window of a file has targets there too.

    Returns:
        Int64 array [files]: the fewest windows that cover each recording.
    """
    rest = np.maximum(0, np.asarray(lengths, np.int64) - (context_samples + window_samples))
    return 1 + -(-rest // window_samples)


def cut_windows(
    lengths: np.ndarray,
    window_samples: int,
    context_samples: int,
    random: np.random.Generator | None,
    pool_samples: int,
    hop_length: int = 1,
) -> Windows:
    """Cuts all recordings for one epoch.

    The first window of a file reads from sample 0 and its targets begin there: the true cold start. Every later one has
    `context_samples` of past. The windows of a file hold up to `window_samples - 1` samples more than the file. In
    order, that slack is the end of the last window; at random, a random part of it is taken from the first window, so
    the borders move from epoch to epoch while the number of windows stays.

    Args:
        lengths: Int array [files], all at least 1.
        window_samples: Targets a window.
        context_samples: Samples of past before them.
        random: Source of borders and order. None: slack at the end, files and windows in order.
        pool_samples: At random, the files are shuffled and taken in pools of about so many samples, whose windows are
            shuffled together; a reader that holds two pools reads every file once.
        hop_length: Windows start at multiples of it, if it divides `window_samples` and `context_samples`.

    Returns:
        The windows.
    """
    lengths = np.asarray(lengths, np.int64)
    counts = count_windows(lengths, window_samples, context_samples)
    file = np.repeat(np.arange(len(lengths)), counts)
    number = np.arange(len(file)) - np.repeat(np.cumsum(counts) - counts, counts)

    slack = context_samples + counts * window_samples - lengths
    if random is not None:
        slack = hop_length * random.integers(0, np.where(counts > 1, slack, 0) // hop_length + 1)
        first = context_samples + window_samples - slack
    else:
        first = np.full(len(lengths), context_samples + window_samples)
    begin = np.where(number > 0, first[file] + (number - 1) * window_samples, 0)
    end = np.minimum(first[file] + number * window_samples, lengths[file])
    start = np.where(number > 0, begin - context_samples, 0)

    order = np.arange(len(file))
    if random is not None:
        files = random.permutation(len(lengths))
        pool = np.empty(len(lengths), np.int64)
        pool[files] = (np.cumsum(lengths[files]) - lengths[files]) // pool_samples
        order = np.lexsort((random.random(len(file)), pool[file]))
    return Windows(file[order], begin[order], end[order], start[order])


def steps_per_epoch(
    manifest: Manifest,
    window_samples: int,
    context_samples: int,
    batch_size: int,
    *,
    features: Callable | None = None,
    period: int = 1,
) -> int:
    """Counts the batches in which `WindowSource` and `window_dataset` give every sample once.

    Args:
        manifest: The corpus.
        window_samples: As for `WindowSource`.
        context_samples: As for `WindowSource`.
        batch_size: As for `WindowSource`.
        features: As for `WindowSource`.
        period: As for `WindowSource`.

    Returns:
        The number of batches, at least 1; it is the same for every epoch, shuffled or not.

    Raises:
        ValueError: If an argument is out of range, or the manifest has no files.

    Example:
    >>> from tf_wavenet.data import AudioFile
    >>> steps_per_epoch(Manifest(16000, (AudioFile("clip.wav", 1000),)), 300, 100, batch_size=2)
    2
    """
    if min(window_samples, batch_size, period) < 1 or context_samples < 0:
        expected = "Expected window_samples, batch_size and period to be at least 1, context_samples at least 0"
        raise ValueError(f"{expected}. Received: {window_samples=}, {context_samples=}, {batch_size=}, {period=}")
    if not manifest.files:
        raise ValueError("Expected a manifest of at least 1 file. Received: 0 files")
    _, window_samples, context_samples = whole_frames(window_samples, context_samples, features, period)
    return -(-int(count_windows(file_lengths(manifest), window_samples, context_samples).sum()) // batch_size)


def whole_frames(
    window_samples: int, context_samples: int, features: Callable | None, period: int
) -> tuple[int, int, int]:
    """Returns what windows begin at multiples of, and the sizes of window and context rounded up to it."""
    multiple = math.lcm(features.hop_length if features else 1, period)
    return multiple, *(-(-size // multiple) * multiple for size in (window_samples, context_samples))


def file_lengths(manifest: Manifest) -> np.ndarray:
    """Returns the samples of each recording, int64 [files]."""
    return np.array([file.num_samples for file in manifest.files], np.int64)
