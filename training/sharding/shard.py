"""Writes one shard: the unit of work of a preparation, whole or absent."""

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

from tf_wavenet.data import AudioError
from tf_wavenet.data.corpus_listing import Recording, find_twins, twin_reason
from tf_wavenet.data.records import make_record
from tf_wavenet.data.shards import index_path, shard_path
from tf_wavenet.files import atomic_path
from training.sharding.encoder_process import EncoderProcess


@dataclasses.dataclass(frozen=True)
class ShardTask:
    """What a worker needs to write one shard.

    Attributes:
        corpus: Folder of the recordings.
        out: Folder of the shards.
        number: Of this shard, from 0.
        total: Number of shards.
        sample_rate: Rate in Hz.
        trim_silence_db: As for `index_corpus`.
        limit_seconds: Time that one recording may take.
        recordings: What shall lie in the shard, in order.
        rejected: Pairs (path, reason) to list with the recordings that cannot be read.
    """

    corpus: Path
    out: Path
    number: int
    total: int
    sample_rate: int
    trim_silence_db: float | None
    limit_seconds: float
    recordings: tuple[Recording, ...]
    rejected: tuple[tuple[Path, str], ...] = ()

    @property
    def shard(self) -> Path:
        """The shard."""
        return shard_path(self.out, self.number, self.total)

    @property
    def index(self) -> Path:
        """JSON of what lies in the shard, written after it."""
        return index_path(self.out, self.number, self.total)

    def settings(self) -> dict[str, Any]:
        """What the bytes of the shard depend on, apart from the recordings' contents."""
        sources = [
            [recording.path.relative_to(self.corpus).as_posix(), recording.speaker, recording.text]
            for recording in self.recordings
        ]
        rejected = [[path.relative_to(self.corpus).as_posix(), reason] for path, reason in self.rejected]
        settings = {"sample_rate": self.sample_rate, "trim_silence_db": self.trim_silence_db}
        return settings | {"sources": sources, "rejected": rejected}

    def is_done(self) -> bool:
        """Whether the shard is there, of these settings, and newer than all recordings."""
        try:
            content = dict(json.loads(self.index.read_text(encoding="utf-8")))
            written = self.shard.stat()
            newest = max((recording.path.stat().st_mtime for recording in self.recordings), default=0.0)
        except (OSError, ValueError, TypeError):
            return False
        same = content.get("settings") == json.loads(json.dumps(self.settings()))
        return same and content.get("num_bytes") == written.st_size and newest <= written.st_mtime


def plan_shards(recordings: list[Recording], total: int) -> list[tuple[Recording, ...]]:
    """Divides recordings among shards; files of one id, of which one may be left out, come to the same.

    Args:
        recordings: Those of a corpus.
        total: Number of shards.

    Returns:
        Of each shard its recordings: of the sorted ids every `total`-th.
    """
    shards = [[] for _ in range(total)]
    for number, (_, group) in enumerate(sorted(_groups(recordings).items())):
        shards[number % total] += group
    return [tuple(shard) for shard in shards]


def write_shard(task: ShardTask) -> int:
    """Writes a shard and its index, unless they are there.

    Args:
        task: What to write.

    Returns:
        The number of the shard.

    Raises:
        OSError: If it cannot be written, as on a full disk.
    """
    if task.is_done():
        return task.number
    from array_record.python.array_record_module import ArrayRecordWriter

    encoder = _encoder(task.limit_seconds)
    files, rejected = [], list(task.rejected)
    task.index.unlink(missing_ok=True)
    with atomic_path(task.shard) as partial:
        writer = ArrayRecordWriter(str(partial), "group_size:1,uncompressed")
        for group in _groups(task.recordings).values():
            encoded = []
            for recording in group:
                try:
                    encoded.append(encoder.encode(recording, task.sample_rate, task.trim_silence_db))
                except AudioError as error:
                    rejected.append((recording.path, error.reason))
            named = {recording.path for recording in group if recording.named}
            twins = find_twins([each.file for each in encoded], named, task.sample_rate)
            rejected += [(path, twin_reason(twin.relative_to(task.corpus))) for path, twin in twins.items()]
            for each in encoded:
                if each.file.path not in twins:
                    entry = _entry(task, each)
                    writer.write(_record(entry, each.audio))
                    files.append(entry | {"record": len(files)})
        writer.close()
        _check(partial, task.shard, len(files))
    content = {
        "settings": task.settings(),
        "num_bytes": task.shard.stat().st_size,
        "files": files,
        "rejected": [[path.relative_to(task.corpus).as_posix(), reason] for path, reason in rejected],
    }
    with atomic_path(task.index) as partial:
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")
    return task.number


@functools.lru_cache(maxsize=1)
def _encoder(limit_seconds):
    return EncoderProcess(limit_seconds)


def _groups(recordings):
    by_name = {}
    for recording in recordings:
        by_name.setdefault(recording.name, []).append(recording)
    return by_name


def _entry(task, encoded):
    source = encoded.file.path.relative_to(task.corpus).as_posix()
    file = encoded.file
    return {
        "name": file.name,
        "num_samples": file.num_samples,
        "speaker": file.speaker,
        "text": file.text,
        "source": source,
        "checksum": encoded.checksum,
    }


def _record(entry, audio):
    fields = {
        name: (entry[name] or "").encode("utf-8", "replace") for name in ("speaker", "text", "source", "checksum")
    }
    return make_record(fields | {"id": entry["name"].encode(), "audio": audio})


def _check(partial, shard, count):
    """Reads the last record again: writers of full disks do not always say so."""
    from array_record.python.array_record_module import ArrayRecordReader

    try:
        reader = ArrayRecordReader(str(partial))  # has no records where there is no file
        written = reader.num_records()
        if count:
            reader.read([count - 1])
    except RuntimeError:
        written = -1
    if written != count:
        raise OSError(f"{shard}: expected to write {count} recordings. Is the disk full?")
