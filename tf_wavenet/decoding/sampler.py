"""The settings of sampling, checked once."""

import dataclasses
import math
import operator

from tf_wavenet._validation import is_int, is_number


@dataclasses.dataclass(frozen=True)
class SamplingSettings:
    """How samples are drawn from the predicted distributions.

    Args:
        temperature: Float >= 0 and finite; 1 samples the model's distribution, 0 takes its mode.
        top_k: None, or int >= 1: draw among the k most probable levels only.
        top_p: None, or float in (0, 1]: draw among the most probable levels that reach this probability.

    Raises:
        ValueError: If a setting is outside its range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        if not is_number(self.temperature) or not 0 <= self.temperature < math.inf:
            raise ValueError(f"Expected temperature to be finite and >= 0. Received: temperature={self.temperature!r}")
        if self.top_k is not None and (not is_int(self.top_k) or self.top_k < 1):
            raise ValueError(f"Expected top_k to be None or an int >= 1. Received: top_k={self.top_k!r}")
        if self.top_p is not None and (not is_number(self.top_p) or not 0 < self.top_p <= 1):
            raise ValueError(f"Expected top_p to be None or in (0, 1]. Received: top_p={self.top_p!r}")

    def check(self, distribution) -> None:
        """Raises a ValueError if a setting means nothing for the distribution."""
        for name in ("top_k", "top_p"):
            if getattr(self, name) is not None and not distribution.has_levels:
                inner = getattr(distribution, "distribution", distribution)  # of a residual
                raise ValueError(
                    f"Expected {name}=None: {type(inner).__name__} has no levels to choose among. "
                    f"Received: {name}={getattr(self, name)!r}"
                )


def check_count(name, value, minimum) -> int:
    """Returns `value` as an int if it is one and >= `minimum`, else raises a ValueError that names it."""
    if not is_int(value) or value < minimum:
        raise ValueError(f"Expected {name} to be an int >= {minimum}. Received: {name}={value!r}")
    return operator.index(value)
