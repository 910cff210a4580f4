"""Indexing before the eyes of the user."""

from pathlib import Path

import pytest

from tf_wavenet.data import AudioError
from training.corpora.read_corpus import read_corpus


def test_files_left_out_are_named(corpus, tmp_path, capsys):
    for path in corpus.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "bad.wav").write_text("no audio")
    manifest = read_corpus(tmp_path, 8000)
    assert len(manifest.files) == 7
    output = capsys.readouterr()
    assert f"left out: {tmp_path / 'bad.wav'}" in output.out + output.err


@pytest.mark.parametrize("bucket", ["gs://bucket/shards", "s3://bucket/shards"])
def test_a_bucket_is_named(bucket):
    with pytest.raises(AudioError, match="expected a folder. Received: a bucket.*mount or copy it.$"):
        read_corpus(Path(bucket), 8000)
