"""The error of audio files and corpora."""


class AudioError(ValueError):
    """A file, folder or setting that no audio can be had from. Its message is one line: "clip.wav: reason".

    Args:
        subject: Path of the file or folder, or the name of the setting.
        reason: What was expected and what was found.
    """

    def __init__(self, subject, reason: str) -> None:
        super().__init__(subject, reason)
        self.subject = subject
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}"
