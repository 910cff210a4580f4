"""The error of audio files and corpora."""

from tf_wavenet._file_error import FileError


class AudioError(FileError):
    """A file, folder or setting that no audio can be had from. Its message is one line: "clip.wav: reason"."""
