"""Finds the audio inside a WAV file."""

import dataclasses
import mmap
import struct

_STREAMED = 0x7FFFF000  # programs that write WAV to a pipe state a data size of at least this: unknown
_EXTENSIBLE = 0xFFFE


@dataclasses.dataclass(frozen=True)
class WavAudio:
    """The data chunk of a WAV file.

    Attributes:
        begin: Position of its first byte of audio in the file.
        size: Bytes of audio that the header promises; None where it states no length.
        held: Bytes of the file from `begin` on.
        tag: Number of the format, such as 1 for PCM and 0x55 for MP3.
        block_align: Bytes of a sample of all channels.
    """

    begin: int
    size: int | None
    held: int
    tag: int
    block_align: int


def wav_audio(content: bytes | mmap.mmap) -> WavAudio | None:
    """Finds the data chunk.

    Args:
        content: The file.

    Returns:
        The chunk; None if the file is no WAV file (RIFF, RIFX or RF64), or has none. A length of 0 before audio is
        what a recorder leaves that was stopped: it counts as none.

    References:
        EBU Tech 3306 (RIFF and RF64 chunks).
    """
    if content[:4] not in (b"RIFF", b"RF64", b"RIFX"):
        return None
    order, long_size, tag, block_align = ">" if content[:4] == b"RIFX" else "<", None, 0, 1
    for name, begin, size in _chunks(content, 12, order):
        fields = content[begin : begin + min(size, 26)]
        if name == b"ds64":
            long_size = int.from_bytes(fields[8:16], "little")
        if name == b"fmt " and len(fields) >= 16:
            tag, _, _, _, block_align, _ = struct.unpack(order + "HHIIHH", fields[:16])
            if tag == _EXTENSIBLE and len(fields) == 26:
                [tag] = struct.unpack(order + "H", fields[24:])
        if name == b"data":
            held = len(content) - begin
            if size == 0xFFFFFFFF and long_size is not None:
                size = long_size
            elif size >= _STREAMED or (size == 0 and held and not _only_chunks(content, begin, order)):
                size = None
            return WavAudio(begin, size, held, tag, block_align)
    return None


def next_wav(content: bytes | mmap.mmap, audio: WavAudio) -> int | None:
    """Returns where another WAV file begins behind the chunks of the first, whose audio is given; None if none does."""
    end = audio.begin + audio.size
    position = end if content[end : end + 4] == b"RIFF" else end + audio.size % 2
    return next((begin - 8 for name, begin, _ in _chunks(content, position, "<") if name == b"RIFF"), None)


def _chunks(content, position, order):
    """Yields the name of each chunk, its begin and its size as stated."""
    while position + 8 <= len(content):
        name, size = struct.unpack(order + "4sI", content[position : position + 8])
        yield name, position + 8, size
        position += 8 + size + size % 2


def _only_chunks(content, position, order):
    """Tells whether the rest of a file is whole chunks."""
    end = position
    for name, begin, size in _chunks(content, position, order):
        if not name.isascii() or not name.decode().isprintable():
            return False
        end = begin + size
    return len(content) - end in (0, 1)
