"""The error of audio files and corpora."""

from tf_wavenet._file_error import FileError


class AudioError(FileError):
    """A file, folder or setting that no audio can be had from. Its message is one line: "clip.wav: reason".

    Args:
        subject: Path of the file or folder, or the name of the setting; kept as `subject`.
        reason: What was expected and what was found; kept as `reason`, its white space made single spaces.

    Example:
    >>> from tf_wavenet.data import load_audio
    >>> load_audio("/no/such/clip.wav", 16000)
    Traceback (most recent call last):
        ...
    tf_wavenet.data.audio_error.AudioError: /no/such/clip.wav: expected an audio file. Received: no such file.
    """
