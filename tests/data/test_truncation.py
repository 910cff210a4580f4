"""Broken-off files that libsndfile itself takes for whole."""

import struct

import numpy as np
import pytest
import soundfile

from tf_wavenet.data.truncation import truncation as content_truncation


def truncation(path):
    return content_truncation(path.read_bytes())


def noise(path, samples=16000, **kwargs):
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, samples), 16000, **kwargs)
    return path


@pytest.mark.parametrize("kwargs", [{}, {"format": "RF64"}, {"endian": "BIG"}, {"subtype": "PCM_U8"}])
@pytest.mark.parametrize("missing", [1, 100, 9000])
def test_wav(tmp_path, kwargs, missing):
    path = noise(tmp_path / "clip.wav", **kwargs)
    assert truncation(path) == ""
    path.write_bytes(path.read_bytes()[:-missing])
    if missing == 1 and "subtype" not in kwargs:  # less than a sample
        assert truncation(path) == ""
        return
    promised = 16000 if kwargs.get("subtype") == "PCM_U8" else 32000
    assert truncation(path) == f"{promised - missing} of the {promised} bytes of audio that its header promises"


def test_chunks_before_and_after_the_audio_are_passed_over(tmp_path):
    content = noise(tmp_path / "clip.wav").read_bytes()
    position = content.index(b"data")
    odd = b"note" + struct.pack("<I", 5) + b"hello" + b"\0"
    path = tmp_path / "chunks.wav"
    path.write_bytes(content[:position] + odd + content[position:] + odd)
    assert truncation(path) == ""
    path.write_bytes(content[:position] + odd + content[position:-10])
    assert truncation(path) == "31990 of the 32000 bytes of audio that its header promises"


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000])
def test_wav_written_to_a_pipe_states_no_length(tmp_path, size):
    path = noise(tmp_path / "clip.wav")
    content = bytearray(path.read_bytes())
    position = content.index(b"data") + 4
    content[position : position + 4] = struct.pack("<I", size)
    path.write_bytes(content)
    assert truncation(path) == ""


@pytest.mark.parametrize("samples", [100, 160000])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_ogg(tmp_path, samples, share):
    path = noise(tmp_path / "clip.ogg", samples)
    assert truncation(path) == ""
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert truncation(path) == "an Ogg stream whose last page is broken off"


def test_ogg_whose_encoder_sets_no_end_mark_is_whole(tmp_path):
    path = noise(tmp_path / "clip.ogg", 160000)
    content = bytearray(path.read_bytes())
    content[content.rindex(b"OggS") + 5] &= ~4
    path.write_bytes(content)
    assert truncation(path) == ""


@pytest.mark.parametrize("content", [b"", b"fLaC", b"hello", b"RIFF", b"RF64\0\0\0\0WAVEds64\0\0\0\0", b"OggS"])
def test_other_and_tiny_files_do_not_fail(tmp_path, content):
    path = tmp_path / "clip"
    path.write_bytes(content)
    truncation(path)
