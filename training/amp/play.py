"""Plays recordings through a model of an amplifier."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr
from keras import ops

from tf_wavenet import NamWaveNet
from training.amp.pair import read_channel


def read_input(path: Path, sample_rate: int, channel: int | None = None) -> tuple[np.ndarray, list[str]]:
    """Reads a recording for an amplifier.

    Args:
        path: The file.
        sample_rate: Rate in Hz to bring it to.
        channel: As in `read_channel`.

    Returns:
        float32 `[time]`, and what a user may want to know.

    Raises:
        ValueError: As `read_channel`; for a recording of no sample at that rate.
    """
    waveform, rate, notes = read_channel(path, channel, "--input-channel")
    if rate != sample_rate:
        waveform = soxr.resample(waveform, rate, sample_rate, quality="HQ")
        notes.append(f"{path} is brought from {rate} to {sample_rate} Hz, the amplifier's rate")
    if not len(waveform):
        raise ValueError(f"Expected a sample in {path}. Received: none at {sample_rate} Hz")
    return waveform, notes


def play(model: NamWaveNet, recording: np.ndarray, chunk_samples: int) -> Iterator[np.ndarray]:
    """Plays a recording.

    Args:
        model: The amplifier.
        recording: float32 `[time]`.
        chunk_samples: Samples of each chunk but the last, at least 1.

    Yields:
        float32 `[samples]`, together as many as the recording has.
    """
    if not model.built:
        model.build()
    state = model.get_initial_state(1)
    for first in range(0, len(recording), chunk_samples):
        output, state = model.prime(recording[None, first : first + chunk_samples], state)
        yield ops.convert_to_numpy(output)[0]
