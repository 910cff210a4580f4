"""Reads formats that libsndfile does not know, by PyAV where it is installed."""

from pathlib import Path

import numpy as np

from tf_wavenet.data.audio_error import AudioError

_ALLOWANCE_SECONDS = 0.1  # containers count in milliseconds, and encoders' delays


def packaged_format(path: Path) -> str | None:
    """Names the kind of a file by its first bytes: "mov" (M4A, MP4), "matroska" (WebM), "aac", or None."""
    with path.open("rb") as file:
        start = file.read(12)
    if start[4:8] == b"ftyp":
        return "mov"
    if start[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    return "aac" if len(start) > 1 and start[0] == 0xFF and start[1] & 0xF6 == 0xF0 else None


def read_packaged(path: Path, kind: str, mono: bool) -> tuple[list[np.ndarray], int]:
    """Reads the first sound of a file.

    Args:
        path: The file.
        kind: As `packaged_format` names it. No other is tried, so a file cannot make FFmpeg open another.
        mono: Whether channels are averaged.

    Returns:
        `(blocks, sample_rate)`: float32 blocks `[time]` or `[time, channels]`, and the rate in Hz.

    Raises:
        AudioError: If PyAV is not installed, or the file is damaged, broken off or without sound.
    """
    try:
        import av
    except ImportError:
        needed = 'install PyAV to read it: pip install "tf-wavenet[formats]"'
        raise AudioError(path, f"expected a format that libsndfile reads. Received: {kind}; {needed}.") from None
    try:
        with path.open("rb") as file, av.open(file, format=kind) as container:
            if not container.streams.audio:
                raise AudioError(path, "expected sound. Received: a file without any.")
            stream = container.streams.audio[0]
            resampler, blocks, sample_rate = av.AudioResampler("fltp"), [], None
            for frame in container.decode(stream):
                sample_rate = sample_rate or frame.sample_rate
                blocks += [part.to_ndarray().T for part in resampler.resample(frame)]
            blocks += [part.to_ndarray().T for part in resampler.resample(None)] if blocks else []
            promised = _stated_samples(container, stream, kind, sample_rate)
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, AudioError):
            raise
        raise AudioError(path, f"expected a whole audio file. PyAV: {getattr(error, 'strerror', error)}.") from None
    num_samples = sum(map(len, blocks))
    if promised and num_samples < promised - _ALLOWANCE_SECONDS * sample_rate:
        cut = f"{num_samples} of the {promised} samples that its header promises"
        raise AudioError(path, f"expected a whole file. Received: {cut}.")
    if kind == "mov" and promised and num_samples > promised:  # what the encoder filled up
        blocks = [np.concatenate(blocks)[:promised]]
    return [block.mean(axis=1) if mono else block for block in blocks], sample_rate


def _stated_samples(container, stream, kind, sample_rate):
    """Returns the length that a header promises, in samples; None where it is not stated, or guessed as of AAC."""
    if kind == "aac" or not sample_rate:
        return None
    if kind == "mov" and stream.duration:
        return round(stream.duration * stream.time_base * sample_rate)
    return round(container.duration * sample_rate / 1e6) if container.duration else None
