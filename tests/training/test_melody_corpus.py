import shutil
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from benchmarks.tuning import describe
from training import melody_corpus
from training.cli.command_line import run
from training.melody_corpus import SCALE, TONIC, melody


def test_melodies_walk_over_the_scale():
    notes = melody((0, 1), 60.0)
    assert notes == melody((0, 1), 60.0) != melody((0, 2), 60.0)
    keys, velocities, lengths = map(np.array, zip(*notes, strict=True))
    assert set((keys - TONIC) % 12) == set(SCALE) and keys.min() >= 48 and keys.max() <= 79
    assert velocities.min() >= 1 and velocities.max() <= 127
    assert np.abs(np.diff(keys)).max() <= 5  # two steps
    assert 60.0 <= lengths.sum() < 60.0 + lengths.max() and set(lengths) == {0.25, 0.5}


@pytest.fixture
def player(monkeypatch, tmp_path):
    """A fluidsynth that plays each note as a sine; returns the list of its notes."""
    played = []

    def play(command, **_):
        rate, wav = int(command[6][2:]), command[7][2:]
        score = mido.MidiFile(command[-1])
        messages = [message for message in score if message.type == "note_off"]
        sound = [
            np.sin(2 * np.pi * 440 * 2 ** ((m.note - 69) / 12) * np.arange(m.time * rate) / rate) for m in messages
        ]
        played.append([(m.note, m.time) for m in messages])
        soundfile.write(wav, np.stack([0.5 * np.concatenate(sound)] * 2, axis=1), rate)
        return type("Result", (), {"returncode": 0, "stderr": ""})

    monkeypatch.setattr(melody_corpus.subprocess, "run", play)
    monkeypatch.setattr(melody_corpus.shutil, "which", lambda name: name)
    (tmp_path / "piano.sf2").touch()
    return played


def command(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["melody_corpus", *map(str, arguments)])
    run(melody_corpus.main)


def test_a_corpus_is_in_tune(player, monkeypatch, tmp_path, capsys):
    arguments = [
        "--out",
        tmp_path / "out",
        "--minutes",
        0.2,
        "--piece-seconds",
        6,
        "--soundfont",
        tmp_path / "piano.sf2",
    ]
    command(monkeypatch, *arguments)
    assert "2 pieces of 6 s" in capsys.readouterr().out
    expected = melody((0, 1), 6.0)
    np.testing.assert_allclose(player[1], [(key, length) for key, _, length in expected], atol=2e-3)
    files = sorted((tmp_path / "out" / "wavs").iterdir())
    waveforms = [soundfile.read(file, dtype="float32") for file in files]
    assert [(len(waveform), rate) for waveform, rate in waveforms] == [(48000, 8000)] * 2
    figures = describe([waveform for waveform, _ in waveforms], 8000)
    assert figures["cents_off"] < 3 and figures["in_scale_share"] > 0.8 and figures["sounding_share"] > 0.95
    shifted = describe([waveform for waveform, _ in waveforms], 8000 * 2 ** (0.5 / 12))  # a quarter tone off
    assert shifted["cents_off"] > 40 and shifted["in_scale_share"] < 0.1
    command(monkeypatch, *arguments)
    assert len(player) == 2  # what is there is kept


@pytest.mark.parametrize("lacking", ["fluidsynth", "SoundFont"])
def test_what_is_lacking_is_named(monkeypatch, tmp_path, capsys, lacking):
    monkeypatch.setattr(melody_corpus.shutil, "which", lambda name: lacking == "SoundFont")
    with pytest.raises(SystemExit) as end:
        command(monkeypatch, "--out", tmp_path / "out", "--soundfont", tmp_path / "none.sf2")
    assert end.value.code != 0
    told = capsys.readouterr().err
    assert f"apt-get install {'fluidsynth' if lacking == 'fluidsynth' else 'fluid-soundfont-gm'}" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(
    not (shutil.which("fluidsynth") and Path("/usr/share/sounds/sf2/FluidR3_GM.sf2").is_file()), reason="no fluidsynth"
)
def test_the_program_plays(monkeypatch, tmp_path):
    command(monkeypatch, "--out", tmp_path, "--minutes", 0.1, "--piece-seconds", 6)
    waveform, _ = soundfile.read(tmp_path / "wavs" / "piece-0000.flac", dtype="float32")
    figures = describe([waveform], 8000)
    assert figures["cents_off"] < 3 and figures["in_scale_share"] > 0.9 and 0.3 < np.abs(waveform).max() < 1
