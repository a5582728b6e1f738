"""The line in which a filter or a command is typed; it stands in the footer's place while it is open."""

from collections.abc import Awaitable, Callable

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.strip import Strip
from textual.suggester import SuggestFromList
from textual.widgets import Input

from abathur_tui.domain.safe_text import safe_line
from abathur_tui.screen.roles import Role, Span
from abathur_tui.screen.widgets.drawn import Drawn

Answer = Callable[[str], Awaitable[str]]
"""What is done with the text; gives what is wrong with it, or nothing."""


class _Word(Drawn):
    """A few words beside the input."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._said = Span("")

    def say(self, text: str, role: Role) -> None:
        """Show this."""
        self._said = Span(text, role)
        self.styles.width = cell_len(text)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The words."""
        return self.strip([self._said], self.size.width)


class SafeInput(Input):
    """An input into which nothing can be pasted that would drive the terminal."""

    def _on_paste(self, event: events.Paste) -> None:
        event.text = safe_line(event.text)
        super()._on_paste(event)


class CommandBar(Horizontal):
    """Hidden until `ask` is called."""

    def __init__(self) -> None:
        """Closed."""
        super().__init__(id="command-bar")
        self._on_change: Answer | None = None
        self._on_accept: Answer | None = None
        self._on_close: Callable[[bool], None] | None = None

    def compose(self) -> ComposeResult:
        """A sign, the input, and what is wrong."""
        yield _Word("command-sign")
        yield SafeInput(id="command-input", compact=True, select_on_focus=False)
        yield _Word("command-mistake")

    def ask(
        self,
        sign: str,
        text: str,
        *,
        accept: Answer,
        change: Answer | None = None,
        close: Callable[[bool], None] | None = None,
        suggestions: list[str] | None = None,
        placeholder: str = "",
    ) -> None:
        """Open it. `accept` gets the text at enter, `change` at each change; `close` is told whether it was accepted."""
        self._on_accept, self._on_change, self._on_close = accept, change, close
        self.query_one("#command-sign", _Word).say(sign, Role.ACCENT)
        self.query_one("#command-mistake", _Word).say("", Role.FAILED)
        field = self.query_one(SafeInput)
        field.suggester = SuggestFromList(suggestions, case_sensitive=False) if suggestions else None
        field.placeholder = placeholder
        with field.prevent(Input.Changed):
            field.value = text
        field.cursor_position = len(text)
        self.add_class("-open")
        self.screen.add_class("-typing")
        self.screen.set_focus(field)

    async def on_input_changed(self, event: Input.Changed) -> None:
        """What it would do is shown at once."""
        event.stop()
        if self._on_change is not None:
            self._say(await self._on_change(event.value))

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do it, or say what is wrong."""
        event.stop()
        if self._on_accept is None:
            return
        mistake = await self._on_accept(event.value)
        self._say(mistake)
        if not mistake:
            self._close(accepted=True)

    def key_escape(self, event: events.Key) -> None:
        """Nothing is done."""
        event.stop()
        self._close(accepted=False)

    def _say(self, mistake: str) -> None:
        self.query_one("#command-mistake", _Word).say(f" {safe_line(mistake)} " if mistake else "", Role.FAILED)

    def _close(self, *, accepted: bool) -> None:
        if self.has_class("-open"):
            self.remove_class("-open")
            self.screen.remove_class("-typing")
            if self._on_close is not None:
                self._on_close(accepted)
