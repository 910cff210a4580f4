"""Generates audio: `python -m training.generate --model runs/first --seconds 2 --out out.wav`."""

import dataclasses
from pathlib import Path

import numpy as np

import tf_wavenet
from tf_wavenet import NamWaveNet, Vocoder, WaveNet, load
from tf_wavenet.data import load_audio, load_features, log_mel, preprocess
from tf_wavenet.models import AcousticModel
from training.amp.play import play, read_input
from training.cli.command_line import check_numbers, parse, run
from training.generation.checkpoint import Checkpoint
from training.generation.resumable_stream import ResumableStream, digest
from training.generation.write_audio import write_audio
from training.runs.run_folder import SPEAKERS, find_run, load_model, set_voiced_temperature, stored_sample_rate
from training.text.espeak_voice import VOICES
from training.text.linguistic import features_of_text
from training.text.linguistic_spec import LinguisticSpec
from training.text.phonemes import phonemize
from training.text.utterances import known, spoken

VOCODER = "istft_vocoder_16k"


@dataclasses.dataclass(frozen=True)
class GenerateConfig:
    """Generates audio with a trained model: a WAV file, and a PNG of its waveform and spectrogram beside it.

    The WAV grows under the name partial-NAME, playable at any moment, and gets its name when it is whole; Ctrl-C ends
    it early. Beyond 4 GB it becomes RF64. While a WaveNet generates, resume-NAME.npz lies beside it.
    """

    model: Path = Path("runs/wavenet")
    """Run folder, a .keras file, or an amplifier's .nam file."""
    out: Path = Path("generated.wav")
    """WAV file to write."""
    seconds: float | None = None
    """Length of the audio; 2 s, or all that is asked for by features, if not given."""
    speaker: str | None = None
    """Name of the speaker, for a model that knows several."""
    input: Path | None = None
    """Recording to play through an amplifier, which a model of training.train_amp is."""
    input_channel: int | None = None
    """Channel of it to take, from 1, where there are several that differ."""
    copy_synthesis: Path | None = None
    """Recording to analyse into log-mel features and speak again, for a vocoder."""
    mel: Path | None = None
    """Features to speak, for a vocoder: .npz as tf_wavenet.data.save_features writes them, or .npy [frames, mels]."""
    text: str | None = None
    """Text to speak, for a model trained with the features of training.prepare_linguistic, or an acoustic model."""
    vocoder: Path | None = None
    """Vocoder, a run folder or a .keras file, that speaks what an acoustic model makes of `text`; istft_vocoder_16k,
    which comes with the package, if not given."""
    speed: float = 1.0
    """How many times as fast an acoustic model speaks."""
    voice: str | None = None
    """Voice of espeak-ng that gives phonemes, durations and pitch of `text`; the speaker's of the sample corpus, or
    en-us."""
    temperature: float = 1.0
    """Below 1 safer, above 1 wilder; 0 takes the most probable level each time."""
    voiced_temperature: float | None = None
    """Factor on it where the mels are voiced, of a vocoder with linear prediction; the model's own if not given."""
    top_k: int | None = None
    """Draw from the k most probable levels only."""
    top_p: float | None = None
    """Draw from the most probable levels that together have this probability."""
    seed: int = 0
    """Same seed, same audio."""
    batch_size: int = 1
    """Files to generate at once, numbered from 1 if there are more than one."""
    prompt: Path | None = None
    """Recording to continue; it is not repeated in the output. What is to be spoken begins with it."""
    sample_rate: int | None = None
    """Rate in Hz to write; that of the mels or of the training run if not given."""
    resume: bool = False
    """Go on where a process with the same flags was killed: the file becomes the same to the bit. Begins anew where
    nothing is left of it, and with models that make whole frames."""
    checkpoint_seconds: float = 10.0
    """Time between two states that --resume can go on from: the most that is made again."""

    def __post_init__(self) -> None:
        """Checks what the model does not."""
        if self.out.suffix.lower() != ".wav":
            raise ValueError(f"Expected out to end in .wav. Received: out={self.out}")
        given = [name for name in ("input", "copy_synthesis", "mel", "text") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"Expected one of input, copy_synthesis, mel and text. Received: {' and '.join(given)}")
        check_numbers(self, "seconds", "batch_size", "sample_rate", "speed")
        check_numbers(self, "checkpoint_seconds", least=0)


def features_to_speak(config: GenerateConfig, model: WaveNet | Vocoder) -> tuple[np.ndarray | None, float]:
    """Makes or reads the local features that the command line asks for.

    Args:
        config: Says where they come from.
        model: Says what it takes.

    Returns:
        float32 `[frames, channels]` or None, and the gain by which the model's loudness differs from the recording's.

    Raises:
        ValueError: If the model needs others, or none; for files or texts that cannot be used.
    """
    spec = model.mel_spec
    if (config.copy_synthesis or config.mel) and spec is None:
        raise ValueError(
            f"Expected a vocoder (--preset vocoder or lpc_vocoder) for --copy-synthesis and --mel: {config.model}"
        )
    if config.text is not None and (spec is not None or model.local_channels is None):
        raise ValueError(f"Expected a model trained with --features for --text: {config.model}")
    if config.copy_synthesis is not None:
        waveform = load_audio(config.copy_synthesis, spec.sample_rate)
        _, gain = preprocess(waveform, spec)
        return np.asarray(log_mel(np.float32(gain) * waveform, spec)), float(gain)
    if config.mel is not None:
        features = load_features(config.mel, spec)
        if features.ndim != 2:
            raise ValueError(f"Expected {config.mel} to hold features [frames, mels]. Received: shape {features.shape}")
        return features, 1.0
    if config.text is not None:
        trained = find_run(config.model)
        if trained is None or not trained.linguistic_spec.exists():
            raise ValueError(f"Expected spec.json of the features beside the model: {config.model}")
        voice = config.voice or VOICES.get(config.speaker, "en-us")
        return features_of_text(config.text, voice, LinguisticSpec.load(trained.linguistic_spec)), 1.0
    if model.local_channels is not None:
        raise ValueError("Expected what to speak: --copy-synthesis or --mel for a vocoder, --text for a text model.")
    return None, 1.0


def say(config: GenerateConfig, model: AcousticModel) -> np.ndarray:
    """Makes the features of a text.

    Args:
        config: Says what, and how fast.
        model: The acoustic model.

    Returns:
        float32 `[frames, mels]`.

    Raises:
        ValueError: Without a text, or for one with nothing to say.
    """
    if config.text is None or config.speaker is not None:
        raise ValueError(f"Expected --text, and no --speaker, with an acoustic model: {config.model}")
    (symbols,) = phonemize([config.text], config.voice or "en-us")
    if not symbols:
        raise ValueError(f"Expected a text with something to say. Received: {config.text!r}")
    return model.generate(spoken(known(symbols, model.symbols)), config.speed)


def vocoder_of(config: GenerateConfig, acoustic: AcousticModel) -> tuple[WaveNet | Vocoder, Path]:
    """Loads the vocoder that speaks the features of an acoustic model.

    Args:
        config: Names it, or leaves it to us.
        acoustic: The acoustic model.

    Returns:
        The vocoder, and where it was found.

    Raises:
        ValueError: If it cannot be loaded, or speaks other features.
    """
    if config.vocoder is None:
        vocoder, path = load(VOCODER), Path(VOCODER)
    else:
        vocoder, path = load_model(config.vocoder, SPEAKERS), config.vocoder
    if vocoder.mel_spec is None or dataclasses.replace(vocoder.mel_spec, preemphasis=0.0) != acoustic.mel_spec:
        raise ValueError(f"Expected --vocoder to speak the log-mels of {config.model}. Received: {path}")
    return vocoder, path


def speak(config: GenerateConfig, model: Vocoder, features: np.ndarray, gain: float) -> list[Path]:
    """Speaks features with a vocoder that makes all samples of a frame at once.

    Args:
        config: Where to, and how long.
        model: The vocoder.
        features: float32 `[frames, channels]`.
        gain: As `features_to_speak` returns.

    Returns:
        The WAV file and its picture.

    Raises:
        ValueError: For a setting that such a model has not.
    """
    if config.prompt is not None or config.batch_size > 1 or config.top_k or config.top_p or config.temperature != 1.0:
        raise ValueError("Expected no --prompt, --batch-size, --temperature, --top-k and --top-p with this model.")
    sample_rate = model.mel_spec.sample_rate
    waveform = model.generate(features, seed=config.seed)
    if config.seconds is not None:
        waveform = waveform[:, : max(1, round(config.seconds * sample_rate))]
    return write_audio([waveform / gain], [config.out], sample_rate, waveform.shape[1])


def amplify(config: GenerateConfig, model: NamWaveNet) -> list[Path]:
    """Plays a recording through an amplifier.

    Args:
        config: Says what, and where to.
        model: The amplifier.

    Returns:
        The WAV file and its picture.

    Raises:
        ValueError: Without a recording, or for a setting that such a model has not.
    """
    if config.input is None:
        raise ValueError(f"Expected --input, a recording to play through the amplifier: {config.model}")
    known = {"model", "out", "seconds", "input", "input_channel", "sample_rate", "seed", "resume"}
    known |= {"checkpoint_seconds"}
    for field in dataclasses.fields(config):
        if field.name not in known and getattr(config, field.name) != field.default:
            raise ValueError(f"Expected no --{field.name.replace('_', '-')} with an amplifier: {config.model}")
    sample_rate = stored_sample_rate(config.model, model, config.sample_rate)
    recording, notes = read_input(config.input, sample_rate, config.input_channel)
    if config.seconds is not None:
        recording = recording[: max(1, round(config.seconds * sample_rate))]
    clipped = 0

    def chunks():
        nonlocal clipped
        for chunk in play(model, recording, sample_rate):
            clipped += int(np.sum(np.abs(chunk) > 1.0))
            yield chunk[None]

    files = write_audio(chunks(), [config.out], sample_rate, len(recording))
    if clipped:
        notes.append(f"{clipped} samples of the output are above full scale, and clipped")
    for note in notes:
        print(f"note: {note}")
    return files


def generate(config: GenerateConfig) -> list[Path]:
    """Generates audio files.

    Args:
        config: What to generate.

    Returns:
        The WAV files, then their pictures.

    Raises:
        ValueError: For a model, a prompt or a setting that cannot be used.
        OSError: For a file that cannot be written. Nothing half-written stays under the names of `paths`.
    """
    model, path = load_model(config.model, (*SPEAKERS, AcousticModel, NamWaveNet)), config.model
    if isinstance(model, NamWaveNet):
        return amplify(config, model)
    if config.input is not None or config.input_channel is not None:
        raise ValueError(f"Expected --input with an amplifier only. Received: {config.model}")
    features, gain = None, 1.0
    if isinstance(model, AcousticModel):
        features = say(config, model)
        model, path = vocoder_of(config, model)
    elif config.vocoder is not None or config.speed != 1.0:
        raise ValueError(f"Expected --vocoder and --speed with an acoustic model only. Received: {config.model}")
    else:
        features, gain = features_to_speak(config, model)
    set_voiced_temperature(model, config.voiced_temperature)
    sample_rate = stored_sample_rate(path, model, config.sample_rate)
    if isinstance(model, Vocoder):
        return speak(config, model, features, gain)
    prompt = None
    if config.prompt is not None:
        prompt = np.clip(gain * load_audio(config.prompt, sample_rate), -1.0, 1.0)
    num_samples = max(1, round((2.0 if config.seconds is None else config.seconds) * sample_rate))
    if features is not None:
        described, known = len(features) * model.local_hop, 0 if prompt is None else len(prompt)
        covered = described - known
        if covered < 1:
            received = f"features of {described} samples, --prompt of {known}"
            raise ValueError(f"Expected features that go on after --prompt. Received: {received}")
        num_samples = covered if config.seconds is None else min(num_samples, covered)
    if model.speakers is not None and config.speaker is None:
        raise ValueError(f"Expected --speaker, one of: {', '.join(model.speakers)}")
    stream = ResumableStream(
        model,
        num_samples,
        batch_size=config.batch_size,
        seed=config.seed,
        temperature=config.temperature,
        top_k=config.top_k,
        top_p=config.top_p,
        prompt=prompt,
        local_condition=features,
        global_condition=config.speaker,
    )
    names = ("seed", "temperature", "voiced_temperature", "top_k", "top_p", "speaker", "batch_size")
    settings = {name: getattr(config, name) for name in names}
    settings |= {"seconds": num_samples / sample_rate, "sample_rate": sample_rate, "engine": stream.engine}
    settings |= {"prompt": digest(prompt), "features": digest(features), "gain": gain, "model": digest(model)}
    settings |= {"tf_wavenet": tf_wavenet.__version__}
    checkpoint = Checkpoint(config.out.with_name(f"resume-{config.out.stem}.npz"), settings, config.checkpoint_seconds)
    if config.resume:
        checkpoint.restore(stream)
    else:
        checkpoint.remove()
    chunks = (chunk / gain for chunk in stream)
    paths = [config.out]
    if config.batch_size > 1:
        stem, suffix = config.out.stem, config.out.suffix
        paths = [config.out.with_name(f"{stem}-{row}{suffix}") for row in range(1, config.batch_size + 1)]
    return write_audio(chunks, paths, sample_rate, num_samples, stream, checkpoint)


def main() -> None:
    """Generates as the command line says."""
    for path in generate(parse(GenerateConfig)):
        print(path)


if __name__ == "__main__":
    run(main)
