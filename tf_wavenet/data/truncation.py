"""Tells broken-off files that libsndfile decodes silently up to the break."""

import mmap
import re

from tf_wavenet.data.wav_chunks import wav_audio

_MAX_OGG_PAGE = 27 + 255 + 255 * 255
# What libsndfile notes about AIFF, AU and W64 while it opens them.
_NOTED = re.compile(r"^ *(?:SSND|Data Size|riff) *: (\d+) \(should be (\d+)\)", re.MULTILINE)


def truncation(content: bytes | mmap.mmap) -> str:
    """Says how a WAV or Ogg file is broken off.

    Args:
        content: The file; its kind is told by its first bytes.

    Returns:
        The finding, or "" for a whole file and for any other kind of file. A WAV file that lacks less than a sample is
        whole: some encoders miscount.

    References:
        RFC 3533 section 6 (Ogg pages); EBU Tech 3306 (RIFF and RF64 chunks).
    """
    if content[:4] == b"OggS":
        return _ogg_truncation(content[-_MAX_OGG_PAGE:])
    audio = wav_audio(content)
    if audio is None or audio.size is None or audio.size - audio.held < max(1, audio.block_align):
        return ""
    return f"{audio.held} of the {audio.size} bytes of audio that its header promises"


def noted_truncation(notes: str) -> str:
    """Says how an AIFF, AU or W64 file is broken off.

    Args:
        notes: What libsndfile noted (`soundfile.SoundFile.extra_info`).

    Returns:
        The finding, or "" for a whole file and for one whose header states no length.
    """
    noted = _NOTED.search(notes)
    promised, held = map(int, noted.groups()) if noted else (0, 0)
    if promised - held < 2:  # the byte that fills an odd chunk up is often left out
        return ""
    return f"{held} of the {promised} bytes that its header promises"


def _ogg_truncation(end):
    # A last page that is whole but lacks the end-of-stream mark is no proof: encoders in use do not set it.
    page = end.rfind(b"OggS")
    header = end[page : page + 27]
    if page < 0 or len(header) < 27:
        return "an Ogg stream whose last page is broken off"
    segments = end[page + 27 : page + 27 + header[26]]
    whole = len(end) - page >= 27 + header[26] + sum(segments)
    return "" if whole else "an Ogg stream whose last page is broken off"
