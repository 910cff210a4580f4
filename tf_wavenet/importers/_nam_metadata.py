"""The metadata in a `.nam` file: what plug-ins read as numbers, and what JSON can hold."""

import math
from typing import Any

import numpy as np

_NUMBERS = ("loudness", "gain", "input_level_dbu", "output_level_dbu")


def read_metadata(metadata) -> dict[str, Any] | None:
    """Returns a file's metadata, or None; NaN and infinity, which some trainers write, as None."""
    if not isinstance(metadata, (dict, type(None))):
        raise ValueError(f"Expected metadata to be an object. Received: metadata={metadata!r}")
    return _known(metadata)


def joined_metadata(outer, inner) -> dict[str, Any] | None:
    """Returns the metadata of a container and of a model in it: the container's, and what it leaves open."""
    if outer is None or inner is None:
        return inner if outer is None else outer
    return {**inner, **{key: value for key, value in outer.items() if value is not None or key not in inner}}


def written_metadata(metadata) -> dict[str, Any]:
    """Returns metadata as JSON holds it.

    Raises:
        ValueError: Naming the key, if something is no JSON value, or no number where plug-ins take one.
    """
    if not isinstance(metadata, (dict, type(None))):
        raise ValueError(f"Expected metadata to be a dict. Received: metadata={metadata!r}")
    plain = {key: _plain(key, value) for key, value in (metadata or {}).items()}
    for key in _NUMBERS:
        value = plain.get(key)
        if value is not None and type(value) not in (int, float):
            raise ValueError(f"Expected {key} in metadata to be a number. Received: {key}={value!r}")
    return plain


def _known(value):
    if isinstance(value, dict):
        return {key: _known(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_known(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(key, value):
    if isinstance(value, dict):
        return {str(name): _plain(f"{key}.{name}", each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(key, each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if not (value is None or isinstance(value, (str, bool, int, float))):
        raise ValueError(f"Expected {key} in metadata to be text, number, list or dict. Received: {key}={value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"Expected {key} in metadata to be finite. Received: {key}={value}")
    return value
