"""The error of checkpoints and their configurations."""


class CheckpointError(ValueError):
    """A file that no weights can be had from. Its message is one line: "model.pth: reason".

    Args:
        path: The file.
        reason: What was expected and what was found.
    """

    def __init__(self, path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {' '.join(self.reason.split())}"
