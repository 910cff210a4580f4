"""The folder of a sharded corpus."""

import json
import os
from pathlib import Path

from tf_wavenet.data.audio_error import AudioError
from tf_wavenet.data.manifest import AudioFile, Manifest, check_file

DATASET, SPLIT = "audio", "train"  # as TensorFlow Datasets names them
COMPLETE = "dataset_info.json"  # written last


def shard_path(folder: Path, number: int, total: int) -> Path:
    """Returns where a shard lies."""
    return folder / f"{DATASET}-{SPLIT}.array_record-{number:05d}-of-{total:05d}"


def index_path(folder: Path, number: int, total: int) -> Path:
    """Returns where the index of a shard lies."""
    return folder / "index" / f"{number:05d}-of-{total:05d}.json"


def is_sharded(folder: str | os.PathLike) -> bool:
    """Returns whether a folder was written by `training.prepare --shards`, finished or not."""
    return Path(folder, "index").is_dir() and any(Path(folder).glob(f"{DATASET}-{SPLIT}.array_record-*-of-*"))


def load_shards(folder: str | os.PathLike) -> Manifest:
    """Reads what lies in the shards of a corpus. No recording is decoded: it takes seconds for a thousand hours.

    Args:
        folder: Folder that `training.prepare --shards` wrote.

    Returns:
        The manifest, files ordered by the path of their source; it trains as that of the corpus itself.

    Raises:
        AudioError: If a shard is missing, or the preparation has not come to its end.
    """
    folder = Path(folder)
    try:
        info = json.loads((folder / COMPLETE).read_text(encoding="utf-8"))
        total = len(info["splits"][0]["shardLengths"])
    except FileNotFoundError:
        raise AudioError(folder, f"expected {COMPLETE}. Received: none; finish with training.prepare.") from None
    except (ValueError, LookupError, TypeError) as error:
        raise AudioError(folder / COMPLETE, f"expected what training.prepare writes. Received: {error!r}.") from None
    files, rejected, rates = [], [], set()
    for number in range(total):
        shard, index = shard_path(folder, number, total), index_path(folder, number, total)
        try:
            content = json.loads(index.read_text(encoding="utf-8"))
            size = shard.stat().st_size
            if size != content["num_bytes"]:
                received = f"{size}, so it is not whole; prepare it anew"
                raise AudioError(shard, f"expected {content['num_bytes']} bytes. Received: {received}.")
            rate = content["settings"]["sample_rate"]
            if type(rate) is not int:
                raise ValueError(f"sample_rate={rate!r}")
            rates.add(rate)
            for entry in content["files"]:
                fields = {key: entry[key] for key in ("num_samples", "speaker", "text", "name", "record")}
                file = check_file(AudioFile(path=shard / entry["name"], **fields))
                files.append((entry["source"] + "", file))
            rejected += [(Path(name), reason + "") for name, reason in content["rejected"]]
        except OSError as error:
            raise AudioError(error.filename or index, f"expected a shard. Received: {error.strerror}.") from None
        except (ValueError, LookupError, TypeError) as error:
            if isinstance(error, AudioError):
                raise
            raise AudioError(index, f"expected what training.prepare writes. Received: {error!r}.") from None
    if len(rates) != 1 or not files:
        raise AudioError(folder, f"expected recordings of one rate. Received: {len(files)} of {sorted(rates)} Hz.")
    files.sort(key=lambda pair: pair[0])
    return Manifest(rates.pop(), tuple(file for _, file in files), tuple(sorted(rejected)))
