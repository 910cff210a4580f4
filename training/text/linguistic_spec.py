"""What linguistic features hold, as one immutable value."""

import dataclasses
import json
import operator
from pathlib import Path
from typing import Any

from tf_wavenet.files import atomic_path

POSITION, LOG_DURATION, VOICED, LOG_F0 = range(4)  # channels after the three groups of phones


@dataclasses.dataclass(frozen=True)
class LinguisticSpec:
    """The recipe of linguistic features: which phones there are, the frames, the range of the pitch.

    Of P phones, the channels are, in this order (`training.text.linguistic.linguistic_features` computes them):
        0 to P - 1: 1 for the frame's phone, else 0.
        P to 2 P - 1: 1 for the phone before it; all 0 for the first.
        2 P to 3 P - 1: 1 for the phone after it; all 0 for the last.
        3 P + POSITION: how much of the phone has passed at the middle of the frame, 0 to 1.
        3 P + LOG_DURATION: natural logarithm of the phone's length over 0.1 s.
        3 P + VOICED: 1 where the voice has a pitch, else 0.
        3 P + LOG_F0: logarithm of the pitch, 0 at `f0_floor` and 1 at `f0_ceil`, linear where there is none.

    Args:
        phones: The symbols of the phones, sorted.
        sample_rate: Of the waveform, in Hz.
        hop_length: Samples of a frame; frame f is that of samples `f * hop_length` to `(f + 1) * hop_length - 1`.
        f0_floor: Lowest pitch that is looked for, in Hz, at least 40.
        f0_ceil: Highest pitch that is looked for, in Hz, at least twice `f0_floor`, at most `sample_rate / 4`.

    Raises:
        ValueError: For a value out of range, naming the field.
    """

    phones: tuple[str, ...]
    sample_rate: int = 16000
    hop_length: int = 80
    f0_floor: float = 60.0
    f0_ceil: float = 400.0

    def __post_init__(self) -> None:
        """Checks each field."""
        phones = None if isinstance(self.phones, str) else tuple(self.phones)
        if not phones or not all(isinstance(phone, str) and phone for phone in phones):
            raise ValueError(f"Expected phones to be symbols, at least one. Received: phones={self.phones!r}")
        if list(phones) != sorted(set(phones)):
            raise ValueError(f"Expected phones to be sorted, each once. Received: phones={phones}")
        object.__setattr__(self, "phones", phones)
        self._check("sample_rate", operator.index, 1000, 384000, "Hz")
        self._check("hop_length", operator.index, 1, self.sample_rate, "samples")
        self._check("f0_floor", float, 40.0, self.sample_rate / 8, "Hz")
        self._check("f0_ceil", float, 2 * self.f0_floor, self.sample_rate / 4, "Hz")

    def _check(self, name, convert, low, high, unit):
        given = getattr(self, name)
        try:
            value = convert(given)
        except (TypeError, ValueError):
            value = None
        if value is None or isinstance(given, (str, bool)) or not low <= value <= high:
            raise ValueError(f"Expected {name} to be {low:g} to {high:g} {unit}. Received: {name}={given!r}")
        object.__setattr__(self, name, value)

    @property
    def num_channels(self) -> int:
        """Number of channels."""
        return 3 * len(self.phones) + 4

    @property
    def channel_names(self) -> tuple[str, ...]:
        """The channels in order, such as "phone a", "previous a", "next a", "position"."""
        groups = [f"{group} {phone}" for group in ("phone", "previous", "next") for phone in self.phones]
        return (*groups, "position", "log duration", "voiced", "log F0")

    def num_frames(self, num_samples: int) -> int:
        """Returns the number of frames of a waveform of `num_samples`; a last frame may be cut short by its end."""
        return -(-num_samples // self.hop_length)

    def get_config(self) -> dict[str, Any]:
        """Returns the fields as a dict of JSON values."""
        return dataclasses.asdict(self) | {"phones": list(self.phones)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LinguisticSpec":
        """Returns the spec of `get_config`; raises a ValueError for anything else."""
        names = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(config, dict) or set(config) != set(names):
            received = ", ".join(sorted(config)) if isinstance(config, dict) else type(config).__name__
            raise ValueError(f"Expected the fields of a LinguisticSpec ({', '.join(names)}). Received: {received}")
        return cls(**config)

    def save(self, path: Path) -> None:
        """Writes the spec as a JSON file."""
        with atomic_path(path) as partial:
            partial.write_text(json.dumps(self.get_config(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "LinguisticSpec":
        """Reads what `save` wrote.

        Args:
            path: JSON file.

        Returns:
            The spec.

        Raises:
            ValueError: If the file is not a spec.
            OSError: If it cannot be read.
        """
        try:
            return cls.from_config(json.loads(Path(path).read_text(encoding="utf-8")))
        except ValueError as error:
            raise ValueError(f"{path}: expected a spec of linguistic features. {error}") from None
