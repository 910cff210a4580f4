"""Shards: what lies in them, what is kept, what is refused; and that they train as the corpus they were made of."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tf_wavenet.data import AudioError, Manifest, index_corpus
from tf_wavenet.data.corpus_listing import CorpusListing
from tf_wavenet.data.shards import COMPLETE, is_sharded, load_shards
from training import prepare
from training.cli.command_line import run
from training.corpora.read_corpus import read_corpus
from training.sharding import pipeline
from training.sharding import shard as sharding
from training.sharding.encode import encode
from training.sharding.encoder_process import EncoderProcess
from training.sharding.shard import plan_shards, write_shard

pytest.importorskip("array_record.python.array_record_module")
pytest.importorskip("apache_beam")
tfds = pytest.importorskip("tensorflow_datasets")


def record(path, samples, rate=8000, **kwargs):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(samples).normal(0, 0.1, samples).clip(-1, 1)
    soundfile.write(path, noise, rate, **kwargs)


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    for number in range(5):
        record(folder / "wavs" / "p1" / f"{number}.wav", 1000 + number)
    record(folder / "wavs" / "p2" / "long.flac", 4800, 16000)
    record(folder / "wavs" / "p1" / "0.flac", 1000)  # of 0.wav: one recording in two formats
    (folder / "wavs" / "p2" / "broken.wav").write_text("hello")
    (folder / "metadata.csv").write_text("p1/3|Three.\np9/9|Nobody.\n")
    return folder


class Here:
    """In place of an `EncoderProcess`, so that no process must start."""

    encode = staticmethod(encode)


@pytest.fixture
def here(monkeypatch):
    """Shards are written in this process, in order, without Beam."""
    monkeypatch.setattr(sharding, "_encoder", lambda limit_seconds: Here)
    monkeypatch.setattr(pipeline, "_run", lambda tasks, options: [write_shard(task) for task in tasks])


def convert(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["prepare", *map(str, arguments)])
    run(prepare.main)


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_shards_hold_what_the_corpus_holds(monkeypatch, tmp_path, corpus, here, capsys):
    out = tmp_path / "out"
    convert(monkeypatch, corpus, "--out", out, "--shards", 2, "--sample-rate", 8000)
    assert "accepted" in capsys.readouterr().out
    assert is_sharded(out) and not is_sharded(corpus)
    ours, theirs = read_corpus(out, 8000), index_corpus(corpus, 8000)
    assert [(file.name, file.speaker, file.text, file.num_samples) for file in ours.files] == [
        (file.name, file.speaker, file.text, file.num_samples) for file in theirs.files
    ]
    for a, b in zip(ours.files, theirs.files, strict=True):
        np.testing.assert_allclose(a.load(8000), b.load(8000), atol=0.5 / 32768 + 1e-7)
    reasons = {Path(path).name: reason for path, reason in ours.rejected}
    assert reasons.keys() == {Path(path).name for path, _ in theirs.rejected}
    assert len({file.shard for file in ours.files}) == 2
    # A manifest of shards is saved and read like any other.
    ours.save(tmp_path / "manifest.json")
    again = Manifest.load(tmp_path / "manifest.json")
    np.testing.assert_array_equal(again.files[3].load(8000), ours.files[3].load(8000))


def test_16_bit_recordings_come_back_to_the_bit(monkeypatch, tmp_path, corpus, here):
    convert(monkeypatch, corpus, "--out", tmp_path / "out", "--shards", 2, "--sample-rate", 8000)
    for file in load_shards(tmp_path / "out").files:
        if file.speaker == "p1" and file.name != "p1/0":
            original = next((corpus / "wavs").glob(f"{file.name}.*"))
            np.testing.assert_array_equal(file.load(8000), soundfile.read(original, dtype="float32")[0])


def test_tfds_reads_the_folder(monkeypatch, tmp_path, corpus, here):
    convert(monkeypatch, corpus, "--out", tmp_path / "out", "--shards", 2, "--sample-rate", 8000)
    source = tfds.builder_from_directory(tmp_path / "out").as_data_source("train")
    files = {file.name: file for file in load_shards(tmp_path / "out").files}
    assert len(source) == len(files) == 6
    for example in source:
        file = files.pop(example["id"].decode())
        np.testing.assert_array_equal(example["audio"].astype(np.float32) / 32768.0, file.load(8000))
        assert (example["speaker"].decode(), example["text"].decode()) == (file.speaker, file.text or "")
        assert len(example["checksum"]) == 64


def test_tfds_is_a_corpus(monkeypatch, tmp_path, corpus, here):
    convert(monkeypatch, corpus, "--out", tmp_path / "out", "--shards", 2, "--sample-rate", 8000)
    name = f"tfds:{tmp_path / 'out'}"
    manifest, shards = read_corpus(Path(name), 4000), load_shards(tmp_path / "out")
    assert {(file.speaker, file.text) for file in manifest.files} == {
        (file.speaker, file.text) for file in shards.files
    }
    manifest.save(tmp_path / "manifest.json")
    for file in Manifest.load(tmp_path / "manifest.json").files:
        assert len(file.load(4000)) == file.num_samples and str(file.shard) == name
    convert(monkeypatch, name, "--out", tmp_path / "flac", "--sample-rate", 8000)
    assert len(list((tmp_path / "flac").rglob("*.flac"))) == 6


def test_what_is_there_is_kept_and_bytes_do_not_depend_on_it(monkeypatch, tmp_path, corpus, here):
    flags = "--shards", 3, "--sample-rate", 8000, "--trim-silence"
    convert(monkeypatch, corpus, "--out", tmp_path / "whole", *flags)
    convert(monkeypatch, corpus, "--out", tmp_path / "broken", *flags)
    # As a kill leaves it: one shard without its index, one that was never begun, one half-written.
    (tmp_path / "broken" / COMPLETE).unlink()
    (tmp_path / "broken" / "index" / "00000-of-00003.json").unlink()
    (tmp_path / "broken" / "index" / "00001-of-00003.json").unlink()
    (tmp_path / "broken" / "audio-train.array_record-00001-of-00003").unlink()
    (tmp_path / "broken" / "partial-audio-train.array_record-00001-of-00003").write_bytes(b"half")
    with pytest.raises(AudioError, match="finish with training.prepare"):
        read_corpus(tmp_path / "broken", 8000)
    written = []
    monkeypatch.setattr(pipeline, "_run", lambda tasks, options: written.extend(write_shard(task) for task in tasks))
    convert(monkeypatch, corpus, "--out", tmp_path / "broken", *flags)
    assert written == [0, 1]
    assert contents(tmp_path / "broken") == contents(tmp_path / "whole")
    # A changed recording: its shard is written anew.
    written.clear()
    os.utime(corpus / "wavs" / "p1" / "2.wav", (2e9, 2e9))
    convert(monkeypatch, corpus, "--out", tmp_path / "broken", *flags)
    assert len(written) == 1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda shard: shard.write_bytes(shard.read_bytes()[:-100]), "not whole; prepare it anew"),
        (lambda shard: shard.unlink(), "expected a shard. Received: No such file"),
        (
            lambda shard: (shard.parent / "index" / "00000-of-00001.json").write_text("{"),
            "what training.prepare writes",
        ),
        (lambda shard: (shard.parent / COMPLETE).write_text("[]"), "what training.prepare writes"),
    ],
)
def test_a_damaged_folder_is_refused(monkeypatch, tmp_path, corpus, here, damage, message):
    convert(monkeypatch, corpus, "--out", tmp_path / "out", "--shards", 1, "--sample-rate", 8000)
    damage(next((tmp_path / "out").glob("audio-train*")))
    with pytest.raises(AudioError, match=message):
        load_shards(tmp_path / "out")


def test_a_damaged_record_is_named(monkeypatch, tmp_path, corpus, here):
    convert(monkeypatch, corpus, "--out", tmp_path / "out", "--shards", 1, "--sample-rate", 8000)
    files = load_shards(tmp_path / "out").files
    shard = files[0].shard
    content = bytearray(shard.read_bytes())
    for position in range(1000, len(content) // 2, 1000):
        content[position] ^= 255
    shard.write_bytes(content)
    errors = []
    for file in load_shards(tmp_path / "out").files:
        try:
            file.load(8000)
        except AudioError as error:
            errors.append(str(error))
    assert errors and all("expected record" in error and "\n" not in error for error in errors)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--shards", "-1"), "shards to be at least 0"),
        (("--shards", "2", "--workers", "0"), "workers to be positive"),
        (("--shards", "2", "--join-seconds", "3"), "no --join-seconds with --shards"),
    ],
)
def test_wrong_flags_are_refused(monkeypatch, tmp_path, corpus, flags, message, capsys):
    with pytest.raises(SystemExit) as exit_:
        convert(monkeypatch, corpus, "--out", tmp_path / "out", *flags)
    assert exit_.value.code == 2 and message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_other_rates_and_numbers_of_shards_are_refused(monkeypatch, tmp_path, corpus, here, capsys):
    convert(monkeypatch, corpus, "--out", tmp_path / "out", "--shards", 2, "--sample-rate", 8000)
    with pytest.raises(AudioError, match="sample rate of its shards, 8000 Hz. Received: 16000 Hz"):
        read_corpus(tmp_path / "out", 16000)
    with pytest.raises(SystemExit):
        convert(monkeypatch, corpus, "--out", tmp_path / "out", "--shards", 3, "--sample-rate", 8000)
    assert "expected no folder, or one of 3 shards" in capsys.readouterr().err


def test_every_recording_goes_to_one_shard(corpus):
    recordings = CorpusListing(corpus).recordings
    shards = plan_shards(recordings, 3)
    assert sorted(each.path for shard in shards for each in shard) == [each.path for each in recordings]
    assert [{each.name for each in shard} & {"p1/0"} for shard in shards].count({"p1/0"}) == 1


def test_a_full_disk_is_named(monkeypatch, tmp_path, corpus, here, capsys):
    class Writer:
        def __init__(self, *_):
            pass

        write = close = __init__

    monkeypatch.setattr("array_record.python.array_record_module.ArrayRecordWriter", Writer)
    with pytest.raises(SystemExit):
        convert(monkeypatch, corpus, "--out", tmp_path / "out", "--shards", 1, "--sample-rate", 8000)
    assert "Is the disk full?" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*array_record*"))


@pytest.mark.large
def test_a_file_that_hangs_or_crashes_its_decoder_is_lost_alone(tmp_path, monkeypatch):
    # A module of ours before the package's: a decoder with two faults.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys, time\n"
        "if 'encoder_main' in ' '.join(sys.orig_argv):\n"
        "    import soundfile\n"
        "    start = soundfile.SoundFile.__init__\n"
        "    def faulty(self, path, *rest, **options):\n"
        "        if 'b-hang' in str(getattr(path, 'name', path)): time.sleep(1000)\n"
        "        if 'd-crash' in str(getattr(path, 'name', path)): os.abort()\n"
        "        return start(self, path, *rest, **options)\n"
        "    soundfile.SoundFile.__init__ = faulty\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{Path(__file__).parents[3]}")
    folder = tmp_path / "corpus"
    for name in ("a", "b-hang", "c", "d-crash", "e"):
        record(folder / f"{name}.wav", 800)
    recordings = {each.name: each for each in CorpusListing(folder).recordings}
    process, outcomes = EncoderProcess(limit_seconds=3.0), {}
    try:
        for name, recording in recordings.items():
            try:
                outcomes[name] = process.encode(recording, 8000, None).file.num_samples
            except AudioError as error:
                outcomes[name] = error.reason
    finally:
        process.close()
    assert outcomes == {
        "a": 800,
        "b-hang": "expected to decode it. Received: more than 3 seconds.",
        "c": 800,
        "d-crash": "expected to decode it. Received: exit code -6.",
        "e": 800,
    }


@pytest.mark.large
def test_beam_writes_the_same_bytes_with_any_number_of_workers(tmp_path, corpus, monkeypatch, here):
    convert(monkeypatch, corpus, "--out", tmp_path / "here", "--shards", 3, "--sample-rate", 8000)
    for workers in (1, 2):
        command = [sys.executable, "-m", "training.prepare", str(corpus), "--out", str(tmp_path / str(workers))]
        flags = ["--shards", "3", "--sample-rate", "8000", "--workers", str(workers)]
        done = subprocess.run([*command, *flags], cwd=Path(__file__).parents[3], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert contents(tmp_path / str(workers)) == contents(tmp_path / "here")
        lengths = json.loads((tmp_path / str(workers) / COMPLETE).read_text())["splits"][0]["shardLengths"]
        assert sum(map(int, lengths)) == 6
