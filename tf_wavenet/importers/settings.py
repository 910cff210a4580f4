"""The configuration of a checkpoint: values of which each is checked when it is asked for."""

import reprlib
from typing import Any

from tf_wavenet._validation import is_int, is_number
from tf_wavenet.importers.checkpoint_error import CheckpointError

_REQUIRED = object()


class Settings:
    """Named values, as they stand in a configuration file; null stands for the default, where there is one.

    Args:
        values: Dict.
        path: The file, for messages.

    Raises:
        CheckpointError: If `values` is no dict.

    Example:
    >>> settings = Settings({"layers": 24, "upsample_params": {"mode": "nearest"}}, "hparams.json")
    >>> settings.integer("layers"), settings.integer("stacks", default=4)
    (24, 4)
    >>> settings.section("upsample_params").one_of("mode", "bilinear")
    Traceback (most recent call last):
        ...
    tf_wavenet.importers.checkpoint_error.CheckpointError: hparams.json: expected mode to be 'bilinear'. \
Received: 'nearest'
    """

    def __init__(self, values: dict[str, Any], path) -> None:
        if not isinstance(values, dict):
            raise CheckpointError(path, f"expected named values. Received: {type(values).__name__}")
        self.values = {str(name): value for name, value in values.items()}  # YAML has names that are no text
        self.path = path

    def integer(self, name: str, default: Any = _REQUIRED) -> int:
        """Returns an int; 22050.0 is one."""
        value = self._checked(name, default, _is_whole, "an int")
        return int(value) if _is_whole(value) else value

    def number(self, name: str, default: Any = _REQUIRED) -> float:
        """Returns a number."""
        return self._checked(name, default, is_number, "a number")

    def flag(self, name: str, default: Any = _REQUIRED) -> bool:
        """Returns True or False."""
        return self._checked(name, default, lambda value: isinstance(value, bool), "true or false")

    def integers(self, name: str) -> list[int]:
        """Returns a list of ints."""
        return _ints(self._checked(name, _REQUIRED, _is_list_of_ints, "a list of ints"))

    def lists(self, name: str) -> list[list[int]]:
        """Returns a list of lists of ints."""
        return list(map(_ints, self._checked(name, _REQUIRED, _is_list_of_lists, "a list of lists of ints")))

    def one_of(self, name: str, *accepted: Any, default: Any = _REQUIRED) -> Any:
        """Returns a value if it is one that we have a counterpart of; 1 is "1" and 80.0 is 80."""

        def match(value):
            texts = (value, str(value)) if is_int(value) else (value,)
            return [known for known in accepted if known in texts]

        value = self._checked(name, default, match, " or ".join(map(repr, accepted)))
        return next(iter(match(value)), value)

    def section(self, name: str) -> "Settings":
        """Returns the values inside a value."""
        return Settings(self._checked(name, _REQUIRED, lambda value: isinstance(value, dict), "a section"), self.path)

    def only(self, *names: str) -> None:
        """Raises a CheckpointError if there are values of other names."""
        for name in self.values:
            if name not in names:
                raise CheckpointError(self.path, f"expected only {', '.join(names)}. Received: {name}, unknown here")

    def _checked(self, name, default, is_valid, expected):
        value = self.values.get(name, _REQUIRED)
        if value in (None, _REQUIRED) and default is not _REQUIRED:
            return default
        if value is _REQUIRED:
            raise CheckpointError(self.path, f"expected {name}, {expected}. Received: no such setting")
        if not is_valid(value):
            raise CheckpointError(self.path, f"expected {name} to be {expected}. Received: {reprlib.repr(value)}")
        return value


def _is_whole(value):
    return is_int(value) or (isinstance(value, float) and value.is_integer())


def _ints(values):
    return list(map(int, values))


def _is_list_of_ints(value):
    return isinstance(value, list) and all(map(_is_whole, value))


def _is_list_of_lists(value):
    return isinstance(value, list) and all(map(_is_list_of_ints, value))
