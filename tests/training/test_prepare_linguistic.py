"""Features of corpora: from label files, from espeak-ng, and what is refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from training import make_sample_corpus, prepare_linguistic
from training.cli.command_line import run
from training.text.labels import read_labels, write_htk
from training.text.linguistic import features_of_text, linguistic_features
from training.text.linguistic_spec import LinguisticSpec
from training.text.phonemes import Phone, espeak_version

pytest.importorskip("pyworld", reason="needs pyworld", exc_type=ImportError)
SAMPLE_CORPUS = Path(make_sample_corpus.__file__).parent / "sample_corpus"
TEXTGRID = """File type = "ooTextFile"
Object class = "TextGrid"
0 0.3 <exists> 1 "IntervalTier" "sounds" 0 0.3 2 0 0.1 "" 0.1 0.3 "b"
"""

try:
    VERSION = espeak_version()
except ValueError:
    VERSION = None
needs_1_51 = pytest.mark.skipif(VERSION != "1.51", reason=f"needs espeak-ng 1.51, not {VERSION}")


def prepare(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["prepare_linguistic", *map(str, arguments)])
    run(prepare_linguistic.main)


@pytest.fixture
def corpus(tmp_path):
    """Two recordings of 0.3 s, of no voice and of 125 Hz, with their labels in another folder."""
    waveform = 0.3 * np.sign(np.sin(2 * np.pi * 125 * np.arange(4800) / 16000))
    for name, amplitude in (("ann/one.take", 0.0), ("ann/two", 1.0)):
        path = tmp_path / "corpus" / "wavs" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, amplitude * waveform, 16000)
    write_htk(tmp_path / "labels" / "ann" / "one.take.lab", [Phone("a", 0.0, 0.2), Phone("c", 0.2, 0.29)])
    (tmp_path / "labels" / "ann" / "two.TextGrid").write_text(TEXTGRID)
    return tmp_path / "corpus"


def test_features_from_label_files(monkeypatch, tmp_path, corpus, capsys):
    out = tmp_path / "out"
    options = ["--labels", tmp_path / "labels", "--tier", "sounds", "--hop-length", 160, "--f0-ceil", 300]
    prepare(monkeypatch, corpus, "--out", out, *options)
    assert capsys.readouterr().out.splitlines()[0] == "4 phones: _ a b c"
    written = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert written == ["ann/one.take.npz", "ann/two.npz", "spec.json"]
    spec = LinguisticSpec.load(out / "spec.json")
    assert spec == LinguisticSpec(("_", "a", "b", "c"), 16000, 160, 60.0, 300.0)

    silent = np.load(out / "ann" / "one.take.npz")["features"]
    phones = read_labels(tmp_path / "labels" / "ann" / "one.take.lab")
    np.testing.assert_array_equal(silent, linguistic_features(phones, np.zeros(30), spec))
    voiced = np.load(out / "ann" / "two.npz")["features"]
    assert voiced.shape == (30, spec.num_channels)
    assert voiced.dtype == np.float32
    assert voiced[:, :4].argmax(axis=1).tolist() == [0] * 10 + [2] * 20
    pitch = 60.0 * 5.0 ** voiced[3:-3, spec.channel_names.index("log F0")]
    np.testing.assert_allclose(pitch, 125.0, rtol=0.01)


@needs_1_51
def test_features_of_the_sample_corpus_are_those_of_its_texts(monkeypatch, tmp_path):
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    names = ["female/03", "male/05"]
    for name in names:
        target = corpus / "wavs" / f"{name}.flac"
        target.parent.mkdir(parents=True)
        shutil.copy(SAMPLE_CORPUS / "wavs" / f"{name}.flac", target)
    rows = (SAMPLE_CORPUS / "metadata.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (corpus / "metadata.csv").write_text("".join(row for row in rows if row.split("|")[0] in names), encoding="utf-8")
    prepare(monkeypatch, corpus, "--out", out)
    spec = LinguisticSpec.load(out / "spec.json")
    for name in names:
        features = np.load(out / f"{name}.npz")["features"]
        speaker, number = name.split("/")
        text = make_sample_corpus.SENTENCES[speaker][int(number) - 1]
        spoken = features_of_text(text, make_sample_corpus.VOICES[speaker], spec)
        # Of the recording, rounded to 16 bits, only the pitch is measured anew.
        np.testing.assert_array_equal(features[:, :-2], spoken[:, :-2])
        assert np.mean(features[:, -2] == spoken[:, -2]) > 0.97
        assert np.median(np.abs(features[:, -1] - spoken[:, -1])) < 1e-3

    # What espeak-ng says of the timing is written too, and read again in its stead.
    prepare(monkeypatch, corpus, "--out", tmp_path / "again", "--labels", out)
    for name in names:
        pair = (np.load(folder / f"{name}.npz")["features"] for folder in (out, tmp_path / "again"))
        np.testing.assert_allclose(*pair, rtol=0, atol=1e-4)


@pytest.mark.skipif(VERSION is None, reason="needs espeak-ng's library or espeakng-loader")
def test_a_recording_that_is_not_espeaks_is_refused(monkeypatch, tmp_path, capsys):
    path = tmp_path / "corpus" / "wavs" / "male" / "01.wav"
    path.parent.mkdir(parents=True)
    soundfile.write(path, np.full(8000, 0.1), 16000)
    (tmp_path / "corpus" / "metadata.csv").write_text("male/01|Hello.\n")
    with pytest.raises(SystemExit) as exited:
        prepare(monkeypatch, tmp_path / "corpus", "--out", tmp_path / "out")
    assert exited.value.code == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert f"01.wav: expected what espeak-ng {VERSION} speaks for its text" in line
    assert "Received: another waveform, 8000 samples where espeak-ng speaks" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "one.take.wav: expected a text, and a speaker out of female, male, as in the sample corpus; or --labels"),
        (["--labels", "labels"], "two.TextGrid: expected a tier of intervals named 'phones'. Received: sounds."),
        (["--labels", "nowhere"], "one.take.TextGrid: expected a label file of"),
        (["--labels", "labels", "--tier", "sounds", "--f0-floor", "300"], "Expected f0_ceil to be 600 to 4000 Hz."),
        (["--labels", "labels", "--tier", "sounds", "--sample-rate", "1"], "Expected sample_rate to be 1000 to 384000"),
    ],
)
def test_bad_input_is_one_line_and_code_2(monkeypatch, tmp_path, corpus, capsys, options, message):
    options = [tmp_path / option if option in ("labels", "nowhere") else option for option in options]
    with pytest.raises(SystemExit) as exited:
        prepare(monkeypatch, corpus, "--out", tmp_path / "out", *options)
    assert exited.value.code == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert not (tmp_path / "out").exists()


def test_labels_longer_than_the_recording_leave_no_spec(monkeypatch, tmp_path, corpus, capsys):
    write_htk(tmp_path / "labels" / "ann" / "two.lab", [Phone("a", 0.0, 0.2), Phone("c", 0.3, 0.5)])
    (tmp_path / "labels" / "ann" / "two.TextGrid").unlink()
    with pytest.raises(SystemExit):
        prepare(monkeypatch, corpus, "--out", tmp_path / "out", "--labels", tmp_path / "labels")
    assert "two.wav: expected a recording as long as its labels. Received: 0.30 s, and a phone at 0.30 s." in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "out" / "spec.json").exists()
