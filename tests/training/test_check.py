"""Synthetic corpora, each with one fault planted: it is found, and nothing else is."""

import json

import matplotlib.image
import numpy as np
import pytest
import soundfile
import soxr

from training import check
from training.check import CheckConfig, find
from training.cli.command_line import run

RATE = 16000


def speech(seed, seconds=1.5, rate=RATE):
    """Something like speech: syllables of noise whose spectrum falls, pauses, and a quiet room."""
    random = np.random.default_rng(seed)
    samples = round(seconds * rate)
    syllables = np.maximum(0.0, np.sin(2 * np.pi * 3.0 * np.arange(samples) / rate + 0.5)) ** 0.5
    voice = np.convolve(random.normal(0, 0.06, samples), 0.7 ** np.arange(20))[:samples]
    return np.clip(syllables * voice, -0.8, 0.8) + random.normal(0, 10 ** (-75 / 20), samples)


def write(path, waveform, rate=RATE):
    soundfile.write(path, np.rint(waveform * 32767).astype("int16"), rate)


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(5):
        write(folder / f"clean{number}.wav", speech(number))
    return folder


def clip(waveform):
    return np.clip(3 * waveform, -0.5, 0.5) / 2


def planted(name):
    """Returns waveform, rate and the checks that should warn."""
    quiet = 10 ** (-75 / 20) * np.random.default_rng(1).normal(0, 1, 3 * RATE)
    return {
        "clipping": (clip(speech(9)), RATE, {"clipping"}),
        "offset": (speech(9) + 0.02, RATE, {"DC offset"}),
        "pauses": (np.insert(quiet, 20000, speech(9, 0.5)), RATE, {"silence"}),
        "beginning": (np.append(quiet[: int(0.7 * RATE)], speech(9, 3.0)), RATE, {"silence"}),
        "zeros": (np.append(speech(9, 0.5), np.zeros(2 * RATE)), RATE, {"silence", "log-mels"}),
        "quiet": (0.1 * speech(9), RATE, {"level"}),
        "upsampled": (soxr.resample(speech(9, rate=8000), 8000, RATE), RATE, {"band limit"}),
        "rate": (speech(9, rate=32000), 32000, {"sample rates"}),
        "copy": (speech(3), RATE, {"duplicates"}),
        "short": (speech(9, 0.1), RATE, {"length"}),
        "noise": (speech(9) + np.random.default_rng(2).normal(0, 0.02, 24000), RATE, {"noise floor"}),
    }[name]


FAULTS = ("clipping", "offset", "pauses", "beginning", "zeros", "quiet", "upsampled", "rate", "copy", "short", "noise")


def warnings(findings):
    return {c.name: c.files for c in findings.checks if c.verdict == "warn"}


def test_nothing_is_found_in_a_clean_corpus(corpus):
    findings = find(CheckConfig(corpus, receptive_field=2000))
    assert warnings(findings) == {}
    assert len(findings.measures) == 5
    assert findings.spectrum.shape == (257,)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_is_found_and_only_it(corpus, fault):
    waveform, rate, expected = planted(fault)
    write(corpus / "planted.flac", waveform, rate)
    found = warnings(find(CheckConfig(corpus, receptive_field=2000)))
    assert found.keys() == expected
    for files in found.values():
        assert [name.split()[0] for name in files] == ["planted"]


def test_damaged_files_are_found(corpus):
    (corpus / "broken.wav").write_text("no audio")
    assert warnings(find(CheckConfig(corpus, receptive_field=2000))) == {"unreadable": ("broken.wav",)}


def test_a_folder_of_silence(tmp_path):
    write(tmp_path / "silence.wav", np.zeros(RATE))
    assert warnings(find(CheckConfig(tmp_path, receptive_field=1))).keys() == {"silence", "log-mels"}


def command(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["check", *map(str, arguments)])
    run(check.main)


@pytest.mark.large
def test_table_and_picture(monkeypatch, corpus, tmp_path, capsys):
    write(corpus / "planted.wav", speech(9) + 0.02)
    command(monkeypatch, corpus, "--picture", tmp_path / "out" / "check.png")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"6 files, 0.1 minutes in {corpus}"
    rows = {line[:14].strip(): line[14:].split()[0] for line in lines[3:14]}
    assert len(rows) == 11
    assert [name for name, verdict in rows.items() if verdict != "ok"] == ["DC offset"]
    assert "DC offset, 1 file: planted" in lines
    assert any("high-pass" in line for line in lines)
    assert matplotlib.image.imread(tmp_path / "out" / "check.png").shape[:2] == (800, 1200)


def test_many_files_are_shortened(corpus):
    for number in range(7):
        write(corpus / f"planted{number}.wav", speech(20 + number) + 0.02)
    text = check.table(find(CheckConfig(corpus)).checks)
    assert "DC offset, 7 files: " in text and " and 2 more" in text


@pytest.mark.large
def test_json(monkeypatch, corpus, tmp_path, capsys):
    write(corpus / "planted.wav", speech(9) + 0.02)
    command(monkeypatch, corpus, "--json", "--picture", tmp_path / "check.png")
    report = json.loads(capsys.readouterr().out)
    assert report["files"] == 6
    (found,) = [c for c in report["checks"] if c["verdict"] == "warn"]
    assert found["name"] == "DC offset" and found["files"] == ["planted"]
    assert found["figures"]["worst_file"] == pytest.approx(0.02, abs=0.005)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "huge"], "huge"),
        (["--mel", "other"], "Expected a preset out of speech_16k"),
        (["--sample-rate", "7"], "1000 to 384000 Hz"),
        (["--receptive-field", "0"], "Expected receptive_field to be positive. Received: receptive_field=0"),
        (["--picture", "check.jpg"], "Expected picture to end in .png"),
    ],
)
def test_settings_that_do_not_exist_end_in_one_line_and_code_2(monkeypatch, corpus, capsys, arguments, message):
    with pytest.raises(SystemExit) as exited:
        command(monkeypatch, corpus, *arguments)
    assert exited.value.code == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and message in errors[0]


def test_places_without_audio_end_in_code_2(monkeypatch, tmp_path, capsys):
    (tmp_path / "a.wav").write_text("no audio")
    with pytest.raises(SystemExit) as exited:
        command(monkeypatch, tmp_path, "--picture", tmp_path / "check.png")
    assert exited.value.code == 2
    output = capsys.readouterr()
    assert "Received: 1 files, all rejected" in output.err
    assert output.out == ""
    assert not (tmp_path / "check.png").exists()
