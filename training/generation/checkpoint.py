"""What a killed generation is resumed from: a file beside the WAV."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from tf_wavenet.files import atomic_path
from training.generation.resumable_stream import ResumableStream


class Checkpoint:
    """Keeps the state of a stream in a file, which is whole or absent, and gives it back.

    Args:
        path: The file, `.npz`.
        settings: All that decides the samples, by name; values that JSON can hold. Only the same ones are resumed.
        seconds: Time between two states that are kept, at least 0.
    """

    def __init__(self, path: Path, settings: dict[str, Any], seconds: float = 10.0) -> None:
        self.path = path
        self._settings = json.loads(json.dumps(settings))
        self._seconds = seconds
        self._kept = time.monotonic()

    def keep(self, stream: ResumableStream, now: bool = False) -> None:
        """Writes the state, if it is time or `now`; the samples before it must be in their files."""
        if not now and time.monotonic() - self._kept < self._seconds:
            return
        about = json.dumps({"samples": stream.made, "settings": self._settings})
        arrays = {f"state_{number}": array for number, array in enumerate(stream.state)}
        with atomic_path(self.path) as partial, partial.open("wb") as file:
            np.savez(file, about=np.array(about), **arrays)
        self._kept = time.monotonic()

    def restore(self, stream: ResumableStream) -> int:
        """Brings a stream to where the state was kept.

        Args:
            stream: A new one.

        Returns:
            The samples that were made before; 0 if nothing was kept.

        Raises:
            ValueError: If it was kept with other settings, naming the first that differs; if the file is damaged.
        """
        if not self.path.exists():
            return 0
        try:
            with self.path.open("rb") as file, np.load(file) as archive:
                about = json.loads(str(archive["about"]))
                state = [archive[f"state_{number}"] for number in range(len(archive.files) - 1)]
            if not all(isinstance(array, np.ndarray) for array in state):
                raise ValueError("members that are no arrays")
            before, made = dict(about["settings"]), int(about["samples"])
        except Exception as error:  # of a damaged file: whatever zipfile, tokenize, JSON and NumPy stumble over
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(f"Expected {self.path} to be the state of a generation. Received: {reason}") from error
        for name in {**before, **self._settings}:
            if before.get(name) != self._settings.get(name):
                began, given = (f"{name}={each.get(name)!r}" for each in (before, self._settings))
                raise ValueError(f"Expected --resume with what was begun: {began} in {self.path}. Received: {given}")
        stream.restore(made, state)
        return made

    def remove(self) -> None:
        """Removes the file, if there is one."""
        self.path.unlink(missing_ok=True)
