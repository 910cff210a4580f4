"""The base of errors about files."""


class FileError(ValueError):
    """A file that cannot be used. Its message is one line: "clip.wav: reason".

    Args:
        subject: Path of the file or folder, or the name of the setting.
        reason: What was expected and what was found.
    """

    def __init__(self, subject, reason: str) -> None:
        super().__init__(subject, reason)
        self.subject = subject
        self.reason = " ".join(str(reason).split())

    def __str__(self) -> str:
        message = f"{self.subject}: {self.reason}"
        return message.encode("utf-8", "backslashreplace").decode("utf-8")  # names of files may be of any bytes
