"""Files that players play and libsndfile alone reads in part, or not at all."""

import io
import os
import struct
import sys

import numpy as np
import pytest
import soundfile

from tf_wavenet.data import AudioError, load_audio, read_audio

RATE = 16000
LEVELS = np.random.default_rng(0).normal(0, 3000, 2 * RATE).astype(np.int16)
NOISE = LEVELS / np.float32(32768)


def encoded(waveform=LEVELS, **kwargs):
    file = io.BytesIO()
    soundfile.write(file, waveform, RATE, **kwargs)
    return file.getvalue()


def saved(path, content):
    path.write_bytes(content)
    return path


def mp3(waveform, **kwargs):
    """Encodes at a variable bit rate, without the Xing header."""
    content = encoded(waveform, format="MP3", bitrate_mode="VARIABLE", **kwargs)
    return content[content.index(content[:2], 4) :]


def loud_then_silent():
    return np.concatenate([3 * NOISE[:4800], np.zeros(27200, np.float32)])


def silent_then_loud():
    return loud_then_silent()[::-1]


@pytest.mark.parametrize("waveform", [loud_then_silent(), silent_then_loud(), NOISE])
def test_mp3_of_a_variable_bit_rate_without_a_header_is_whole(tmp_path, waveform):
    with_header = encoded(waveform, format="MP3", bitrate_mode="VARIABLE")
    content = with_header[with_header.index(with_header[:2], 4) :]
    decoded = load_audio(saved(tmp_path / "clip.mp3", content), RATE)
    # Without the header nobody tells the decoder's delay, 529 and 576 samples, nor what the last frame was filled with.
    assert 0 <= len(decoded) - len(waveform) <= 3 * 1152
    expected = load_audio(saved(tmp_path / "header.mp3", with_header), RATE)
    assert len(expected) == len(waveform)
    np.testing.assert_allclose(decoded[1105 + 2000 : 1105 + 31000], expected[2000:31000], rtol=0, atol=1e-3)


@pytest.mark.parametrize("missing", [10, 300])
@pytest.mark.parametrize("header", [False, True])
def test_mp3_that_breaks_off_in_a_frame_is_refused(tmp_path, missing, header):
    content = encoded(format="MP3") if header else mp3(LEVELS)
    with pytest.raises(AudioError, match="^.*: expected a whole file. Received: an MP3 that breaks off in a frame"):
        load_audio(saved(tmp_path / "clip.mp3", content[:-missing]), RATE)


def test_long_mp3_is_read_in_blocks_without_gaps(tmp_path, monkeypatch):
    path = saved(tmp_path / "clip.mp3", mp3(loud_then_silent()))
    expected = load_audio(path, RATE)
    monkeypatch.setattr("tf_wavenet.data.sound_blocks._BLOCK_SAMPLES", 1000)
    np.testing.assert_array_equal(load_audio(path, RATE), expected)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"format": "WAV"},
        {"format": "FLAC"},
        {"format": "OGG", "subtype": "VORBIS"},
        {"format": "OGG", "subtype": "OPUS"},
        {"format": "MP3"},
    ],
    ids=lambda kwargs: kwargs.get("subtype", kwargs["format"]),
)
def test_recordings_joined_to_one_file_are_all_read(tmp_path, kwargs):
    parts = [encoded(LEVELS[:20000], **kwargs), encoded(LEVELS[20000:], **kwargs), encoded(LEVELS[:4000], **kwargs)]
    joined = load_audio(saved(tmp_path / "clip", b"".join(parts)), RATE)
    alone = [load_audio(saved(tmp_path / "part", part), RATE) for part in parts]
    assert [len(part) for part in alone] == [20000, 12000, 4000]
    np.testing.assert_array_equal(joined, np.concatenate(alone))


def test_wav_inside_a_note_of_a_wav_is_no_recording(tmp_path):
    part = encoded(format="WAV")
    path = saved(tmp_path / "clip.wav", part + b"note" + struct.pack("<I", len(part)) + part)
    assert len(load_audio(path, RATE)) == len(NOISE)
    joined = saved(tmp_path / "joined.wav", path.read_bytes() + part)
    assert len(load_audio(joined, RATE)) == 2 * len(NOISE)


def test_mp3_joined_behind_tags_and_without_a_header(tmp_path):
    tag = b"TAG" + bytes(125)
    parts = [encoded(format="MP3"), tag, mp3(loud_then_silent()), tag]
    decoded = load_audio(saved(tmp_path / "clip.mp3", b"".join(parts)), RATE)
    alone = [load_audio(saved(tmp_path / "part", part), RATE) for part in parts[::2]]
    np.testing.assert_array_equal(decoded, np.concatenate(alone))


@pytest.mark.parametrize("format_", ["WAV", "FLAC", "MP3"])
def test_joined_recordings_of_different_rates_are_refused(tmp_path, format_):
    other = io.BytesIO()
    soundfile.write(other, NOISE, 8000, format=format_)
    path = saved(tmp_path / "clip", encoded(format=format_) + other.getvalue())
    with pytest.raises(AudioError, match="expected a whole file. Received: .*joined"):
        load_audio(path, RATE)


@pytest.mark.parametrize("last", [False, True])
def test_a_joined_recording_that_is_broken_off_is_refused(tmp_path, last):
    part = encoded(format="FLAC")
    parts = [part, part[:-3000]] if last else [part[:-3000], part]
    with pytest.raises(AudioError, match="expected a whole"):
        load_audio(saved(tmp_path / "clip.flac", b"".join(parts)), RATE)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
@pytest.mark.parametrize("note", [b"", b"LIST" + struct.pack("<I", 4) + b"INFO"])
def test_wav_that_was_streamed(tmp_path, size, note):
    content = encoded(format="WAV", subtype="PCM_16")
    position = content.index(b"data")
    lengths = struct.pack("<I", size)
    content = content[:4] + lengths + content[8:position] + note + b"data" + lengths + content[position + 8 :]
    decoded = load_audio(saved(tmp_path / "clip.wav", content), RATE)
    np.testing.assert_array_equal(decoded, NOISE)


def test_wav_without_audio_but_with_notes_holds_nothing(tmp_path):
    content = encoded(LEVELS[:0], format="WAV") + b"LIST" + struct.pack("<I", 4) + b"INFO"
    with pytest.raises(AudioError, match="Received: 0 samples"):
        load_audio(saved(tmp_path / "clip.wav", content), RATE)


@pytest.mark.parametrize(
    ("subtype", "missing", "told"), [("PCM_16", 1, None), ("PCM_24", 2, None), ("PCM_16", 2, 63998)]
)
def test_wav_that_lacks_less_than_a_sample(tmp_path, subtype, missing, told):
    path = saved(tmp_path / "clip.wav", encoded(format="WAV", subtype=subtype)[:-missing])
    if told is None:
        assert len(load_audio(path, RATE)) == 2 * RATE - 1
        return
    with pytest.raises(AudioError, match=f"Received: {told} of the 64000 bytes"):
        load_audio(path, RATE)


def test_mp3_inside_wav(tmp_path):
    audio = mp3(loud_then_silent())
    rest = struct.pack("<4sIHHIIHH", b"fmt ", 30, 0x55, 1, RATE, 4000, 1, 0) + struct.pack(
        "<HHIHHH", 12, 1, 2, 144, 1, 0
    )
    content = b"WAVE" + rest + b"data" + struct.pack("<I", len(audio)) + audio + b"\0" * (len(audio) % 2)
    content = b"RIFF" + struct.pack("<I", len(content)) + content
    expected = load_audio(saved(tmp_path / "clip.mp3", audio), RATE)
    np.testing.assert_array_equal(load_audio(saved(tmp_path / "clip.wav", content), RATE), expected)
    with pytest.raises(AudioError, match="bytes of audio that its header promises"):
        load_audio(saved(tmp_path / "clip.wav", content[:-2000]), RATE)


def test_flac_from_a_pipe_states_no_length(tmp_path, monkeypatch):
    content = bytearray(encoded(format="FLAC", subtype="PCM_16"))
    content[21] &= 0xF0  # of STREAMINFO: 36 bits of length, 16 bytes of checksum
    content[22:42] = bytes(20)
    np.testing.assert_array_equal(load_audio(saved(tmp_path / "clip.flac", content), RATE), NOISE)
    monkeypatch.setattr("tf_wavenet.data.sound_blocks._BLOCK_SAMPLES", 5000)
    np.testing.assert_array_equal(load_audio(tmp_path / "clip.flac", RATE), NOISE)
    with pytest.raises(AudioError, match="expected a whole audio file. libsndfile: .*lost sync"):
        load_audio(saved(tmp_path / "clip.flac", content[:-3000]), RATE)


@pytest.mark.parametrize("format_", ["AIFF", "AU", "W64", "CAF"])
def test_other_formats_of_libsndfile(tmp_path, format_):
    path = saved(tmp_path / f"clip.{format_.lower()}", encoded(format=format_, subtype="PCM_16"))
    np.testing.assert_array_equal(load_audio(path, RATE), NOISE)
    path.write_bytes(path.read_bytes()[:-8000])
    with pytest.raises(AudioError, match="expected a whole"):
        load_audio(path, RATE)


def sweep():
    time = np.arange(2 * RATE) / RATE
    return (0.3 * np.sin(2 * np.pi * (200 + 400 * time) * time)).astype(np.float32)


def packaged(path, codec, kind, rate=RATE):
    av = pytest.importorskip("av")
    with av.open(str(path), "w", format=kind) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.layout, stream.bit_rate = "mono", 64000
        levels = np.rint(sweep() * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(levels, format="s16", layout="mono")
        frame.sample_rate = RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return path


@pytest.mark.parametrize(
    ("codec", "kind", "rate", "delay"),  # the delay is the encoder's, where the container does not tell it
    [("aac", "mp4", RATE, 1024), ("aac", "adts", RATE, 1024), ("libopus", "webm", 48000, 0)],
)
def test_formats_that_pyav_reads(tmp_path, codec, kind, rate, delay):
    decoded = load_audio(packaged(tmp_path / "clip", codec, kind, rate), RATE)
    assert -100 <= len(decoded) - len(NOISE) <= 4096
    np.testing.assert_allclose(decoded[delay + 2000 : delay + 30000], sweep()[2000:30000], rtol=0, atol=0.02)


def test_packaged_files_that_are_damaged(tmp_path):
    path = packaged(tmp_path / "clip.webm", "libopus", "webm", 48000)
    content = path.read_bytes()
    with pytest.raises(AudioError, match="expected a whole file. Received: .* that its header promises"):
        load_audio(saved(path, content[: len(content) // 2]), RATE)
    with pytest.raises(AudioError, match="expected a whole audio file. PyAV: Invalid data"):
        load_audio(saved(path, content[:4] + b"nothing at all"), RATE)


def test_without_pyav_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    path = saved(tmp_path / "clip.m4a", b"\0\0\0\x1cftypM4A ")
    with pytest.raises(AudioError) as caught:
        load_audio(path, RATE)
    wanted = "expected a format that libsndfile reads. Received: mov; install PyAV to read it: "
    assert caught.value.reason == wanted + 'pip install "tf-wavenet[formats]".'


def test_read_audio_keeps_channels_rate_and_values(tmp_path):
    stereo = np.stack([NOISE[:1000], 3 * NOISE[:1000]], axis=1)
    soundfile.write(tmp_path / "clip.wav", stereo, 44100, subtype="FLOAT")
    samples, sample_rate = read_audio(tmp_path / "clip.wav")
    np.testing.assert_array_equal(samples, stereo)
    assert sample_rate == 44100


@pytest.mark.skipif(os.name == "nt", reason="names of files are text there")
@pytest.mark.parametrize("format_", ["WAV", "MP3", "OGG"])
def test_names_that_are_not_utf8(tmp_path, format_):
    path = tmp_path / os.fsdecode(b"caf\xe9")
    path.write_bytes(encoded(format=format_))
    assert len(load_audio(path, RATE)) == len(NOISE)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of glibc")
def test_notes_of_the_decoder_stay_out_of_sight_and_ours_do_not(tmp_path, capfd):
    content = encoded(format="MP3")
    path = saved(tmp_path / "clip.mp3", content + bytes(2 * len(content)))  # libmpg123: stream size off
    soundfile.read(path)
    assert "Xing" in capfd.readouterr().err
    from tf_wavenet.data import silenced

    with silenced.silenced():
        print("ours", file=sys.stderr)
    assert len(load_audio(path, RATE)) == len(NOISE)
    assert capfd.readouterr().err == "ours\n"
    soundfile.read(path)
    assert "Xing" in capfd.readouterr().err
