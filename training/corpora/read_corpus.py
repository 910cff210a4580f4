"""Indexes a corpus before the eyes of the user."""

from pathlib import Path

from tqdm import tqdm

from tf_wavenet.data import Manifest, index_corpus


def read_corpus(folder: Path, sample_rate: int) -> Manifest:
    """Indexes a folder under a progress bar (on a terminal), and names the files that are left out.

    Args:
        folder: Folder of recordings.
        sample_rate: In Hz.

    Returns:
        The manifest.

    Raises:
        AudioError: As `index_corpus` raises.
    """
    with tqdm(desc="index", unit="file", dynamic_ncols=True, leave=False, disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        manifest = index_corpus(folder, sample_rate, progress=progress)
        for path, reason in manifest.rejected:
            bar.write(f"left out: {path}: {reason}")
    return manifest
