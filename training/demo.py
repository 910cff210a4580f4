"""Hear the trained models that come with the package: `python -m training.demo`."""

import dataclasses
import time
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg

from tf_wavenet import shipped
from tf_wavenet.data import load_audio
from tf_wavenet.files import atomic_path
from training.cli.command_line import parse, run
from training.generate import GenerateConfig, generate
from training.scoring.pictures import draw_side_by_side
from training.text.phonemes import find_espeak

MODELS = Path(__file__).parent.parent / "saved_models"
# What suits a model better than the defaults of training.generate; the figures in saved_models/README.md are of these.
SETTINGS = {"lpc_vocoder_16k": {"temperature": 0.6, "voiced_temperature": 0.6}}
SAMPLE_RATE = 16000  # of all trained voices
TEXT_VOICE, PIANO = "acoustic_16k", "piano_8k"
PIANO_SECONDS = 8.0
TEXT = "Hello. I learned to speak from twenty minutes of telephone prompts."


@dataclasses.dataclass(frozen=True)
class DemoConfig:
    """Lets each trained model that comes with the package speak or play.

    It writes a WAV and a PNG a model, and side_by_side.png.

    A vocoder hears log-mel features of a recording, 80 numbers every 12.5 ms, and nothing else of it. The piano is told
    nothing. Where espeak-ng is installed, which gives phonemes, the voice then says a text.
    """

    recording: Path = MODELS / "prompt.flac"
    """Recording to speak; the default is a prompt of the models' voice that they were not trained on."""
    out: Path = Path("runs/demo")
    """Folder to write to."""
    text: str | None = None
    """Text to say; one of ours if not given."""


def demo(config: DemoConfig) -> list[Path]:
    """Speaks the recording with each model, the fastest first.

    Args:
        config: What to speak, and where to write.

    Returns:
        The files written.

    Raises:
        ValueError: If a text is to be said and espeak-ng is not installed.
    """
    began, written = time.monotonic(), []

    def speak(name: str, **settings) -> None:
        wav, picture = generate(GenerateConfig(MODELS / f"{name}.keras", config.out / f"{name}.wav", **settings))
        print(f"after {time.monotonic() - began:.0f} s: listen to {wav}, look at {picture}", flush=True)
        written.extend([wav, picture])

    waveforms = {"recording": load_audio(config.recording, SAMPLE_RATE)}
    for name in shipped():
        if name not in (TEXT_VOICE, PIANO):
            speak(name, copy_synthesis=config.recording, **SETTINGS.get(name, {}))
            waveforms[name] = load_audio(written[-2], SAMPLE_RATE)
    written.append(config.out / "side_by_side.png")
    with atomic_path(written[-1]) as partial:
        FigureCanvasAgg(draw_side_by_side(waveforms, SAMPLE_RATE)).print_png(partial)
    print(f"side by side: {written[-1]}")
    if PIANO in shipped():
        speak(PIANO, seconds=PIANO_SECONDS)
    try:
        find_espeak()
    except ValueError as error:
        if config.text is not None:
            raise
        print(f"no text is said: {error}")
    else:
        speak(TEXT_VOICE, text=config.text or TEXT)
    print(f"the recording itself: {config.recording}\nnext: make demo-train trains a model of its own in minutes")
    return written


def main() -> None:
    """Speaks as the command line says."""
    demo(parse(DemoConfig))


if __name__ == "__main__":
    run(main)
