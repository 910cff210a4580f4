"""Holds decoded recordings in memory up to a limit."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
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
        transform: Function of an `AudioFile`, its waveform and the variant asked for; what it returns is held in the
            waveform's place.
    """

    def __init__(
        self, manifest: Manifest, limit_samples: int, transform: Callable = lambda file, waveform, variant: waveform
    ) -> None:
        self.manifest = manifest
        self.transform = transform
        self.limit_samples = limit_samples
        self._lock = threading.Lock()
        self._held = OrderedDict()
        self._num_samples = 0

    def load(self, index: int, variant: Hashable = None) -> Any:
        """Returns the recording `manifest.files[index]`.

        Args:
            index: Position in the manifest.
            variant: For `transform`; each is held apart.

        Returns:
            float32 array [num_samples], or what `transform` makes of it; not to be written to.

        Raises:
            AudioError: As `AudioFile.load`.
        """
        with self._lock:
            future = self._held.get((index, variant))
            if decodes := future is None:
                future = self._held[index, variant] = Future()
                self._num_samples += self.manifest.files[index].num_samples
            self._held.move_to_end((index, variant))
            while self._num_samples > self.limit_samples and len(self._held) > 1:
                (dropped, _), _ = self._held.popitem(last=False)
                self._num_samples -= self.manifest.files[dropped].num_samples
        if decodes:
            try:
                file = self.manifest.files[index]
                future.set_result(self.transform(file, file.load(self.manifest.sample_rate), variant))
            except BaseException as error:
                future.set_exception(error)
        return future.result()
