"""Conversion of corpora: what comes out, what is left alone, what is refused."""

import os
import resource
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tf_wavenet.data import AudioFile, Manifest, index_corpus, load_audio
from training import prepare
from training.cli.command_line import run


def convert(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["prepare", *map(str, arguments)])
    run(prepare.main)


def record(path, samples=1600, rate=16000, **kwargs):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * np.sin(0.1 * np.arange(samples)), rate, **kwargs)
    return path


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    record(folder / "wav48" / "p1" / "p1_001.wav", 4800, 48000, subtype="PCM_24")
    record(folder / "wav48" / "p2" / "p2_001.flac")
    record(folder / "wav48" / "p2" / "p2_001.wav", 800)
    (folder / "txt" / "p1").mkdir(parents=True)
    (folder / "txt" / "p1" / "p1_001.txt").write_text("One | two\nthree.")
    (folder / "wav48" / "p2" / "text.wav").write_text("hello")
    return folder


def test_any_corpus_becomes_flac_and_metadata(monkeypatch, tmp_path, corpus, capsys):
    out = tmp_path / "out"
    convert(monkeypatch, corpus, "--out", out)
    written = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    recordings = ["wavs/p1/p1_001.flac", "wavs/p2/p2_001-wav.flac", "wavs/p2/p2_001.flac"]
    assert written == ["manifest.json", "metadata.csv", *recordings]
    for name in recordings:
        info = soundfile.info(out / name)
        assert (info.samplerate, info.channels, info.subtype) == (16000, 1, "PCM_16")
    assert (
        out / "metadata.csv"
    ).read_text() == "p1/p1_001|One two three.|One two three.\np2/p2_001||\np2/p2_001-wav||\n"

    manifest = Manifest.load(out / "manifest.json")
    again = index_corpus(out)
    assert {file.name: file.num_samples for file in manifest.files} == {
        "p1/p1_001": 1600,
        "p2/p2_001": 1600,
        "p2/p2_001-wav": 800,
    }
    for field in ("path", "num_samples", "speaker", "name"):
        assert {getattr(file, field) for file in again.files} == {getattr(file, field) for file in manifest.files}
    assert again.files[0].text == "One two three."
    expected = load_audio(corpus / "wav48" / "p1" / "p1_001.wav", 16000)
    np.testing.assert_allclose(load_audio(out / recordings[0], 16000), expected, rtol=0, atol=2**-16)

    printed = capsys.readouterr().out.splitlines()
    assert [line.split() for line in printed[:5]] == [
        ["speaker", "files", "minutes"],
        ["p1", "1", "0.0"],
        ["p2", "2", "0.0"],
        ["accepted", "3", "0.0"],
        ["rejected", "1"],
    ]
    assert "text.wav: expected a whole audio file." in printed[5]


def test_sixteen_bits_are_kept_to_the_bit(tmp_path):
    levels = np.random.default_rng(0).integers(-32768, 32768, 5000).astype(np.int16)
    soundfile.write(tmp_path / "clip.wav", levels, 16000)
    prepare.write_flac(tmp_path / "deep" / "clip.flac", load_audio(tmp_path / "clip.wav", 16000), 16000)
    np.testing.assert_array_equal(soundfile.read(tmp_path / "deep" / "clip.flac", dtype="int16")[0], levels)


def test_full_scale_does_not_wrap(tmp_path):
    prepare.write_flac(tmp_path / "clip.flac", np.float32([1.0, -1.0]), 16000)
    np.testing.assert_array_equal(soundfile.read(tmp_path / "clip.flac", dtype="int16")[0], [32767, -32768])


def test_a_second_run_writes_only_what_is_missing_or_changed(monkeypatch, tmp_path, corpus):
    out = tmp_path / "out"
    convert(monkeypatch, corpus, "--out", out)
    targets = sorted(out.rglob("*.flac"))
    for target in targets:
        os.utime(target, ns=(10**18, 10**18))
    for source in corpus.rglob("*.*"):
        os.utime(source, ns=(10**17, 10**17))
    targets[0].unlink()
    os.utime(corpus / "wav48" / "p2" / "p2_001.wav", ns=(2 * 10**18, 2 * 10**18))
    convert(monkeypatch, corpus, "--out", out)
    kept = [target.stat().st_mtime_ns == 10**18 for target in targets]
    assert kept == [False, False, True]
    convert(monkeypatch, corpus, "--out", out, "--sample-rate", 8000)
    assert {soundfile.info(target).samplerate for target in targets} == {8000}


def test_a_broken_run_leaves_whole_files_only(monkeypatch, tmp_path, corpus, capsys):
    out = tmp_path / "out"
    write = soundfile.write

    def write_to_a_full_disk(path, *arguments, **kwargs):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100 if b"p2_001" in path else soft, hard))
        try:
            write(path, *arguments, **kwargs)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    with monkeypatch.context() as patched, pytest.raises(SystemExit) as exited:
        patched.setattr(soundfile, "write", write_to_a_full_disk)
        convert(monkeypatch, corpus, "--out", out)
    assert "Is the disk full?" in capsys.readouterr().err
    assert exited.value.code == 2
    assert [path.name for path in out.rglob("*") if path.is_file()] == ["p1_001.flac"]
    convert(monkeypatch, corpus, "--out", out)
    assert len(index_corpus(out).files) == 3


def test_silence_is_trimmed_on_request(monkeypatch, tmp_path):
    waveform = np.zeros(16000)
    waveform[8000:8100] = 0.5
    (tmp_path / "corpus").mkdir()
    soundfile.write(tmp_path / "corpus" / "clip.wav", waveform, 16000)
    convert(monkeypatch, tmp_path / "corpus", "--out", tmp_path / "out", "--trim-silence", "--silence-db", -40)
    (file,) = Manifest.load(tmp_path / "out" / "manifest.json").files
    assert (file.start, file.num_samples) == (0, 100 + 2 * 800)
    np.testing.assert_allclose(file.load(16000), waveform[7200:8900], rtol=0, atol=2**-15)


def test_files_of_a_speaker_are_joined_on_request(monkeypatch, tmp_path):
    for speaker, count in (("ann", 5), ("bob", 2)):
        (tmp_path / "corpus" / speaker).mkdir(parents=True)
        for i in range(count):
            soundfile.write(tmp_path / "corpus" / speaker / f"{i}.wav", np.full(400, 0.1 * (i + 1)), 1000)
    for _ in range(2):
        convert(monkeypatch, tmp_path / "corpus", "--out", tmp_path / "out", "--sample-rate", 1000, "--join-seconds", 1)
        files = {file.name: file for file in index_corpus(tmp_path / "out", 1000).files}
        lengths = {name: file.num_samples for name, file in files.items()}
        assert lengths == {"ann/0000": 1200, "ann/0001": 800, "bob/0000": 800}
        assert {file.speaker for file in files.values()} == {"ann", "bob"}
        heard = np.rint(10 * np.concatenate([files["ann/0000"].load(1000), files["ann/0001"].load(1000)])[::400])
        assert sorted(heard) == [1, 2, 3, 4, 5] != heard.tolist()


def test_texts_are_joined_with_their_files(tmp_path, monkeypatch):
    (tmp_path / "corpus" / "wavs").mkdir(parents=True)
    for name in ("a", "b"):
        record(tmp_path / "corpus" / "wavs" / f"{name}.wav")
    (tmp_path / "corpus" / "metadata.csv").write_text("a|one\nb|two\n")
    convert(monkeypatch, tmp_path / "corpus", "--out", tmp_path / "out", "--join-seconds", 60)
    (file,) = index_corpus(tmp_path / "out").files
    assert file.num_samples == 3200 and sorted(file.text.split()) == ["one", "two"]


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (None, [], "expected a folder of recordings. Received: no such folder."),
        ({}, [], "Received: an empty folder."),
        ({"a.txt": b"text", "b.txt": b"text"}, [], "Received: 2 files, none of them audio."),
        ({"a.wav": b"text"}, [], "Received: 1 files, all rejected, first a.wav: expected a whole audio file."),
        ({"a.wav": b""}, [], "a.wav: expected at least 1 sample. Received: 0 samples."),
        ({"a.wav": b""}, ["--sample-rate", "7"], "expected a sample rate from 1000 to 384000 Hz. Received: 7 Hz."),
        ({"a.wav": b""}, ["--sample-rate", "fast"], "sample-rate"),
        ({"a.wav": b""}, ["--join-seconds", "-1"], "Expected join_seconds to be at least 0"),
    ],
)
def test_bad_input_is_one_line_and_code_2(monkeypatch, tmp_path, capsys, content, arguments, message):
    folder = tmp_path / "corpus"
    if content is not None:
        folder.mkdir()
        for name, data in content.items():
            (folder / name).write_bytes(data)
    with pytest.raises(SystemExit) as exited:
        convert(monkeypatch, folder, "--out", tmp_path / "out", *arguments)
    assert exited.value.code == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert not (tmp_path / "out").exists()


def test_the_corpus_is_not_written_into_itself(monkeypatch, tmp_path, corpus, capsys):
    with pytest.raises(SystemExit):
        convert(monkeypatch, corpus, "--out", corpus / "out")
    assert "expected a folder outside" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="names of files are text there")
def test_names_that_are_not_utf8(monkeypatch, tmp_path, capsys):
    corpus, out = tmp_path / os.fsdecode(b"Caf\xe9"), tmp_path / os.fsdecode(b"out\xe9")
    record(tmp_path / "clip.wav")
    (corpus / os.fsdecode(b"Ren\xe9")).mkdir(parents=True)
    (tmp_path / "clip.wav").rename(corpus / os.fsdecode(b"Ren\xe9/na\xefve.wav"))
    (corpus / os.fsdecode(b"\xe9.wav")).write_text("no audio")
    for _ in range(2):
        convert(monkeypatch, corpus, "--out", out)
        assert (out / "metadata.csv").read_text(encoding="utf-8") == "René/naïve||\n"
    printed = capsys.readouterr().out
    assert "\nRené " in printed
    assert f"{tmp_path}/Caf\\udce9/\\udce9.wav: expected a whole audio file." in printed
    assert [(file.name, file.num_samples) for file in index_corpus(out).files] == [("René/naïve", 1600)]
    with pytest.raises(SystemExit):
        convert(monkeypatch, corpus / "none", "--out", out)
    assert "Caf\\udce9/none: expected a folder" in capsys.readouterr().err


def test_names_are_never_given_twice():
    paths = ("clip.flac", "clip.wav", "wavs/clip.wav", "wav/clip.wav")
    files = [AudioFile(Path(path), 100, name="clip") for path in paths]
    names = prepare.name_files(files)
    assert list(names) == ["clip", "clip-wav", "clip-wav-2", "clip-wav-3"]
    assert list(names.values()) == files
