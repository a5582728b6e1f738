"""Why something from outside is not taken into a document."""


class Refused(Exception):
    """It may not or cannot be read."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        """`message` says why; `suggestion` what to do."""
        super().__init__(message)
        self.suggestion = suggestion
