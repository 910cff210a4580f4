"""Decodes audio files whole, or says why not."""

import io
import mmap
import os
from pathlib import Path

import numpy as np
import soundfile

from tf_wavenet.data.audio_error import AudioError
from tf_wavenet.data.joined_streams import joined_streams
from tf_wavenet.data.mpeg_audio import read_mpeg
from tf_wavenet.data.packaged_audio import packaged_format, read_packaged
from tf_wavenet.data.silenced import silenced
from tf_wavenet.data.sound_blocks import ForwardSoundFile, read_blocks
from tf_wavenet.data.truncation import noted_truncation, truncation
from tf_wavenet.data.wav_chunks import wav_audio

AUDIO_SUFFIXES = tuple(
    ".aac .aif .aifc .aiff .au .caf .flac .m4a .mp3 .oga .ogg .opus .rf64 .snd .w64 .wav .webm".split()
)
MIN_SAMPLE_RATE = 1000
MAX_SAMPLE_RATE = 384000

_MPEG_TAGS = (0x50, 0x55)  # of WAV files that hold MPEG audio
_UNKNOWN_LENGTH = 1 << 62


def read_audio(path: str | os.PathLike, mono: bool = False) -> tuple[np.ndarray, int]:
    """Reads one audio file at its own rate.

    Args:
        path: The file.
        mono: Whether channels are averaged.

    Returns:
        `(samples, sample_rate)`: float32 `[time, channels]`, or `[time]` if `mono`, at least one sample, as they are
        stored, and the rate in Hz.

    Raises:
        AudioError: If the file is missing, not audio, empty, broken off, or of a rate outside 1000 to 384000 Hz.

    Example:
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/clip.wav", np.zeros((800, 2)), 8000)
    ...     samples, sample_rate = read_audio(f"{folder}/clip.wav")
    >>> samples.shape, sample_rate
    ((800, 2), 8000)
    """
    path = Path(path)
    if not path.is_file():
        reason = "expected an audio file. Received: " + ("not a regular file." if path.exists() else "no such file.")
        raise AudioError(path, reason)
    if path.stat().st_size == 0:
        raise AudioError(path, "expected at least 1 sample. Received: 0 samples.")
    try:
        blocks, sample_rate, cut = _decode(path, mono)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: soundfile's own, for headerless formats
        detail = getattr(error, "error_string", str(error)).strip().rstrip(".")
        raise AudioError(path, f"expected a whole audio file. libsndfile: {detail}.") from None
    except OSError as error:
        raise AudioError(path, f"expected a readable file. Received: {error.strerror}.") from None
    if cut:
        raise AudioError(path, f"expected a whole file. Received: {cut}.")
    check_sample_rate(sample_rate, path)
    if not any(map(len, blocks)):
        raise AudioError(path, "expected at least 1 sample. Received: 0 samples.")
    return np.concatenate(blocks), sample_rate


def check_sample_rate(rate, subject) -> None:
    """Raises AudioError, naming `subject`, unless `rate` is a number from 1000 to 384000 Hz."""
    if not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        expected = f"expected a sample rate from {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz"
        raise AudioError(subject, f"{expected}. Received: {rate} Hz.")


def _decode(path, mono):
    """Returns the blocks of a file, their rate, and how it is broken off, or ""."""
    kind = packaged_format(path)
    if kind:
        return *read_packaged(path, kind, mono), ""
    content = _map(path)
    starts = joined_streams(content)
    if len(starts) == 1:
        name = str(path) if os.name == "nt" else os.fsencode(path)  # names that are not UTF-8, too
        return _decode_stream(name, content, mono)
    parts = [content[begin:end] for begin, end in zip(starts, [*starts[1:], None], strict=True)]
    decoded = [_decode_stream(io.BytesIO(part), part, mono) for part in parts]
    cuts = [cut for _, _, cut in decoded if cut]
    formats = {(rate, part.shape[1:]) for blocks, rate, _ in decoded for part in blocks}
    if len(formats) > 1:
        cuts.append("joined recordings of several sample rates or numbers of channels")
    return [block for blocks, _, _ in decoded for block in blocks], decoded[0][1], "".join(cuts[:1])


def _map(path):
    with path.open("rb") as file:
        try:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError:  # of file systems that cannot
            return file.read()


def _decode_stream(source, content, mono):
    """Does `_decode`'s work for a single recording: `source` is its name or itself, `content` itself."""
    wav = wav_audio(content)
    if wav is not None and wav.tag in _MPEG_TAGS:
        cut = truncation(content)
        if cut:
            return [], 0, cut
        return read_mpeg(content[wav.begin : None if wav.size is None else wav.begin + wav.size], mono)
    if wav is not None and wav.size is None:
        source = io.BytesIO(content[: wav.begin - 4] + b"\xff\xff\xff\xff" + content[wav.begin :])
    with silenced():
        sound = ForwardSoundFile(source)
    with sound:
        if sound.format == "MP3":
            return read_mpeg(content[:], mono)
        blocks, promised = list(read_blocks(sound, mono)), sound.frames
        cut = truncation(content) or noted_truncation(sound.extra_info)
        num_samples = sum(map(len, blocks))
        if not cut and num_samples < promised < _UNKNOWN_LENGTH:
            cut = f"{num_samples} of the {promised} samples that its header promises"
        return blocks, sound.samplerate, cut
