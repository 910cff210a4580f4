"""Tables of what is said in which recording."""

import json
import os

import numpy as np
import pytest
import soundfile

from tf_wavenet.data import index_corpus


def record(path, samples=1600):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * np.sin(np.arange(samples)), 16000)
    return path


@pytest.fixture
def corpus(tmp_path):
    record(tmp_path / "wavs" / "a.wav")
    record(tmp_path / "wavs" / "b.wav", 800)
    return tmp_path


def texts(folder):
    manifest = index_corpus(folder)
    assert manifest.rejected == ()
    return {file.name: file.text for file in manifest.files}


@pytest.mark.parametrize(
    "table",
    [
        "a|One.\nb|Two, three.\n",
        "a.wav|One.\nb.wav|Two, three.\n",
        "wavs/a.wav|One.\n./wavs/b.wav|Two, three.\n",
        "wavs\\a.wav|One.\r\nwavs\\b.wav|Two, three.\r\n",
        "wavs/a|1.|One.\nwavs/b|2|Two, three.\n",
        "audio_file|text|speaker_name\nwavs/a.wav|One.|ann\nwavs/b.wav|Two, three.|ann\n",
        "id|transcription|normalized transcription\na|1.|One.\nb|2|Two, three.\n",
        'file_name,transcription\nwavs/a.wav,One.\nwavs/b.wav,"Two, three."\n',
        'transcription,file_name\nOne.,a.wav\n"Two,\nthree.",b.wav\n',
        "File Name\ttext\nwavs/a.wav\tOne.\nwavs/b.wav\tTwo, three.\n",
        'wavs/a.wav,One.\nwavs/b.wav,"Two, three."\n',
        "a.flac|One.\nb.mp3|Two, three.\n",  # converted since
    ],
)
def test_forms_of_metadata_csv(corpus, table):
    (corpus / "metadata.csv").write_text(table, encoding="utf-8", newline="")
    assert texts(corpus) == {"a": "One.", "b": "Two, three."}


@pytest.mark.parametrize("keys", [("file_name", "transcription"), ("audio_filepath", "text")])
def test_metadata_jsonl(corpus, keys):
    rows = [dict(zip(keys, row, strict=True)) for row in (("wavs/a.wav", "One."), (str(corpus / "wavs/b.wav"), "Two."))]
    (corpus / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    assert texts(corpus) == {"a": "One.", "b": "Two."}


def test_tables_in_folders_below(tmp_path):
    record(tmp_path / "train" / "a.wav")
    record(tmp_path / "test" / "wavs" / "a.wav")
    (tmp_path / "train" / "metadata.csv").write_text("file_name,text\na.wav,One.\n")
    (tmp_path / "test" / "metadata.csv").write_text("a|Two.\n")
    assert texts(tmp_path) == {"train/a": "One.", "test/wavs/a": "Two."}


@pytest.mark.parametrize("separator", ["\u2028", "\x0c", "\x0b", "\x85", "\x1c"])
@pytest.mark.parametrize("form", ["a|One{}two.\nb|Three.\n", "file_name,text\na.wav,One{}two.\nb.wav,Three.\n"])
def test_separators_inside_texts_end_no_row(corpus, separator, form):
    (corpus / "metadata.csv").write_text(form.format(separator), encoding="utf-8")
    assert texts(corpus) == {"a": "One two.", "b": "Three."}


def test_names_of_either_normal_form(tmp_path):
    record(tmp_path / "cafe\u0301.wav")
    (tmp_path / "metadata.csv").write_text("caf\u00e9.wav|One.\n", encoding="utf-8")
    assert texts(tmp_path) == {"cafe\u0301": "One."}


@pytest.mark.parametrize(
    ("name", "table", "reason"),
    [
        (
            "metadata.csv",
            "speaker,age\nann,30\n",
            "expected id|text lines, or a header with a column file_name. Received: 'speaker,age'.",
        ),
        (
            "metadata.csv",
            "wavs/a.wav,One, two.\n",
            "expected id|text lines, or a header with a column file_name. Received: 'wavs/a.wav,One, two.'.",
        ),
        (
            "metadata.jsonl",
            '{"file_name": "a.wav"}\n{"text"',
            """expected lines such as {"file_name": "a.wav", "text": "Hello."}. Received: '{"text"' in line 2.""",
        ),
    ],
)
def test_tables_that_are_not_understood_are_named(corpus, name, table, reason):
    (corpus / name).write_text(table)
    manifest = index_corpus(corpus)
    assert manifest.rejected == ((corpus / name, reason),)
    assert [file.text for file in manifest.files] == [None, None]


def test_rows_without_a_recording_are_named_as_they_stand(corpus):
    (corpus / "metadata.csv").write_text("file_name,text\na.wav,One.\nc.wav,Two.\n")
    assert index_corpus(corpus).rejected == ((corpus / "c.wav", "named in metadata.csv. Received: no such file."),)


def twins(folder):
    manifest = index_corpus(folder)
    return [file.path.name for file in manifest.files], {path.name: reason for path, reason in manifest.rejected}


def test_one_recording_in_two_formats_is_read_once(tmp_path):
    for suffix in ("flac", "mp3", "ogg"):
        record(tmp_path / f"a.{suffix}")
    reason = "expected one file a recording. Received: another of a.flac, which is kept."
    assert twins(tmp_path) == (["a.flac"], {"a.mp3": reason, "a.ogg": reason})
    (tmp_path / "metadata.csv").write_text("a.ogg|One.\n")
    reason = reason.replace("a.flac", "a.ogg")
    assert twins(tmp_path) == (["a.ogg"], {"a.flac": reason, "a.mp3": reason})
    (tmp_path / "a.ogg").write_bytes(b"broken")
    kept, rejected = twins(tmp_path)
    assert kept == ["a.flac"]
    assert rejected["a.ogg"].startswith("expected a whole audio file")


def test_two_recordings_of_one_name_are_both_read(tmp_path):
    record(tmp_path / "a.flac", 16000)
    record(tmp_path / "a.mp3", 32000)
    record(tmp_path / "b.flac")
    record(tmp_path / "b.wav")
    record(tmp_path / "c.flac", 800)
    record(tmp_path / "c.wav", 1600)
    (tmp_path / "metadata.csv").write_text("b.flac|One.\nb.wav|Two.\n")
    assert twins(tmp_path) == (["a.flac", "a.mp3", "b.flac", "b.wav", "c.flac", "c.wav"], {})


@pytest.mark.skipif(os.name == "nt", reason="names of files are text there")
def test_names_that_are_not_utf8(tmp_path):
    from tf_wavenet.data import Manifest

    folder = tmp_path / os.fsdecode(b"Ren\xe9")
    folder.mkdir()
    record(tmp_path / "plain.wav").rename(folder / os.fsdecode(b"caf\xe9.wav"))
    (folder / os.fsdecode(b"na\xefve.wav")).write_text("no audio")
    manifest = index_corpus(tmp_path)
    (file,) = manifest.files
    assert (file.name, file.speaker) == ("René/café", "René")
    manifest.save(tmp_path / "manifest.json")
    json.loads((tmp_path / "manifest.json").read_bytes().decode("utf-8"))
    assert Manifest.load(tmp_path / "manifest.json") == manifest
    assert Manifest.load(tmp_path / "manifest.json").files[0].load(16000).shape == (1600,)
