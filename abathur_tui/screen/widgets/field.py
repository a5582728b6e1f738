"""The field of the command bar. Importing this loads Textual's input: after the first frame."""

from collections.abc import Sequence

from textual import events
from textual.suggester import SuggestFromList
from textual.widgets import Input

from abathur_tui.domain.safe_text import safe_line
from abathur_tui.screen.messages import LineChanged, LineEntered


class Field(Input):
    """An input into which nothing can be pasted that would drive the terminal."""

    def __init__(self) -> None:
        """Empty."""
        super().__init__(id="command-input", compact=True, select_on_focus=False)

    def ask(self, text: str, placeholder: str, suggestions: Sequence[str] | None) -> None:
        """Begin with this text."""
        self.suggester = SuggestFromList(suggestions, case_sensitive=False) if suggestions else None
        self.placeholder = placeholder
        with self.prevent(Input.Changed):
            self.value = text
        self.cursor_position = len(text)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say so in words of our own."""
        event.stop()
        self.post_message(LineChanged(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The same for the end."""
        event.stop()
        self.post_message(LineEntered(event.value))

    def _on_paste(self, event: events.Paste) -> None:
        event.text = safe_line(event.text)
        super()._on_paste(event)
