"""Audio into files, while it is made."""

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from tf_wavenet.files import atomic_path
from training.cli.wav import WavWriter
from training.generation.checkpoint import Checkpoint
from training.generation.resumable_stream import ResumableStream
from training.scoring.pictures import save_picture

PICTURE_SECONDS = 300
"""Most audio that a picture shows, in seconds."""


def write_audio(
    chunks: Iterable[np.ndarray],
    paths: list[Path],
    sample_rate: int,
    num_samples: int,
    stream: ResumableStream | None = None,
    checkpoint: Checkpoint | None = None,
) -> list[Path]:
    """Writes audio as it comes, under a progress bar, and pictures of the whole (of 5 minutes at most) at the end.

    A file grows under the name partial-NAME. If writing ends by an exception, it is removed, unless a checkpoint can go
    on with it.

    Args:
        chunks: Float arrays `[len(paths), time]`.
        paths: WAV files to write, one a row.
        sample_rate: In Hz.
        num_samples: Samples to expect in each row, those before `chunks` included.
        stream: What makes the chunks, and may have made others before, which are in the files.
        checkpoint: Where its state is kept; None for nowhere.

    Returns:
        All files written.

    Raises:
        ValueError: If the unfinished files do not hold what the stream has made before.
        OSError: If a file cannot be written.
    """
    begun = 0 if stream is None else stream.made
    kept = checkpoint.path.exists if checkpoint is not None else lambda: False
    with contextlib.ExitStack() as stack:
        # All of them are there, or the last had begun to get their names when the process was killed.
        growing = [path for path in paths if begun < num_samples or _partial(path).exists() or not path.exists()]
        grown = functools.partial(_grown, resumed=begun > 0, kept=kept)
        partials = [stack.enter_context(grown(path)) for path in growing]
        writers = [
            stack.enter_context(WavWriter(path, sample_rate, num_samples, written=begun or None)) for path in partials
        ]
        bar = stack.enter_context(
            tqdm(total=num_samples, initial=begun, unit="sample", desc="generate", dynamic_ncols=True)
        )
        try:
            for chunk in chunks:
                for row, writer in zip(chunk, writers, strict=True):
                    writer.write(row)
                if checkpoint is not None:
                    checkpoint.keep(stream, now=stream.made == num_samples)
                bar.update(chunk.shape[1])
        except KeyboardInterrupt:
            if not bar.n:
                raise
            bar.write(f"interrupted after {bar.n / sample_rate:.2f} s")
            if checkpoint is not None:  # the files are what was asked for
                checkpoint.remove()
    pictures = [path.with_suffix(".png") for path in paths]
    for path, picture in zip(paths, pictures, strict=True):
        shown = soundfile.read(path, frames=PICTURE_SECONDS * sample_rate, dtype="float32")[0]
        with atomic_path(picture) as partial:
            save_picture(partial, shown, sample_rate, path.name)
    if checkpoint is not None:
        checkpoint.remove()
    return [*paths, *pictures]


def _partial(path):
    return path.with_name(f"partial-{path.name}")


@contextlib.contextmanager
def _grown(path: Path, resumed: bool, kept: Callable[[], bool]) -> Iterator[Path]:
    """As `atomic_path`, for a file that may be there in part, and that stays if `kept()` when an exception comes."""
    partial = _partial(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not resumed:
        partial.unlink(missing_ok=True)
    elif not partial.exists():
        raise ValueError(f"Expected the unfinished file beside what --resume goes on from. Not found: {partial}")
    try:
        yield partial
        partial.replace(path)
    except BaseException as error:
        if not kept():
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and error.filename is None:  # as for a full disk
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
