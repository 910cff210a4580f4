"""The error of checkpoints and their configurations."""

from tf_wavenet._file_error import FileError


class CheckpointError(FileError):
    """A file that no weights can be had from. Its message is one line: "model.pth: reason".

    Args:
        subject: Path of the file; kept as `subject`.
        reason: What was expected and what was found; kept as `reason`, its white space made single spaces.

    Example:
    >>> from tf_wavenet.importers import Settings
    >>> Settings({"layers": "many"}, "config.json").integer("layers")
    Traceback (most recent call last):
        ...
    tf_wavenet.importers.checkpoint_error.CheckpointError: config.json: expected layers to be an int. Received: 'many'
    """
