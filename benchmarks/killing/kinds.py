"""What is killed: small runs of the commands, each in a folder of its own."""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

_RATE = 8000
_TRAIN = (
    "--sample-rate=8000 --batch-size=2 --validation-fraction=0.3 --learning-rate=0.01 --warmup-steps=2 --ema=0.5 "
    "--checkpoint-every=5 --validate-every=10 --log-every=5 --sample-seconds=0 --precision=float32 --no-jit-compile"
).split()
# A network of four layers in place of nano's twenty, which would be traced for most of the time.
_SMALL_AMP = (
    "from tf_wavenet.models.nam.presets import NAM_PRESETS; "
    "NAM_PRESETS['nano'] = {'arrays': [{'channels': 4, 'dilations': (1, 2, 4, 8)}], 'head_scale': 0.5}; "
    "from training.cli.command_line import run; from training.train_amp import main; run(main)"
)


@dataclasses.dataclass(frozen=True)
class Kind:
    """A command that is killed and started again in a folder, `out` in the current one.

    Attributes:
        name: What it is.
        command: The arguments of a process.
        resume: Arguments besides, to go on; they take the place of all flags but `--run=out` if `whole_flags` is off.
        begun: Pattern of a file that is there once the work has begun.
        resumable: Pattern of a file without which the command begins again, instead of going on.
        whole_flags: Whether a command that goes on takes the flags that it began with.
    """

    name: str
    command: tuple[str, ...]
    begun: str
    resume: tuple[str, ...] = ()
    resumable: str | None = None
    whole_flags: bool = False

    def again(self, folder: Path) -> tuple[str, ...]:
        """The arguments of the process that goes on after a kill."""
        if self.resumable is not None and not any(folder.glob(self.resumable)):
            return self.command
        if self.whole_flags:
            return (*self.command, *self.resume)
        place = next(i for i, argument in enumerate(self.command) if argument.startswith("--"))
        return (*self.command[:place], "--run=out", *self.resume)


def _preparation(work: Path) -> Kind:
    rng, folder = np.random.default_rng(0), work / "recordings"
    folder.mkdir()
    for number in range(300):
        noise = rng.normal(0, 0.1, round(22050 * rng.uniform(1, 5)))
        soundfile.write(folder / f"{number}.wav", noise.clip(-1, 1), 22050)
    command = (sys.executable, "-m", "training.prepare", str(folder), "--out=out", "--trim-silence")
    return Kind("preparation", command, "out/wavs/*", whole_flags=True)


def _corpus(work: Path) -> Path:
    rng, folder = np.random.default_rng(0), work / "corpus"
    if not folder.exists():
        folder.mkdir()
        for number in range(7):
            time = np.arange(6000 + 900 * number) / _RATE
            tone = 0.5 * np.sin(2 * np.pi * (200 + 50 * number) * time)
            soundfile.write(folder / f"{number}.wav", tone + rng.normal(0, 0.02, len(time)), _RATE)
    return folder


def _training(name: str, work: Path, *flags: str) -> Kind:
    command = (sys.executable, "-m", "training.train", f"--data={_corpus(work)}", "--run=out", *_TRAIN, *flags)
    return Kind(name, command, "out/config.json", resume=("--resume",), resumable="out/config.json")


def _wavenet(work: Path) -> Kind:
    small = ("--dilations", "1", "2", "4", "8", "--residual-channels=8", "--skip-channels=16")
    return _training("WaveNet", work, *small, "--window-samples=1000", "--steps=60")


def _vocoder(work: Path) -> Kind:
    small = ("--model=istft_vocoder", "--generator-channels=16", "--discriminator-channels=16")
    flags = ("--discriminator-start=6", "--window-samples=2048", "--steps=20", "--augment")
    return _training("GAN vocoder", work, *small, *flags)


def _amplifier(work: Path) -> Kind:
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 0.2, 10 * _RATE) * (1 + np.sin(np.arange(10 * _RATE) / 900))
    for name, waveform in (("in", sound), ("out", np.tanh(2 * sound))):
        soundfile.write(work / f"{name}.wav", waveform.clip(-1, 1), _RATE, subtype="FLOAT")
    flags = ("--run=out", "--model=nam_nano", "--latency=0", "--validation-seconds=1", "--epochs=10", "--batch-size=4")
    flags += ("--window-samples=1000", "--learning-rate=0.01", "--no-jit-compile")
    command = (sys.executable, "-c", _SMALL_AMP, f"--input={work / 'in.wav'}", f"--output={work / 'out.wav'}", *flags)
    return Kind("amplifier", command, "out/config.json", resume=("--resume",), resumable="out/config.json")


def _generation(work: Path) -> Kind:
    from tf_wavenet import WaveNet

    model = WaveNet.from_preset("tiny", sample_rate=_RATE)
    model.build((None, None))
    model.save(work / "model.keras")
    flags = (f"--model={work / 'model.keras'}", "--out=out/a.wav", "--batch-size=2", "--seed=7", "--temperature=0.9")
    flags += ("--seconds=4", "--checkpoint-seconds=0.2")
    command = (sys.executable, "-m", "training.generate", *flags)
    return Kind("generation", command, "out/resume-a.npz", resume=("--resume",), whole_flags=True)


KINDS: dict[str, Callable[[Path], Kind]] = {
    "preparation": _preparation,
    "wavenet": _wavenet,
    "vocoder": _vocoder,
    "amplifier": _amplifier,
    "generation": _generation,
}
"""Functions of a folder for what all runs of a kind share, which make the kind."""
