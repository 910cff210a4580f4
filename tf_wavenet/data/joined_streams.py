"""Finds the recordings in a file that several were joined to, of which libsndfile reads the first alone."""

import mmap
import re

from tf_wavenet.data.wav_chunks import next_wav, wav_audio

_FLAC_START = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")


def joined_streams(content: bytes | mmap.mmap) -> list[int]:
    """Finds where the recordings of a WAV, FLAC or Ogg file begin, as `cat a.flac b.flac` joins them.

    Args:
        content: The file.

    Returns:
        Positions, [0] for a single recording and for any other kind of file.

    References:
        RFC 3533 section 4 (chained Ogg streams); RFC 9639 section 8 (FLAC's beginning).
    """
    if content[:4] == b"OggS":
        return _ogg_links(content)
    if content[:4] == b"fLaC":
        return [0, *(match.start() for match in _FLAC_START.finditer(content, 4))]
    return _wav_files(content) if content[:4] == b"RIFF" else [0]


def _wav_files(content):
    starts = [0]
    while (audio := wav_audio(content)) and audio.size is not None:
        following = next_wav(content, audio)
        if following is None:
            break
        starts.append(starts[-1] + following)
        content = content[following:]
    return starts


def _ogg_links(content):
    starts, position, in_header = [0], 0, True
    while content[position : position + 4] == b"OggS" and position + 27 <= len(content):
        begins = content[position + 5] & 2 != 0
        if begins and not in_header:
            starts.append(position)
        in_header = begins
        segments = content[position + 26]
        position += 27 + segments + sum(content[position + 27 : position + 27 + segments])
    return starts
