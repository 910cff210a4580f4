"""Makes a corpus of one sampled piano: `python -m training.melody_corpus --out OUT`.

Melodies without words for a model that has nothing to be told: random walks over a pentatonic scale, played by the
program fluidsynth with a SoundFont of recorded instruments (Debian: `apt-get install fluidsynth fluid-soundfont-gm`;
FluidR3 is under the MIT licence). The melodies are nobody's: a seed makes them.
"""

import dataclasses
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from tf_wavenet.data import AudioError
from training.cli.command_line import check_numbers, parse, run
from training.prepare import write_flac, write_metadata

SCALE = (0, 2, 4, 7, 9)  # semitones above the tonic: the major pentatonic, in which every step sounds well
TONIC = 60  # MIDI number of middle C
_RANGE = (-5, 9)  # steps of the scale: C3 to G5
_TICKS = 480  # of a quarter note


@dataclasses.dataclass(frozen=True)
class MelodyCorpusConfig:
    """Turns random melodies into mono 16-bit FLAC, `wavs/NAME.flac`, by the program fluidsynth."""

    out: Path
    """Folder to write to; recordings that are there already are kept."""
    minutes: float = 60.0
    """How much to make."""
    piece_seconds: float = 30.0
    """Length of a file."""
    tempo: float = 120.0
    """Quarter notes a minute, the same in all pieces: a model that hears less than a second can keep it."""
    sample_rate: int = 8000
    """Rate in Hz; fluidsynth makes 8,000 to 96,000."""
    soundfont: Path = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
    """The recorded instruments."""
    program: int = 0
    """The instrument: its number in General MIDI, 0 (grand piano) to 127."""
    seed: int = 0
    """Of the melodies."""

    def __post_init__(self) -> None:
        """Checks each field."""
        check_numbers(self, "minutes", "piece_seconds", "tempo", "sample_rate")


def melody(seed: tuple[int, int], seconds: float, tempo: float = 120.0) -> list[tuple[int, int, float]]:
    """Draws a melody: a random walk by small steps over the scale, eighths and quarters.

    Args:
        seed: Of the random numbers; the same seed draws the same melody.
        seconds: Least length in seconds.
        tempo: Quarter notes a minute.

    Returns:
        List of (MIDI number, velocity 1 to 127, length in seconds).
    """
    rng = np.random.default_rng(seed)
    step, notes, time = int(rng.integers(*_RANGE)), [], 0.0
    while time < seconds:
        length = 60.0 / tempo * rng.choice([0.5, 1.0], p=[0.75, 0.25])
        octave, degree = divmod(step, len(SCALE))
        notes.append((TONIC + 12 * octave + SCALE[degree], int(rng.integers(70, 105)), float(length)))
        step = int(np.clip(step + rng.choice([-2, -1, 1, 2], p=[0.2, 0.3, 0.3, 0.2]), _RANGE[0], _RANGE[1] - 1))
        time += length
    return notes


def play(notes: list[tuple[int, int, float]], config: MelodyCorpusConfig) -> np.ndarray:
    """Plays notes one after the other.

    Args:
        notes: As of `melody`.
        config: Instrument and sample rate.

    Returns:
        float32 array [time] in [-1, 1].

    Raises:
        AudioError: If mido, fluidsynth or the SoundFont is missing, or fluidsynth fails.
    """
    try:
        import mido
    except ImportError:
        raise AudioError(config.out, "expected the package mido: pip install tf-wavenet[music].") from None
    if not shutil.which("fluidsynth"):
        raise AudioError(config.out, "expected the program fluidsynth: apt-get install fluidsynth.")
    if not config.soundfont.is_file():
        raise AudioError(config.soundfont, "expected a SoundFont (.sf2): apt-get install fluid-soundfont-gm.")
    track = mido.MidiTrack([mido.Message("program_change", program=config.program)])
    for pitch, velocity, seconds in notes:  # mido's default tempo: half a second a quarter note
        ticks = round(seconds * 2 * _TICKS)
        track.append(mido.Message("note_on", note=pitch, velocity=velocity))
        track.append(mido.Message("note_off", note=pitch, time=ticks))
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder, "score.mid"), Path(folder, "sound.wav")
        mido.MidiFile(ticks_per_beat=_TICKS, tracks=[track]).save(score)
        options = ["-ni", "-q", "-R0", "-C0", "-g2.5", f"-r{config.sample_rate}", f"-F{sound}"]
        result = subprocess.run(["fluidsynth", *options, config.soundfont, score], capture_output=True, text=True)
        if result.returncode != 0 or not sound.is_file():
            raise AudioError(config.soundfont, f"expected fluidsynth to play. {' '.join(result.stderr.split())}")
        return soundfile.read(sound, dtype="float32", always_2d=True)[0].mean(axis=1)


def main() -> None:
    """Runs the command."""
    config = parse(MelodyCorpusConfig)
    names = [f"piece-{i:04d}" for i in range(max(1, round(config.minutes * 60.0 / config.piece_seconds)))]
    for i, name in enumerate(tqdm(names, desc="playing", unit="file")):
        target = config.out / "wavs" / f"{name}.flac"
        if not target.is_file():
            samples = round(config.piece_seconds * config.sample_rate)
            write_flac(
                target,
                play(melody((config.seed, i), config.piece_seconds, config.tempo), config)[:samples],
                config.sample_rate,
            )
    write_metadata(config.out, [(name, None) for name in names])
    print(f"{len(names)} pieces of {config.piece_seconds:g} s in {config.out}")


if __name__ == "__main__":
    run(main)
