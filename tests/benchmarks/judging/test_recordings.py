from pathlib import Path

import numpy as np
import pytest

from benchmarks.judging.recordings import draw, read
from tf_wavenet.data import Manifest, index_corpus
from training.cli.wav import WavWriter
from training.runs.config import WaveNetConfig


@pytest.fixture
def corpus(tmp_path):
    """Ten files of a second, of which 4 is silent, with texts."""
    for number in range(10):
        with WavWriter(tmp_path / f"{number}.wav", 16000) as writer:
            writer.write(np.full(16000, 0.0 if number == 4 else 0.1))
    (tmp_path / "metadata.csv").write_text("".join(f"{n}|text {n}\n" for n in range(10)))
    return tmp_path


def names(files):
    return [file.name for file, _ in files]


def test_draws_until_there_is_enough_and_leaves_silence_out(corpus):
    manifest = index_corpus(corpus)
    assert len(draw(manifest, 2.5 / 60, 0)) == 3
    assert names(draw(manifest, 1.0, 0)) == [str(n) for n in range(10) if n != 4]
    assert names(draw(manifest, 3 / 60, 1)) == names(draw(manifest, 3 / 60, 1)) != names(draw(manifest, 3 / 60, 2))
    file, waveform = draw(manifest, 1.0, 0)[0]
    np.testing.assert_array_equal(waveform, file.load(16000))


def test_refuses_silence(corpus):
    manifest = index_corpus(corpus)
    with pytest.raises(ValueError, match="Expected recordings that are not silent. Received: 1 silent files"):
        draw(Manifest(16000, manifest.files[4:5]), 1.0, 0)


def test_reads_a_folder_with_its_texts(corpus):
    files, texts = read((), corpus, 16000, 2 / 60, 0)
    assert len(files) == 2 and texts == [f"text {n}" for n in range(10)]


def make_run(corpus, folder):
    folder.mkdir()
    WaveNetConfig(data=corpus, run=folder).save(folder / "config.json")
    training, validation = index_corpus(corpus).split(0.3)
    training.save(folder / "train.json")
    validation.save(folder / "validation.json")
    return training, validation


def test_takes_the_held_out_files_of_a_run_and_all_its_texts(corpus, tmp_path, capsys):
    _, validation = make_run(corpus, tmp_path / "run")
    files, texts = read((tmp_path / "run",), None, 16000, 1.0, 0)
    held_out = {file.name for file in validation.files} - {"4"}
    assert set(names(files)) == held_out
    assert sorted(texts) == [f"text {n}" for n in range(10)]
    assert "trained on" not in capsys.readouterr().err


def test_says_how_many_files_were_trained_on(corpus, tmp_path, capsys):
    training, _ = make_run(corpus, tmp_path / "run")
    read((tmp_path / "run",), corpus, 16000, 1.0, 0)
    count = len({file.name for file in training.files} - {"4"})
    assert f"note: {count} of these 9 files were trained on" in capsys.readouterr().err


def test_refuses_a_run_of_another_rate(corpus, tmp_path):
    make_run(corpus, tmp_path / "run")
    with pytest.raises(ValueError, match="Expected recordings at 22050 Hz. Received: a run at 16000 Hz"):
        read((tmp_path / "run",), None, 22050, 1.0, 0)


def test_refuses_a_model_without_run_or_data():
    with pytest.raises(ValueError, match="Expected --data, because no training run lies around alone.keras"):
        read((Path("alone.keras"),), None, 16000, 1.0, 0)
