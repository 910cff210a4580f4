"""Indexes a corpus before the eyes of the user."""

from pathlib import Path

from tqdm import tqdm

from tf_wavenet.data import AudioError, Manifest, index_corpus
from tf_wavenet.data.records import is_tfds
from tf_wavenet.data.shards import is_sharded, load_shards
from tf_wavenet.data.tfds_corpus import index_tfds


def read_corpus(folder: Path, sample_rate: int) -> Manifest:
    """Indexes a folder under a progress bar (on a terminal), and names the files that are left out.

    Args:
        folder: Folder of recordings, or of shards, which are not decoded; "tfds:NAME" or "tfds:FOLDER" for a dataset
            of TensorFlow Datasets.
        sample_rate: In Hz.

    Returns:
        The manifest.

    Raises:
        AudioError: As `index_corpus` raises.
    """
    if folder.parts[:1] in (("gs:",), ("s3:",)):
        raise AudioError(
            folder, "expected a folder. Received: a bucket, which ArrayRecord does not read; mount or copy it."
        )
    if is_sharded(folder):
        manifest = load_shards(folder)
        if manifest.sample_rate != sample_rate:
            expected = f"expected the sample rate of its shards, {manifest.sample_rate} Hz"
            raise AudioError(folder, f"{expected}. Received: {sample_rate} Hz; prepare shards of this rate.")
        return manifest
    with tqdm(desc="index", unit="file", dynamic_ncols=True, leave=False, disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        index = index_tfds if is_tfds(folder) else index_corpus
        manifest = index(folder, sample_rate, progress=progress)
        for path, reason in manifest.rejected:
            bar.write(f"left out: {path}: {reason}")
    return manifest
