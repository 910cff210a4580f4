"""Folders that are replaced as a whole."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from tf_wavenet.files import atomic_path


@contextlib.contextmanager
def replace_folder(path, known_by) -> Iterator[Path]:
    """Gives a new folder beside `path` to write to, which at the end takes its name.

    Whatever leaves the `with` block by an exception leaves `path` as it was and nothing beside it. A killed process can
    leave `partial-NAME`, which the next run overwrites; between the last two renames, `replaced-NAME` is the old one.

    Args:
        path: Final name. Its parent is made if need be. A folder that is there goes, with all that is in it.
        known_by: Name of a file: only an empty folder, or one that has this file, is replaced.

    Yields:
        `Path` of the folder to write to.

    Raises:
        ValueError: If something else is at `path`.

    Example:
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "model")
    ...     for name in ("old.txt", "new.txt"):
    ...         with replace_folder(path, known_by="index.json") as partial:
    ...             _ = (partial / "index.json").write_text("{}")
    ...             _ = (partial / name).write_text("whole")
    ...     sorted(file.name for file in path.iterdir())
    ['index.json', 'new.txt']
    """
    path = Path(path).resolve()  # a link stays a link
    there = path.is_dir() and any(path.iterdir())
    if (path.exists() and not path.is_dir()) or (there and not (path / known_by).is_file()):
        raise ValueError(f"Expected a new or empty folder, or one with {known_by} to replace. Received: {path}")
    replaced = path.with_name(f"replaced-{path.name}")
    try:
        with atomic_path(path) as partial:
            partial.mkdir()
            yield partial
            if there:
                shutil.rmtree(replaced, ignore_errors=True)
                path.rename(replaced)
    except BaseException:
        if there and not path.exists():
            replaced.rename(path)
        raise
    if there:
        shutil.rmtree(replaced, ignore_errors=True)
