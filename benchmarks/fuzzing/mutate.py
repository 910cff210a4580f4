"""Damages files as transfers, disks, editors and attackers do."""

import io
import re
import zipfile
from collections.abc import Callable

import numpy as np

_NUMBERS = (b"0", b"-1", b"1e999", b"NaN", b"null", b"true", b"99999999999999999999", b'"x"', b"[]", b"{}", b"0.5")
_BYTES = (0x00, 0x7F, 0x80, 0xFF)


def mutate(content: bytes, rng: np.random.Generator) -> bytes:
    """Returns bytes with one to eight damages: bytes changed, cut out, put in, doubled, moved, or the end cut off.

    Args:
        content: The bytes.
        rng: Decides.
    """
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 9))):
        if not data:
            return bytes(rng.integers(0, 256, 16, np.uint8))
        begin = int(rng.integers(len(data)))
        end = min(len(data), begin + int(2 ** rng.uniform(0, 8)))
        match int(rng.integers(7)):
            case 0:
                data[begin] ^= 1 << int(rng.integers(8))
            case 1:
                data[begin:end] = bytes([_BYTES[int(rng.integers(len(_BYTES)))]]) * (end - begin)
            case 2:
                data[begin:end] = rng.integers(0, 256, end - begin, np.uint8).tobytes()
            case 3:
                del data[begin:end]
            case 4:
                data[begin:begin] = data[begin:end]
            case 5:
                data[begin:end] = data[: end - begin]
            case 6 if rng.random() < 0.3:
                del data[begin:]
    return bytes(data)


def mutate_text(content: bytes, rng: np.random.Generator) -> bytes:
    """Returns a text with a number or a word replaced by what nobody expects, or damaged as bytes."""
    if rng.random() < 0.3:
        return mutate(content, rng)
    places = list(re.finditer(rb'-?\d+(?:\.\d+)?(?:e-?\d+)?|"[^"]*"|[\[\]{},:|\n]', content))
    for _ in range(int(rng.integers(1, 3))):
        if not places:
            return mutate(content, rng)
        place = places[int(rng.integers(len(places)))]
        new = _NUMBERS[int(rng.integers(len(_NUMBERS)))] if rng.random() < 0.8 else b""
        content = content[: place.start()] + new + content[place.end() :]
        places = [other for other in places if other.end() <= place.start()]
    return content


def mutate_zip(content: bytes, rng: np.random.Generator, is_text: Callable[[str], bool]) -> bytes:
    """Returns a ZIP file with one of its members damaged and the sums right, or damaged as bytes.

    Args:
        content: The file.
        rng: Decides.
        is_text: Whether a member of this name is text.
    """
    if rng.random() < 0.3:
        return mutate(content, rng)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as given, zipfile.ZipFile(made, "w") as changed:
        names = given.namelist()
        chosen = names[int(rng.integers(len(names)))]
        for name in names:
            member = given.read(name)
            if name == chosen:
                member = (mutate_text if is_text(name) else mutate)(member, rng)
            changed.writestr(name, member)
    return made.getvalue()
