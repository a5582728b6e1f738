"""The line in which a filter or a command is typed; it stands in the footer's place while it is open."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.strip import Strip

from abathur_tui.domain.safe_text import safe_line
from abathur_tui.screen.messages import LineChanged, LineEntered
from abathur_tui.screen.roles import Role, Span
from abathur_tui.screen.widgets.drawn import Drawn

if TYPE_CHECKING:
    from abathur_tui.screen.widgets.field import Field

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


class CommandBar(Horizontal):
    """Hidden until `ask` is called."""

    def __init__(self) -> None:
        """Closed."""
        super().__init__(id="command-bar")
        self._on_change: Answer | None = None
        self._on_accept: Answer | None = None
        self._on_close: Callable[[bool], None] | None = None
        self._field: Field | None = None

    def compose(self) -> ComposeResult:
        """A sign, and what is wrong; the field between them comes after the first frame."""
        yield _Word("command-sign")
        yield _Word("command-mistake")

    def on_mount(self) -> None:
        """The field takes 10 ms that the first frame need not pay."""
        self.call_after_refresh(self._add_field)

    async def _add_field(self) -> None:
        from abathur_tui.screen.widgets.field import Field  # see `on_mount`

        self._field = Field()
        await self.mount(self._field, after=0)

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
        if self._field is None:
            return
        self._on_accept, self._on_change, self._on_close = accept, change, close
        self.query_one("#command-sign", _Word).say(sign, Role.ACCENT)
        self.query_one("#command-mistake", _Word).say("", Role.FAILED)
        self._field.ask(text, placeholder, suggestions)
        self.add_class("-open")
        self.screen.add_class("-typing")
        self.screen.set_focus(self._field)

    async def on_line_changed(self, message: LineChanged) -> None:
        """What it would do is shown at once."""
        message.stop()
        if self._on_change is not None:
            self._say(await self._on_change(message.text))

    async def on_line_entered(self, message: LineEntered) -> None:
        """Do it, or say what is wrong."""
        message.stop()
        if self._on_accept is None:
            return
        mistake = await self._on_accept(message.text)
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
