"""Reads and writes label files, which say what sound is spoken when: Praat's TextGrid, HTK's and HTS's .lab."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tf_wavenet.files import atomic_path
from training.text.phonemes import PAUSE, Phone

LABEL_SUFFIXES = (".TextGrid", ".lab")
_TICKS = 1e7  # HTK's times are in units of 100 ns
_TOKEN = re.compile(r'"((?:[^"]|"")*)"(?!\S)|(![^\n]*)|(\S+)')
_CONTEXT = re.compile(r"(?:[^-]*-)?([^+]+)(?:\+.*)?")
_STATE = re.compile(r"(.+)\[(\d+)\]")


def read_labels(path: Path, tier: str = "phones") -> list[Phone]:
    """Reads a label file by its suffix.

    Args:
        path: A .TextGrid or .lab file.
        tier: Name of the TextGrid's tier of phones.

    Returns:
        The phones in order.

    Raises:
        ValueError: For another suffix, and as `read_textgrid` and `read_htk` raise.
        OSError: If the file cannot be read.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".textgrid":
        return read_textgrid(path, tier)
    if suffix == ".lab":
        return read_htk(path)
    raise ValueError(f"{path}: expected a name that ends in {' or '.join(LABEL_SUFFIXES)}.")


def read_textgrid(path: Path, tier: str = "phones") -> list[Phone]:
    """Reads one tier of intervals of a TextGrid, as Praat and the Montreal Forced Aligner write them.

    Args:
        path: Text file in Praat's long or short form; UTF-8, or UTF-16 with its mark.
        tier: Name of the tier.

    Returns:
        The phones in order; an empty label is a pause, `PAUSE`.

    Raises:
        ValueError: With file and line, where the file is not a TextGrid, has no such tier or overlapping intervals.
        OSError: If the file cannot be read.

    References:
        Praat manual, "TextGrid file formats": numbers, quoted texts and flags such as <exists> that stand alone are the
        content, in a fixed order; "!" begins a comment; all other words are for the reader's eye.
    """
    tokens = _Tokens(path)
    if not tokens.text("the file type").startswith("ooTextFile") or tokens.text("the class") != "TextGrid":
        raise tokens.error('a file of type "ooTextFile" and class "TextGrid"')
    tokens.number("the start"), tokens.number("the end")
    names = []
    for _ in range(tokens.count("tiers") if tokens.flag("tiers") else 0):
        kind, name = tokens.text("a tier's class"), tokens.text("a tier's name")
        if kind not in ("IntervalTier", "TextTier"):
            raise tokens.error('"IntervalTier" or "TextTier"', kind)
        tokens.number("the tier's start"), tokens.number("the tier's end")
        rows = _read_tier(tokens, kind)
        if kind == "IntervalTier":
            if name == tier:
                return _to_phones(path, [(line, label.strip() or PAUSE, a, b) for line, label, a, b in rows])
            names.append(name)
    raise ValueError(f"{path}: expected a tier of intervals named {tier!r}. Received: {', '.join(names) or 'none'}.")


def _read_tier(tokens, kind):
    rows = []
    for _ in range(tokens.count("intervals")):
        start = tokens.number("a time")
        line = tokens.line
        end = tokens.number("a time") if kind == "IntervalTier" else start
        rows.append((line, tokens.text("a label"), start, end))
    return rows


class _Tokens:
    """The content of a Praat text file, one item at a time."""

    def __init__(self, path):
        content = Path(path).read_bytes()
        encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        self.path, self.line = path, 1
        self._text = _decode(path, content, encoding)
        self._tokens = self._read()

    def _read(self) -> Iterator[str | float]:
        """Yields texts as str in quotes, flags as str in angle brackets, numbers as float."""
        last = 0
        for match in _TOKEN.finditer(self._text):
            self.line += self._text.count("\n", last, match.start())
            last = match.start()
            quoted, _, word = match.groups()
            if quoted is not None:
                yield '"' + quoted.replace('""', '"') + '"'
            elif word and re.fullmatch(r"<\w+>", word):
                yield word
            elif word and re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", word):
                yield float(word)

    def error(self, expected, received=None):
        received = "" if received is None else f" Received: {' '.join(str(received).split())}."
        return ValueError(f"{self.path}:{self.line}: expected {expected}.{received}")

    def _next(self, expected):
        token = next(self._tokens, None)
        if token is None:
            raise self.error(expected, "the end of the file")
        return token

    def text(self, what):
        token = self._next(f"{what} in quotes")
        if not isinstance(token, str) or token[0] != '"':
            raise self.error(f"{what} in quotes", token)
        return token[1:-1]

    def number(self, what):
        token = self._next(f"{what}, a number")
        if not isinstance(token, float):
            raise self.error(f"{what}, a number", token)
        return token

    def count(self, what):
        value = self.number(f"the number of {what}")
        if value < 0 or value != int(value):
            raise self.error(f"the number of {what}, an integer", value)
        return int(value)

    def flag(self, what):
        token = self._next(f"<exists> or <absent> {what}")
        if token not in ("<exists>", "<absent>"):
            raise self.error(f"<exists> or <absent> {what}", token)
        return token == "<exists>"


def read_htk(path: Path) -> list[Phone]:
    """Reads a label file of HTK or HTS: lines `start end name`, times in units of 100 ns.

    Of a name with context, such as HTK's "a-b+c" or HTS's "x^a-b+c=d@1_2/A:...", the phone between "-" and "+" is
    taken. Lines of a phone's states, whose names end in "[2]", "[3]" and so on, become one phone. Whatever follows the
    name is passed over.

    Args:
        path: Text file, UTF-8.

    Returns:
        The phones in order.

    Raises:
        ValueError: With file and line, where a line is not of that form or begins before the last one's end.
        OSError: If the file cannot be read.

    References:
        The HTK Book, section 6.2.1, "HTK Label Files"; HTS 2.3, full-context labels (lab_format).
    """
    rows, last_name, last_state = [], None, 0
    for number, line in enumerate(_decode(path, Path(path).read_bytes(), "utf-8-sig").splitlines(), start=1):
        if not line.strip():
            continue
        fields = line.split()
        if len(fields) < 3 or not (fields[0].isdecimal() and fields[1].isdecimal()):
            raise ValueError(f'{path}:{number}: expected "start end name", times in 100 ns. Received: {line.strip()!r}')
        start, end = int(fields[0]) / _TICKS, int(fields[1]) / _TICKS
        match = _STATE.fullmatch(fields[2])
        name, state = (match[1], int(match[2])) if match else (fields[2], 0)
        if state > last_state > 0 and name == last_name and start == rows[-1][3]:
            rows[-1] = (*rows[-1][:3], end)
        else:
            context = _CONTEXT.fullmatch(name)
            rows.append((number, context[1] if context else name, start, end))
        last_name, last_state = name, state
    return _to_phones(path, rows)


def write_htk(path: Path, phones: Iterable[Phone]) -> None:
    """Writes phones as a label file of HTK, which Praat, WaveSurfer and `read_htk` read.

    Args:
        path: File to write, whole or not at all.
        phones: The phones.
    """
    lines = [f"{round(p.start * _TICKS)} {round(p.end * _TICKS)} {p.symbol}\n" for p in phones]
    with atomic_path(path) as partial:
        partial.write_text("".join(lines), encoding="utf-8")


def _decode(path, content, encoding):
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected {encoding.removesuffix('-sig').upper()} text: {error.reason}.") from None


def _to_phones(path, rows):
    """Makes phones of rows (line, symbol, start, end)."""
    if not rows:
        raise ValueError(f"{path}: expected at least one phone. Received: none.")
    last = 0.0
    phones = []
    for line, symbol, start, end in rows:
        if not last <= start < end < float("inf"):
            expected = f"times in seconds that begin at {last:g} or later and end after that"
            raise ValueError(f"{path}:{line}: expected {expected}. Received: {start:g} to {end:g} for {symbol!r}.")
        phones.append(Phone(symbol, start, end))
        last = end
    return phones
