"""The error of checkpoints and their configurations."""

from tf_wavenet._file_error import FileError


class CheckpointError(FileError):
    """A file that no weights can be had from. Its message is one line: "model.pth: reason"."""
