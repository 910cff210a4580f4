"""Generates audio: `python -m training.generate --model runs/first --seconds 2 --out out.wav`."""

import contextlib
import dataclasses
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tf_wavenet.data import load_audio
from training.command_line import parse, run
from training.files import atomic_path
from training.pictures import save_picture
from training.runs import load_model, stored_sample_rate
from training.wav import WavWriter


@dataclasses.dataclass(frozen=True)
class GenerateConfig:
    """Generates audio with a trained model: a WAV file, and a PNG of its waveform and spectrogram beside it.

    The WAV grows under the name partial-NAME, playable at any moment, and gets its name when it is whole; Ctrl-C ends
    it early.
    """

    model: Path = Path("runs/wavenet")
    """Run folder, or a .keras file."""
    out: Path = Path("generated.wav")
    """WAV file to write."""
    seconds: float = 2.0
    """Length of the audio."""
    temperature: float = 1.0
    """Below 1 safer, above 1 wilder; 0 takes the most probable level each time."""
    top_k: int | None = None
    """Draw from the k most probable levels only."""
    top_p: float | None = None
    """Draw from the most probable levels that together have this probability."""
    seed: int = 0
    """Same seed, same audio."""
    batch_size: int = 1
    """Files to generate at once, numbered from 1 if there are more than one."""
    prompt: Path | None = None
    """Recording to continue; it is not repeated in the output."""
    sample_rate: int | None = None
    """Rate in Hz to write; that of the training run if not given."""

    def __post_init__(self) -> None:
        """Checks what the model does not."""
        if self.out.suffix.lower() != ".wav":
            raise ValueError(f"Expected out to end in .wav. Received: out={self.out}")
        for name in ("seconds", "batch_size", "sample_rate"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"Expected {name} to be positive. Received: {name}={value}")


def write_audio(chunks: Iterable[np.ndarray], paths: list[Path], sample_rate: int, num_samples: int) -> list[Path]:
    """Writes audio as it comes, under a progress bar, and pictures of the whole at the end.

    Args:
        chunks: Float arrays `[len(paths), time]`.
        paths: WAV files to write, one a row.
        sample_rate: In Hz.
        num_samples: Samples to expect in each row.

    Returns:
        All files written.
    """
    written = []
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(WavWriter(stack.enter_context(atomic_path(p)), sample_rate)) for p in paths]
        bar = stack.enter_context(tqdm(total=num_samples, unit="sample", desc="generate", dynamic_ncols=True))
        try:
            for chunk in chunks:
                for row, writer in zip(chunk, writers, strict=True):
                    writer.write(row)
                written.append(chunk)
                bar.update(chunk.shape[1])
        except KeyboardInterrupt:
            if not written:
                raise
            bar.write(f"interrupted after {bar.n / sample_rate:.2f} s")
    pictures = [path.with_suffix(".png") for path in paths]
    for row, path, picture in zip(np.concatenate(written, axis=1), paths, pictures, strict=True):
        with atomic_path(picture) as partial:
            save_picture(partial, row, sample_rate, path.name)
    return [*paths, *pictures]


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
    model = load_model(config.model)
    sample_rate = stored_sample_rate(config.model, config.sample_rate)
    num_samples = max(1, round(config.seconds * sample_rate))
    chunks = model.stream(
        num_samples,
        batch_size=config.batch_size,
        seed=config.seed,
        temperature=config.temperature,
        top_k=config.top_k,
        top_p=config.top_p,
        prompt=None if config.prompt is None else load_audio(config.prompt, sample_rate),
    )
    paths = [config.out]
    if config.batch_size > 1:
        stem, suffix = config.out.stem, config.out.suffix
        paths = [config.out.with_name(f"{stem}-{row}{suffix}") for row in range(1, config.batch_size + 1)]
    return write_audio(chunks, paths, sample_rate, num_samples)


def main() -> None:
    """Generates as the command line says."""
    for path in generate(parse(GenerateConfig)):
        print(path)


if __name__ == "__main__":
    run(main)
