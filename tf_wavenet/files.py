"""Files that are either whole or absent: write beside the final name, then rename."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Gives a place beside `path` to write to, and moves what was written there to `path` at the end.

    Whatever leaves the `with` block by an exception leaves nothing under `path` that was not there before, and removes
    what was half-written. A killed process can leave only `partial-NAME`, which the next run overwrites.

    Args:
        path: Final name of a file or a folder. Its parent is made if need be. An existing file is replaced in one
            step; an existing folder must be empty.

    Yields:
        The path to write to; its last suffixes are those of `path`.

    Raises:
        OSError: If the file system refuses; it names `path` where the file system names nothing.

    Example:
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_path(Path(folder, "new", "a.txt")) as partial:
    ...         _ = partial.write_text("whole")
    ...     Path(folder, "new", "a.txt").read_text()
    'whole'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"partial-{path.name}")
    _remove(partial)
    try:
        yield partial
        partial.replace(path)
    except BaseException as error:
        _remove(partial)
        if isinstance(error, OSError) and error.errno and error.filename is None:  # as for a full disk
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
