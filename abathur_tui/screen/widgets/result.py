"""A result as Markdown. Importing this loads the Markdown parser (50 ms): only when a result is opened."""

from textual.widgets import Markdown


class Result(Markdown):
    """Foreign Markdown: its links do nothing, because a click must not open what a model wrote."""

    def __init__(self, text: str, *, id: str) -> None:
        """`text` has been made safe."""
        super().__init__(text, id=id, open_links=False)
