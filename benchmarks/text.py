"""How well a voice says texts: `python -m benchmarks.text --model runs/text [--json]`.

Twenty sentences of the sample corpus, which no recording of another corpus says, are spoken by an acoustic model and a
vocoder, and by espeak-ng's own voice. Judged are word error (the recogniser's language model is built from all
sentences of the sample corpus, the same for both) and DNSMOS. Needs `pip install -e ".[quality]"` and espeak-ng.
"""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soxr
from tqdm import tqdm

from benchmarks.judging.packages import SAMPLE_RATE, dnsmos, require
from benchmarks.judging.words import Recognizer, normalise, word_edits
from tf_wavenet import Vocoder
from tf_wavenet.models import AcousticModel
from training.cli.command_line import parse, run
from training.cli.wav import WavWriter
from training.generate import GenerateConfig, say, vocoder_of
from training.make_sample_corpus import SENTENCES
from training.runs.run_folder import load_model, set_voiced_temperature
from training.text.phonemes import speak_phonemes

TEXTS = tuple(text for pair in zip(*SENTENCES.values(), strict=False) for text in pair)
COUNT = 20


@dataclasses.dataclass(frozen=True)
class TextConfig:
    """Scores twenty sentences that a voice has not learned from."""

    model: Path
    """Run folder of an acoustic model, or a .keras file."""
    vocoder: Path | None = None
    """Vocoder that speaks its log-mels; istft_vocoder_16k, which comes with the package, if not given."""
    temperature: float = 1.0
    """Of a WaveNet's sampling."""
    voiced_temperature: float | None = None
    """Factor on it in voiced frames, for models with linear prediction; their own if not given."""
    speed: float = 1.0
    """How many times as fast to speak."""
    out: Path | None = None
    """Folder to write the audio to, a WAV a sentence and voice."""
    json: bool = False
    """Print one JSON object a line, one line a voice."""


def score(name: str, speak: Callable[[str], tuple[np.ndarray, int]], config: TextConfig) -> dict[str, object]:
    """Has a voice say the sentences, and judges it.

    Args:
        name: Of the voice.
        speak: From a text to a waveform `[time]` and its rate in Hz.
        config: Where to write the audio.

    Returns:
        Name, seconds of speech, words, word error and mean DNSMOS.
    """
    recognizer, words, edits, opinions, seconds = Recognizer(map(normalise, TEXTS)), 0, 0, [], 0.0
    for number, text in enumerate(tqdm(TEXTS[:COUNT], desc=name, unit="sentence", dynamic_ncols=True), start=1):
        waveform, rate = speak(text)
        heard, said = soxr.resample(np.clip(waveform, -1.0, 1.0), rate, SAMPLE_RATE), normalise(text)
        words += len(said)
        edits += word_edits(said, recognizer.listen(heard))
        opinions.append(dnsmos(heard))
        seconds += len(waveform) / rate
        if config.out is not None:
            config.out.mkdir(parents=True, exist_ok=True)
            with WavWriter(config.out / f"{name}-{number:02}.wav", rate) as writer:
                writer.write(waveform)
    figures = {"word_error": round(edits / words, 4), "dnsmos": round(float(np.mean(opinions)), 3)}
    return {"voice": name, "sentences": COUNT, "seconds": round(seconds, 1), "words": words, **figures}


def measure(config: TextConfig) -> list[dict[str, object]]:
    """Scores espeak-ng and the model.

    Args:
        config: The model.

    Returns:
        A dict a voice.

    Raises:
        ValueError: For models that cannot be used, or packages that are missing.
    """
    for package in ("pocketsphinx", "speechmos", "onnxruntime"):
        require(package)
    model = load_model(config.model, (AcousticModel,))
    settings = GenerateConfig(model=config.model, vocoder=config.vocoder, speed=config.speed)
    vocoder, _ = vocoder_of(settings, model)
    set_voiced_temperature(vocoder, config.voiced_temperature)
    sampling = {} if isinstance(vocoder, Vocoder) else {"temperature": config.temperature}

    def ours(text: str) -> tuple[np.ndarray, int]:
        mels = say(dataclasses.replace(settings, text=text), model)
        return vocoder.generate(local_condition=mels, **sampling)[0], model.mel_spec.sample_rate

    def espeak(text: str) -> tuple[np.ndarray, int]:
        return speak_phonemes(text, "en-us", SAMPLE_RATE)[0], SAMPLE_RATE

    return [score("espeak-ng", espeak, config), score(config.model.stem, ours, config)]


def main() -> None:
    """Runs the benchmark."""
    config = parse(TextConfig)
    for figures in measure(config):
        if config.json:
            print(json.dumps(figures))
        else:
            print(
                f"{figures['voice']}: word error {figures['word_error']:.3f} of {figures['words']} words, "
                f"DNSMOS {figures['dnsmos']:.2f}, {figures['seconds']:.1f} s"
            )


if __name__ == "__main__":
    run(main)
