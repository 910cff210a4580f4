"""Reads tables of what is said in which recording: `metadata.csv` and `metadata.jsonl`."""

import csv
import io
import json
import os
import posixpath
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from tf_wavenet.data.audio_error import AudioError
from tf_wavenet.data.read_audio import AUDIO_SUFFIXES

TABLES = ("metadata.csv", "metadata.jsonl")
CONTAINERS = ("wavs", "wav", "wav48", "wav48_silence_trimmed")

# Names of columns, in the order that they are looked for.
_FILE_COLUMNS = (
    "file_name filename file audio_file audio_filepath audio_path path audio wav_file wav id utterance_id clip name"
).split()
_TEXT_COLUMNS = (
    "normalized_text normalised_text normalized_transcription normalised_transcription normalized normalised "
    "transcription transcript text sentence"
).split()


class Metadata:
    """What the tables of a corpus say.

    Attributes:
        texts: Dict of a recording's path below the corpus to its text, or None where the table has none.
        named: The recordings that a table names with their suffix.
        rejected: Pairs (path, reason) of rows without a recording, and of tables that are not understood.

    Args:
        folder: The corpus.
        tables: Paths of the tables below it.
        recordings: Paths of the recordings below it.

    Raises:
        AudioError: If a table is not UTF-8 text.
    """

    def __init__(self, folder: Path, tables: Iterable[Path], recordings: Sequence[Path]) -> None:
        self.texts: dict[Path, str | None] = {}
        self.named: set[Path] = set()
        self.rejected: list[tuple[Path, str]] = []
        self._root = Path(os.path.abspath(folder))
        self._by_path = {_key(path.as_posix()): path for path in recordings}
        self._by_stem = defaultdict(list)
        for path in recordings:
            self._by_stem[_key(path.with_suffix("").as_posix())].append(path)
        for table in tables:
            self._read(folder, table)

    def _read(self, folder, table):
        try:
            content = (folder / table).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            expected = "expected UTF-8 text"
            raise AudioError(folder / table, f"{expected}. Received: {error.reason} at byte {error.start}.") from None
        read = self._json_rows if table.suffix == ".jsonl" else self._csv_rows
        try:
            rows = read(content, table)
        except ValueError as error:
            self.rejected.append((folder / table, str(error)))
            return
        missing = set()
        for field, text in rows:
            found = self._find(table, field)
            self.texts |= dict.fromkeys(found, " ".join((text or "").split()) or None)
            if not found:
                missing.add(field)
        reason = f"named in {table.name}. Received: no such file."
        self.rejected += [(folder / table.parent / field, reason) for field in sorted(missing)]

    def _csv_rows(self, content, table):
        """Returns pairs (file, text); a ValueError says that the table is not understood."""
        lines = [line for line in content.split("\n") if line.strip()]
        if not lines:
            return []
        first = lines[0]
        if "|" in first:  # LJSpeech's form, which knows no quotes
            rows = [[field.strip() for field in line.split("|")] for line in lines if "|" in line]
        else:
            rows = _split(content, "\t" if "\t" in first else ",")
        file, text = (_column(rows[0], names) for names in (_FILE_COLUMNS, _TEXT_COLUMNS))
        if file is not None and not self._find(table, rows[0][file]):  # a header
            rows = [row + [""] * (len(rows[0]) - len(row)) for row in rows[1:]]
            return [(row[file], None if text is None else row[text]) for row in rows]
        if "|" in first:
            return [(row[0], next((text for text in row[2:0:-1] if text), None)) for row in rows]
        if not self._find(table, rows[0][0]) or any(len(row) != 2 for row in rows):
            expected = "expected id|text lines, or a header with a column file_name"
            raise ValueError(f"{expected}. Received: {first[:100]!r}.")
        return rows

    def _json_rows(self, content, table):
        """Does the same for a .jsonl."""
        rows = []
        for number, line in enumerate(content.split("\n"), start=1):
            if line.strip():
                row = _object(line)
                file, text = (_value(row, names) for names in (_FILE_COLUMNS, _TEXT_COLUMNS))
                if file is None:
                    expected = 'expected lines such as {"file_name": "a.wav", "text": "Hello."}'
                    raise ValueError(f"{expected}. Received: {line.strip()[:100]!r} in line {number}.")
                rows.append((file, text))
        return rows

    def _find(self, table, field):
        """Returns the recordings that a row of a table is about."""
        field = field.strip().replace("\\", "/")
        if not field:
            return []
        if posixpath.isabs(field):
            field = posixpath.relpath(field, posixpath.join(self._root.as_posix(), table.parent.as_posix()))
        places = [_key(posixpath.join(table.parent.as_posix(), place, field)) for place in (".", *CONTAINERS)]
        for place in places:
            if place in self._by_path:
                self.named.add(self._by_path[place])
                return [self._by_path[place]]
        for stem in (*places, *map(_without_suffix, places)):
            if stem in self._by_stem:
                return self._by_stem[stem]
        return []


def _key(path):
    return unicodedata.normalize("NFC", posixpath.normpath(path))


def _without_suffix(field):
    return posixpath.splitext(field)[0] if field.lower().endswith(AUDIO_SUFFIXES) else field


def _column(header, names):
    """Returns the position in the header of the first of the names that it has, or None."""
    columns = [field.strip().lower().replace(" ", "_").replace("-", "_") for field in header]
    return next((columns.index(name) for name in names if name in columns), None)


def _split(content, delimiter):
    try:
        return [row for row in csv.reader(io.StringIO(content, newline=""), delimiter=delimiter) if row]
    except csv.Error as error:
        raise ValueError(f"expected a table. Received: {error}.") from None


def _object(line):
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return None


def _value(row, names):
    """Returns the text of the first of the names that a JSON object has, or None."""
    columns = list(row) if isinstance(row, dict) else []
    position = _column(columns, names)
    value = None if position is None else row[columns[position]]
    return value if isinstance(value, str) else None
