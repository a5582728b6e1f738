"""Where a text is written: enter submits, ctrl+j begins a new line; ABYSSAL is coloured, and what it may go on with is offered."""

import asyncio
from collections.abc import Callable

from rich.text import Text
from textual import events
from textual.content import Content
from textual.widgets import TextArea

from abathur_tui.domain.safe_text import safe, safe_line
from abathur_tui.domain.templates import Registry
from abathur_tui.language import Completion, Highlight, Part, complete, highlight
from abathur_tui.screen.roles import Role
from abathur_tui.screen.theme import looks_of

_LONGEST = 100_000
"""Characters of a text that is coloured and completed; a longer one is only edited."""
_ROLES = {
    Part.KEYWORD: Role.ACCENT,
    Part.TEMPLATE: Role.STRONG,
    Part.PARAMETER: Role.RUNNING,
    Part.FUNCTION: Role.ACCENT,
    Part.TEXT: Role.DONE,
    Part.NUMBER: Role.PERSON,
    Part.CONSTANT: Role.PERSON,
    Part.COMMENT: Role.DIM,
    Part.PUNCTUATION: Role.DIM,
    Part.WRONG: Role.FAILED,
}
_BEGINS = ("[", "=", '"', "'")
"""Behind these something is offered before a letter of it is written."""


class Editor(TextArea):
    """A text, which may be ABYSSAL. Tab, or the right arrow, takes what is offered."""

    def __init__(self, text: str, registry: Callable[[], Registry], *, id: str, placeholder: Content) -> None:
        """`registry` may read files: it is called in a thread."""
        self._registry = registry
        self._pieces: dict[tuple[int, str], list[tuple[int, int, Role]]] = {}
        """By a line's number and text, so that a line that has just been changed is plain until it is looked at."""
        self._offered: Completion | None = None
        self._offered_at = (0, 0)
        super().__init__(text, id=id, soft_wrap=True, placeholder=placeholder, highlight_cursor_line=False)  # its ink would win over the colours

    def get_line(self, line_index: int) -> Text:
        """The line in its colours."""
        line = super().get_line(line_index)
        roles = looks_of(self.app.theme).roles
        for start, end, role in self._pieces.get((line_index, line.plain), ()):
            line.stylize(roles[role], start, end)
        return line

    def update_suggestion(self) -> None:
        """The text has changed."""
        self._withdraw()
        if self.is_mounted:
            self.run_worker(self._aid(), exclusive=True, group="aid", exit_on_error=False)

    def on_mount(self) -> None:
        """Colour what is there."""
        self.update_suggestion()

    def on_text_area_selection_changed(self) -> None:
        """What is offered is for one place only."""
        if self.cursor_location != self._offered_at:
            self._withdraw()

    async def _aid(self) -> None:
        text, location = self.text, self.cursor_location
        if len(text) > _LONGEST:
            return
        offset = sum(len(self.document.get_line(line)) + len(self.document.newline) for line in range(location[0])) + location[1]
        pieces, offered = await asyncio.to_thread(_aids, text, offset, self._registry)
        if self.text != text:
            return
        self._pieces = _by_line(text, pieces)
        self.notify_style_update()  # lines that were drawn are kept
        self.refresh()
        if offered is not None and self.cursor_location == location and self.selection.is_empty:
            self._offered, self._offered_at = offered, location
            self.suggestion = safe_line(offered.text[offset - offered.start :])

    def _withdraw(self) -> None:
        self._offered, self.suggestion = None, ""

    def _take(self) -> bool:
        """Write what is offered; False where nothing is."""
        offered = self._offered
        if offered is None or not self.suggestion or self.cursor_location != self._offered_at:
            return False
        row, column = self.cursor_location
        begun = len(offered.text) - len(self.suggestion)
        self.replace(safe_line(offered.text), (row, column - begun), (row, column))
        return True

    async def _on_key(self, event: events.Key) -> None:
        if event.key in ("tab", "right") and self._take():
            event.stop()
            event.prevent_default()
            return
        match event.key:
            case "enter" | "ctrl+s":
                event.stop()
                event.prevent_default()
                await self.run_action("app.perform('new.submit')")
            case "ctrl+j" | "shift+enter" | "alt+enter":
                event.stop()
                event.prevent_default()
                self.insert("\n")
            case "escape":
                event.stop()
                event.prevent_default()
                await self.run_action("app.perform('new.close')")
            case _:
                await super()._on_key(event)

    async def _on_paste(self, event: events.Paste) -> None:
        event.text = safe(event.text)
        await super()._on_paste(event)


def _aids(text: str, offset: int, registry: Callable[[], Registry]) -> tuple[list[Highlight], Completion | None]:
    pieces = highlight(text)
    following, before = text[offset : offset + 1], text[offset - 1 : offset] if offset else ""
    if following.isalnum() or following == "_":
        return pieces, None
    found = complete(text, offset, registry())
    wanted = (one for one in found if offset > one.start or before in _BEGINS)
    return pieces, next(wanted, None)


def _by_line(text: str, pieces: list[Highlight]) -> dict[tuple[int, str], list[tuple[int, int, Role]]]:
    """Pieces of lines, with their roles."""
    found: dict[tuple[int, str], list[tuple[int, int, Role]]] = {}
    start, left = 0, 0
    for number, line in enumerate(text.split("\n")):
        end = start + len(line)
        while left < len(pieces) and pieces[left].end <= start:
            left += 1
        place = left
        while place < len(pieces) and pieces[place].start < end:
            piece = pieces[place]
            if (role := _ROLES.get(piece.part)) is not None:
                found.setdefault((number, line), []).append((max(piece.start - start, 0), min(piece.end, end) - start, role))
            place += 1
        start = end + 1
    return found
