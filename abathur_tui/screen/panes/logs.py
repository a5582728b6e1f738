"""The logs pane: what agents say and do, of all or of a chosen one."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import chop_cells

from abathur_tui.domain.ids import TaskId, task_text
from abathur_tui.domain.safe_text import safe, safe_line
from abathur_tui.screen import figures
from abathur_tui.screen.actions import Where, bindings
from abathur_tui.screen.logbook import Logbook, LogLine
from abathur_tui.screen.messages import Copied, LogScope, OffersChanged, ShowLog
from abathur_tui.screen.panes.pane import Pane
from abathur_tui.screen.roles import Line, Role, Span, fit
from abathur_tui.screen.store import Store
from abathur_tui.screen.widgets.command_bar import CommandBar
from abathur_tui.screen.widgets.lines import Lines

_LEVEL_NAMES = ("all levels", "info and up", "warnings and up")
_ROLES = {"says": Role.INK, "tool": Role.RUNNING, "turn": Role.DIM, "metric": Role.ACCENT, "status": Role.DIM, "agent": Role.DIM, "stderr": Role.DIM}
_CLOCK_WIDTH, _KIND_WIDTH, _WHO_WIDTH = 8, 7, 14
_MOST_SPEAKERS = 3
"""Unfinished lines that are shown at the end while all logs are shown."""
_TAB = "    "


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the log, or its continuation, as wide as the pane."""

    line: LogLine
    text: str
    continued: bool


class LogsPane(Pane, Lines, can_focus=True):
    """Lines wrapped to the pane's width; it follows the newest until somebody scrolls up."""

    NUMBER = 3
    NAME = "logs"
    PLACE = Where.LOGS
    BINDINGS = bindings(Where.LOGS)

    def __init__(self, store: Store) -> None:
        """It shows what `store` has."""
        super().__init__(id="logs")
        self._store = store
        self._follow = True
        self._wrap = True
        self._level = 1
        self._book: Logbook = store.shown_log
        self._taken = 0
        """How many lines of the book (since its beginning) are in `_rows`."""
        self._rows: list[_Row] = []
        self._live: list[_Row] = []
        self._names: dict[int, str] = {}
        self._words = ""
        """What was searched for, in small letters."""
        self._found: int | None = None
        """The row that was found last."""
        self._made_for = (0, True, 1)

    def on_mount(self) -> None:
        """Follow the store."""
        self._store.log_changed.subscribe(self, self._log_changed, immediate=True)
        self._log_changed(self._store)

    @property
    def shows_cursor(self) -> bool:
        """A log is read, not acted on: no row stands out."""
        return False

    def row_line(self, index: int) -> Line:
        """Time, kind, who, and the text."""
        shown = self._rows[index] if index < len(self._rows) else self._live[index - len(self._rows)]
        line = shown.line
        found = index == self._found and bool(self._words)
        role = Role.ACCENT if found else Role.FAILED if line.level >= 3 else Role.STRONG if line.level == 2 else _ROLES.get(line.kind, Role.INK)
        if shown.continued:
            return [Span("▌" if found else " ", Role.ACCENT), Span(" " * (self._indent - 1)), Span(shown.text, role)]
        spans = [
            Span("▌" if found else " ", Role.ACCENT),
            Span(figures.clock(line.at) if line.first else " " * _CLOCK_WIDTH, Role.DIM),
            Span(" "),
            Span(fit(line.kind if line.first else "", _KIND_WIDTH), Role.DIM),
        ]
        if self._shows_who:
            spans.append(Span(fit(self._who(line) if line.first else "", _WHO_WIDTH) + " ", Role.DIM))
        return [*spans, Span(shown.text, role)]

    def empty_lines(self) -> list[Line]:
        """What will be here."""
        if not self._store.loaded:
            return []
        if self._scoped:
            return [[], [Span("  Nothing is logged of it yet.")], [], [Span("  esc", Role.ACCENT), Span("  show all logs", Role.DIM)]]
        return [[], [Span("  What agents say and do will stand here.")]]

    def title_details(self) -> Line:
        """Whose log it is."""
        return [Span(fit(safe_line(self._store.scope.title), 60).rstrip(), Role.ACCENT)] if self._scoped else [Span("all", Role.DIM)]

    def foot(self) -> Line:
        """How it is shown."""
        search = [f"/{fit(self._words, min(len(self._words), 20))}"] if self._words else []
        words = [*search, *(["follow"] if self._follow else ["stopped"]), *([] if self._wrap else ["cut"]), _LEVEL_NAMES[self._level]]
        return [Span(" · ".join(words), Role.DIM)]

    def offers(self, name: str) -> bool:
        """Whether it makes sense now."""
        if name == "list.back":
            return self._scoped or bool(self._words)
        if name in ("log.next_match", "log.previous_match"):
            return bool(self._words)
        if name == "list.open":
            return False
        if name in ("log.previous", "log.next"):
            return bool(self._store.agents)
        return True

    def action_list_back(self) -> None:
        """No search any more, then all logs."""
        if self._words:
            self._words, self._found = "", None
            self._show()
        else:
            self.post_message(ShowLog(LogScope()))

    def action_list_copy(self) -> None:
        """What is in sight."""
        shown = [*self._rows, *self._live][self.first_visible : self.first_visible + self.page]
        self.app.copy_to_clipboard("\n".join(row.text for row in shown))
        self.post_message(Copied())

    def action_log_follow(self) -> None:
        """Stay at the newest line, or stop."""
        self._follow = not self._follow
        self._show()

    def action_log_search(self) -> None:
        """Type words; the last line that has them is shown at once."""

        async def show(text: str) -> str:
            self._words, self._found = text.strip().casefold(), None
            return "" if not self._words or self._to_match(-1) else "no line has that"

        def close(accepted: bool) -> None:
            if not accepted:
                self._words, self._found = "", None
            self.screen.set_focus(self)
            self._show()

        self.screen.query_one(CommandBar).ask(" / ", self._words, accept=show, change=show, close=close, placeholder="words in the log")

    def action_log_next_match(self) -> None:
        """The next one below."""
        self._to_match(1)

    def action_log_previous_match(self) -> None:
        """The next one above."""
        self._to_match(-1)

    def action_log_wrap(self) -> None:
        """Wrap or cut."""
        self._wrap = not self._wrap
        self._log_changed(self._store)

    def action_log_level(self) -> None:
        """The next level."""
        self._level = (self._level + 1) % len(_LEVEL_NAMES)
        self._log_changed(self._store)

    def action_log_previous(self) -> None:
        """The previous agent's log."""
        self._choose(-1)

    def action_log_next(self) -> None:
        """The next agent's log."""
        self._choose(1)

    def action_list_down(self) -> None:
        """One line down."""
        self._scroll(1)

    def action_list_up(self) -> None:
        """One line up: it does not follow any more."""
        self._scroll(-1)

    def action_list_top(self) -> None:
        """To the first line that is kept."""
        self._scroll(-self.count)

    def action_list_bottom(self) -> None:
        """To the newest line: it follows again."""
        self._follow = True
        self._show()

    def action_list_page_down(self) -> None:
        """Half a page down."""
        self._scroll(max(1, self.page // 2))

    def action_list_page_up(self) -> None:
        """Half a page up."""
        self._scroll(-max(1, self.page // 2))

    def on_resize(self) -> None:
        """Wrapped anew."""
        self._log_changed(self._store)

    def on_mouse_scroll_up(self) -> None:
        """Whoever scrolls up wants to read."""
        self._follow = False
        self.show_border()

    @property
    def _scoped(self) -> bool:
        return self._store.shown_log is not self._store.log

    @property
    def _shows_who(self) -> bool:
        return not self._scoped and self.scrollable_content_region.width >= 70

    @property
    def _indent(self) -> int:
        return 1 + _CLOCK_WIDTH + 1 + _KIND_WIDTH + (_WHO_WIDTH + 1 if self._shows_who else 0)

    def _log_changed(self, store: Store) -> None:
        width = self.scrollable_content_region.width
        book = store.shown_log
        made_for = (width, self._wrap, self._level)
        if book is not self._book or made_for != self._made_for or book.dropped > self._taken:
            self._book, self._made_for = book, made_for
            self._rows, self._taken, self._found = [], book.dropped, None
        for line in book.lines[self._taken - book.dropped :]:
            if line.level >= self._level:
                self._rows += self._wrapped(line)
        self._taken = book.dropped + len(book.lines)
        speaking = list(book.speaking())
        if self._scoped or len(speaking) == 1:
            self._live = [row for line in speaking for row in self._wrapped(line)]
        else:
            room = max(8, width - self._indent)
            self._live = [_Row(line, _tail(safe_line(line.text), room), False) for line in speaking[-_MOST_SPEAKERS:]]
        self._show()

    def _show(self) -> None:
        self.set_count(len(self._rows) + len(self._live))
        if self._follow:
            self.scroll_to(y=self.count, animate=False, force=True)
        self.show_border()
        self.post_message(OffersChanged())

    def _scroll(self, lines: int) -> None:
        bottom = max(0, self.count - self.page)
        target = min(bottom, max(0, self.first_visible + lines))
        self._follow = target >= bottom and lines > 0
        self.scroll_to(y=target, animate=False, force=True)
        self.show_border()

    def _to_match(self, step: int) -> bool:
        """Go to the next row that has the words, around the end; False where none has."""
        rows = [*self._rows, *self._live]
        start = self._found if self._found is not None else len(rows) if step < 0 else -1
        for distance in range(1, len(rows) + 1):
            index = (start + step * distance) % len(rows)
            if self._words in rows[index].text.casefold():
                self._found, self._follow = index, False
                self.scroll_to(y=max(0, index - self.page // 2), animate=False, force=True)
                self._show()
                return True
        return False

    def _wrapped(self, line: LogLine) -> list[_Row]:
        room = max(8, self.scrollable_content_region.width - self._indent)
        text = safe(line.text).replace("\t", _TAB).rstrip()
        if not self._wrap:
            return [_Row(line, text, False)]
        return [_Row(line, piece, index > 0) for index, piece in enumerate(_wrap(text, room))]

    def _who(self, line: LogLine) -> str:
        if line.agent is not None:
            if line.agent not in self._names:
                self._names = {agent.id: safe_line(agent.definition) for agent in self._store.agents}
            return self._names.get(line.agent, f"a{line.agent}")
        return task_text(TaskId(line.task)) if line.task is not None else ""

    def _choose(self, step: int) -> None:
        agents = self._store.agents
        if not agents:
            return
        ids = [agent.id for agent in agents]
        current = self._store.scope.agent
        index = (ids.index(current) + step) % len(ids) if current in ids else (0 if step > 0 else len(ids) - 1)
        chosen = agents[index]
        self.post_message(ShowLog(LogScope(agent=chosen.id, title=f"{chosen.definition} · {chosen.task_name}")))


def _wrap(text: str, width: int) -> Sequence[str]:
    """Lines of at most `width` cells, broken at spaces where that is possible."""
    if len(text) <= width and text.isascii():
        return [text]
    lines: list[str] = []
    current = ""
    for word in text.split(" "):
        candidate = f"{current} {word}" if current else word
        pieces = chop_cells(candidate, width)
        if len(pieces) <= 1:
            current = candidate
            continue
        if current:
            lines.append(current)
        *full, current = chop_cells(word, width) or [""]
        lines += full
    return [*lines, current]


def _tail(text: str, width: int) -> str:
    return text if len(text) <= width else "…" + text[-(width - 1) :]
