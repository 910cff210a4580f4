"""Holds decoded recordings in memory up to a limit."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from tf_wavenet.data.manifest import Manifest


class WaveformCache:
    """The recordings of a manifest, decoded on first use; over the limit, those unused for longest are dropped.

    Safe to use from several threads: each file is decoded by the first that asks for it, the others wait.

    Args:
        manifest: The corpus.
        limit_samples: Most samples to hold, of 4 bytes each, and as many bytes more as `transform` adds. The recording
            in use is held whatever its length.
        transform: Function of an `AudioFile` and its waveform; what it returns is held in the waveform's place.
    """

    def __init__(self, manifest: Manifest, limit_samples: int, transform: Callable = lambda file, waveform: waveform):
        self.manifest = manifest
        self.transform = transform
        self.limit_samples = limit_samples
        self._lock = threading.Lock()
        self._held = OrderedDict()
        self._num_samples = 0

    def load(self, index: int, skip: int = 0) -> Any:
        """Returns the recording `manifest.files[index]`.

        Args:
            index: Position in the manifest.
            skip: Samples at its beginning to leave out.

        Returns:
            float32 array [num_samples - skip], or what `transform` makes of it; not to be written to.

        Raises:
            AudioError: As `AudioFile.load`.
        """
        with self._lock:
            future = self._held.get((index, skip))
            if decodes := future is None:
                future = self._held[index, skip] = Future()
                self._num_samples += self.manifest.files[index].num_samples
            self._held.move_to_end((index, skip))
            while self._num_samples > self.limit_samples and len(self._held) > 1:
                (dropped, _), _ = self._held.popitem(last=False)
                self._num_samples -= self.manifest.files[dropped].num_samples
        if decodes:
            try:
                file = self.manifest.files[index]
                future.set_result(self.transform(file, file.load(self.manifest.sample_rate)[skip:]))
            except BaseException as error:
                future.set_exception(error)
        return future.result()
