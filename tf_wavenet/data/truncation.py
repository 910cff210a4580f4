"""Tells broken-off WAV and Ogg files, which libsndfile decodes silently up to the break."""

import struct
from pathlib import Path

_STREAMED = 0x7FFFF000  # programs that write WAV to a pipe state a data size of at least this: unknown
_MAX_OGG_PAGE = 27 + 255 + 255 * 255


def truncation(path: Path) -> str:
    """Says how a WAV or Ogg file is broken off.

    Args:
        path: The file; its kind is told by its first bytes.

    Returns:
        The finding, or "" for a whole file and for any other kind of file.

    References:
        RFC 3533 section 6 (Ogg pages); EBU Tech 3306 (RIFF and RF64 chunks).
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        magic = file.read(4)
        if magic in (b"RIFF", b"RF64", b"RIFX"):
            return _wav_truncation(file, size, ">" if magic == b"RIFX" else "<")
        if magic == b"OggS":
            file.seek(max(0, size - _MAX_OGG_PAGE))
            return _ogg_truncation(file.read())
    return ""


def _wav_truncation(file, size, order):
    long_size = None
    position = 12
    while position + 8 <= size:
        file.seek(position)
        chunk, length = struct.unpack(order + "4sI", file.read(8))
        if chunk == b"ds64":
            long_size = int.from_bytes(file.read(16)[8:], "little")
        if chunk == b"data":
            if length == 0xFFFFFFFF and long_size is not None:
                length = long_size
            elif length >= _STREAMED:
                return ""
            held = size - position - 8
            return f"{held} of the {length} bytes of audio that its header promises" if held < length else ""
        position += 8 + length + length % 2
    return ""


def _ogg_truncation(end):
    # A last page that is whole but lacks the end-of-stream mark is no proof: encoders in use do not set it.
    page = end.rfind(b"OggS")
    header = end[page : page + 27]
    if page < 0 or len(header) < 27:
        return "an Ogg stream whose last page is broken off"
    segments = end[page + 27 : page + 27 + header[26]]
    whole = len(end) - page >= 27 + header[26] + sum(segments)
    return "" if whole else "an Ogg stream whose last page is broken off"
