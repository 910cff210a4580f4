"""What ends training from outside: recordings that are gone, and memory that is not there."""

import contextlib
import re
from collections.abc import Iterator

from tf_wavenet.data import AudioError

_AUDIO_ERROR = re.compile(r"\bAudioError: (.+?): (.+)")
# In the words of TensorFlow, JAX, PyTorch and NumPy.
_MEMORY = re.compile(r"OOM when allocating[^\n]*|[Oo]ut of memory[^\n\x1b]*|tried to allocate \d+ bytes")


@contextlib.contextmanager
def in_one_line() -> Iterator[None]:
    """Turns what pipelines and backends make of two errors, pages in their own words, into one line.

    Raises:
        AudioError: If a recording or a shard is gone, or no longer what the manifest says.
        MemoryError: If an array does not fit into memory.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, AudioError):
            raise
        if lost := _AUDIO_ERROR.search(str(error)):
            raise AudioError(*lost.groups()) from error
        full = _MEMORY.search(str(error))
        if full is None and not isinstance(error, MemoryError):
            raise
        expected = "Expected a batch that fits into memory: fewer --batch-size or --window-samples"
        raise MemoryError(f"{expected}. Received: {full[0] if full else error}") from error
