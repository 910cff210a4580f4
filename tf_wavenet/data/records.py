"""Recordings in ArrayRecord files: tf.train.Examples as TensorFlow Datasets writes them."""

import functools
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tf_wavenet.data.audio_error import AudioError

TFDS = "tfds:"  # begins the name of a dataset of TensorFlow Datasets
_INSTALL = 'expected array_record and tensorflow_datasets for shards: pip install "tf-wavenet[scale]"'


def is_tfds(corpus: str | os.PathLike) -> bool:
    """Returns whether a corpus, or a recording of one, is of TFDS: "tfds:NAME" or "tfds:FOLDER"."""
    return os.fspath(corpus).startswith(TFDS)


def load_record(shard: Path, record: int, name: str, sample_rate: int) -> np.ndarray:
    """Reads a recording from a shard that `training.prepare --shards` wrote, or from a dataset of TFDS.

    Args:
        shard: The ArrayRecord file, or "tfds:NAME" or "tfds:FOLDER".
        record: Position in it.
        name: Id that the recording there must have.
        sample_rate: Rate in Hz; of a shard its own.

    Returns:
        float32 array [time] in [-1, 1].

    Raises:
        AudioError: If there is no such record, or it is not this recording.
        ImportError: If array_record or tensorflow_datasets is not installed.
    """
    if is_tfds(shard):
        from tf_wavenet.data.tfds_corpus import load_tfds

        return load_tfds(shard, record, name, sample_rate)
    return np.frombuffer(read_record(shard, record, name)["audio"], "<i2").astype(np.float32) / 32768.0


def read_record(shard: Path, record: int, name: str) -> dict[str, bytes]:
    """Reads the fields of a shard's record; arguments and errors are those of `load_record`.

    Returns:
        Dict of field to bytes.
    """
    try:
        from tensorflow_datasets.proto import tf_example_pb2
    except ImportError as error:
        raise ImportError(f"{shard}: {_INSTALL}") from error
    try:
        fields = tf_example_pb2.Example.FromString(_reader(shard, shard.stat().st_mtime_ns).read([record])[0])
    except OSError as error:
        raise AudioError(shard, f"expected a shard. Received: {error.strerror}.") from None
    except (RuntimeError, IndexError, ValueError) as error:
        raise AudioError(shard, f"expected record {record}, of {name}. Received: {_one_line(error)}") from None
    except Exception as error:  # protobuf's DecodeError has no public base
        raise AudioError(shard, f"expected record {record} to be an Example. Received: {_one_line(error)}") from None
    values = {
        key: value.bytes_list.value[0] for key, value in fields.features.feature.items() if value.bytes_list.value
    }
    if values.get("id", b"").decode("utf-8", "replace") != name or "audio" not in values:
        raise AudioError(shard, f"expected record {record} to be {name}. Received: {values.get('id')!r}; prepare anew.")
    return values


def make_record(fields: Mapping[str, bytes]) -> bytes:
    """Writes fields as a record, the same bytes for the same fields.

    Args:
        fields: Dict of field to bytes.

    Returns:
        A serialised tf.train.Example.
    """
    from tensorflow_datasets.proto import tf_example_pb2

    example = tf_example_pb2.Example()
    for name, value in fields.items():
        example.features.feature[name].bytes_list.value.append(value)
    return example.SerializeToString(deterministic=True)


@functools.lru_cache(maxsize=1024)
def _reader(shard, _changed):
    try:
        from array_record.python.array_record_module import ArrayRecordReader
    except ImportError as error:
        raise ImportError(f"{shard}: {_INSTALL}") from error
    return ArrayRecordReader(str(shard))


def _one_line(error):
    return " ".join(str(error).split()) or type(error).__name__
