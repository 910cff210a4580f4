"""Writes all shards of a corpus, through Apache Beam."""

import dataclasses
import json
import logging
import os
import shlex
import threading
from pathlib import Path

from tqdm import tqdm

from tf_wavenet.data import AudioError, Manifest
from tf_wavenet.data.corpus_listing import CorpusListing
from tf_wavenet.data.shards import COMPLETE, DATASET, SPLIT, load_shards
from tf_wavenet.files import atomic_path
from training.sharding.shard import ShardTask, plan_shards, write_shard

INSTALL = 'Expected Apache Beam, array_record and tensorflow_datasets for --shards: pip install "tf-wavenet[scale]"'
POLL_SECONDS = 0.5


@dataclasses.dataclass(frozen=True)
class ShardOptions:
    """How a corpus is written to shards.

    Attributes:
        shards: Number of them.
        sample_rate: Rate in Hz.
        trim_silence_db: As for `index_corpus`.
        workers: Processes of this machine, for Beam's DirectRunner.
        beam_flags: Flags of Apache Beam, such as "--runner=FlinkRunner --flink_master=host:8081".
        limit_seconds: Time that one recording may take.
    """

    shards: int
    sample_rate: int
    trim_silence_db: float | None
    workers: int
    beam_flags: str
    limit_seconds: float


def prepare_shards(corpus: Path, out: Path, options: ShardOptions) -> Manifest:
    """Writes a corpus to shards. Those that are there already, of the same recordings and options, are kept.

    Args:
        corpus: Folder of recordings.
        out: Folder to write to.
        options: How.

    Returns:
        The manifest of the shards.

    Raises:
        AudioError: As `index_corpus` raises, and if the folder holds shards of another number.
        OSError: If a shard cannot be written.
        ValueError: If Apache Beam, array_record or TensorFlow Datasets is missing.
    """
    for name in (None, "absl"):  # what is told of their optional parts and of old names concerns nobody here
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        import apache_beam  # noqa: F401
        import array_record.python.array_record_module  # noqa: F401
        import tensorflow_datasets  # noqa: F401
    except ImportError as error:
        raise ValueError(f"{INSTALL}. Received: {error}") from error
    corpus, out = Path(os.path.abspath(corpus)), Path(os.path.abspath(out))
    listing = CorpusListing(corpus)
    if not listing.recordings:
        path, reason = listing.rejected[0]
        raise AudioError(corpus, f"expected at least one audio file. Received: none; {path.name}: {reason}")
    total = min(options.shards, len({recording.name for recording in listing.recordings}))
    others = [path for path in out.glob(f"{DATASET}-{SPLIT}.array_record-*") if not path.name.endswith(f"-{total:05d}")]
    if others:
        raise AudioError(out, f"expected no folder, or one of {total} shards. Received: {others[0].name}.")
    settings = options.sample_rate, options.trim_silence_db, options.limit_seconds
    tasks = [
        ShardTask(corpus, out, number, total, *settings, recordings, () if number else tuple(listing.rejected))
        for number, recordings in enumerate(plan_shards(listing.recordings, total))
    ]
    missing = [task for task in tasks if not task.is_done()]
    if missing:
        (out / COMPLETE).unlink(missing_ok=True)
        (out / "index").mkdir(parents=True, exist_ok=True)
        with _progress(tasks):
            _run(missing, options)
    for task in tasks:
        if not task.index.is_file():
            raise OSError(f"{task.shard}: expected a shard. Received: none from the runner; start again to go on.")
    indices = [json.loads(task.index.read_text(encoding="utf-8")) for task in tasks]
    if not any(index["files"] for index in indices):
        rejected = [pair for index in indices for pair in index["rejected"]]
        received = f"{len(rejected)} files, all rejected, first {rejected[0][0]}: {rejected[0][1]}"
        raise AudioError(corpus, f"expected at least one readable audio file. Received: {received}")
    _describe(out, options.sample_rate, indices)
    return load_shards(out)


def _run(tasks, options):
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    flags = shlex.split(options.beam_flags)
    if not any(flag.split("=")[0] == "--runner" for flag in flags):
        flags += ["--runner=DirectRunner", f"--direct_num_workers={options.workers}"]
        flags += ["--direct_running_mode=" + ("multi_processing" if options.workers > 1 else "in_memory")]
        # A worker's error comes back with the result; its log is for other runners.
        flags += ["--default_sdk_harness_log_level=CRITICAL"]
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    try:
        with beam.Pipeline(options=PipelineOptions(flags)) as pipeline:
            _ = pipeline | beam.Create(tasks) | beam.Reshuffle() | beam.Map(write_shard)
    except RuntimeError as error:  # of a worker, with its traceback
        if "TRACEBACK" in os.environ:
            raise
        lines = [line for line in str(error).splitlines() if line.strip()]
        raise OSError(f"{tasks[0].out}: expected to write shards. Received: {lines[-1]}") from None


class _progress:
    """Shows how many shards are there while a runner writes them."""

    def __init__(self, tasks):
        self._tasks, self._stop = tasks, threading.Event()
        self._bar = tqdm(total=len(tasks), desc="writing", unit="shard", disable=None)
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self._stop.wait(POLL_SECONDS):
            self._show()

    def _show(self):
        self._bar.update(sum(task.index.is_file() for task in self._tasks) - self._bar.n)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._show()
        self._bar.close()


def _describe(out, sample_rate, indices):
    """Writes what TensorFlow Datasets asks of a folder."""
    import numpy as np
    import tensorflow_datasets as tfds

    text = {name: tfds.features.Text() for name in ("id", "speaker", "text", "source", "checksum")}
    audio = tfds.features.Audio(dtype=np.int16, sample_rate=sample_rate, encoding="bytes")
    tfds.features.FeaturesDict(text | {"audio": audio}).save_config(out)
    split = {
        "name": SPLIT,
        "numBytes": str(sum(index["num_bytes"] for index in indices)),
        "shardLengths": [str(len(index["files"])) for index in indices],
        "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
    }
    info = {
        "name": DATASET,
        "version": "1.0.0",
        "description": f"Recordings at {sample_rate} Hz, by training.prepare of tf_wavenet.",
        "fileFormat": "array_record",
        "splits": [split],
    }
    with atomic_path(out / COMPLETE) as partial:
        partial.write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")
