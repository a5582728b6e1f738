"""A pass of a loop: what it was told, what it wrote, how that differs from the pass before, and what was said of it."""

import difflib
from collections.abc import Iterator
from sqlite3 import Connection
from typing import NamedTuple

from textual.app import ComposeResult
from textual.screen import Screen
from textual.strip import Strip

from abathur_tui.domain.errors import AbathurError, NotFound
from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.loops import Pass, Verdict
from abathur_tui.domain.safe_text import safe, safe_line
from abathur_tui.domain.tasks import TaskDetail
from abathur_tui.screen import figures
from abathur_tui.screen.actions import Where, bindings, of
from abathur_tui.screen.messages import Copied
from abathur_tui.screen.roles import Line, Role, Span
from abathur_tui.screen.store import Store
from abathur_tui.screen.widgets.drawn import Drawn
from abathur_tui.screen.widgets.footer import Footer
from abathur_tui.screen.widgets.text_view import TextView
from abathur_tui.storage import views

TABS = ("verdict", "output", "diff", "input")
_MOST_DIFFED = 4000
"""Lines of an output that are compared."""
_VERDICT_ROLES = {Verdict.CONVERGED: Role.DONE, Verdict.CONTINUE: Role.INK, Verdict.FAILED: Role.FAILED, Verdict.INCONCLUSIVE: Role.PERSON}
_NEVER_OFFERED = ("tab.cancel", "tab.retry", "tab.answer")


class Opened(NamedTuple):
    """What the screen shows."""

    done: Pass
    before: str | None
    """The output of the pass before; None for the first one."""
    detail: TaskDetail


def read_pass(c: Connection, task: int, number: int) -> Opened:
    """A pass of the loop `task`. Raises NotFound."""
    series: LoopSeries = views.loop(c, task)
    found = {done.number: done for done in series.passes}
    if number not in found:
        raise NotFound(f"There is no pass {number}.")
    before = found.get(number - 1)
    return Opened(found[number], before.output if before else None, views.detail(c, found[number].task))


class _Head(Drawn):
    """One line."""

    def __init__(self) -> None:
        super().__init__(id="pass-head")
        self._line: Line = ()

    def show(self, line: Line) -> None:
        """Show this."""
        self._line = line
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line."""
        return self.strip(self._line, self.size.width)


class PassScreen(Screen[None], inherit_bindings=False):
    """One pass, in four tabs."""

    BINDINGS = bindings(Where.TASK_SCREEN)

    def __init__(self, store: Store, task: int, number: int) -> None:
        """`task` is the loop's."""
        super().__init__()
        self._store, self._loop, self._number = store, task, number
        self._opened: Opened | None = None
        self._tab = 0

    def compose(self) -> ComposeResult:
        """Head, text, footer."""
        yield _Head()
        yield TextView(id="pass-text")
        yield Footer()

    def on_mount(self) -> None:
        """Read it."""
        self.run_worker(self._read(), name="pass", exit_on_error=False)

    def offers(self, name: str) -> bool:
        """Nothing is done to a pass."""
        return name not in _NEVER_OFFERED

    def action_tab_next(self) -> None:
        """The next tab."""
        self._choose(1)

    def action_tab_previous(self) -> None:
        """The previous tab."""
        self._choose(-1)

    def action_tab_down(self) -> None:
        """One line down."""
        self._text.scroll_relative(y=1, animate=False)

    def action_tab_up(self) -> None:
        """One line up."""
        self._text.scroll_relative(y=-1, animate=False)

    def action_tab_page_down(self) -> None:
        """Half a page down."""
        self._text.scroll_relative(y=max(1, self._text.size.height // 2), animate=False)

    def action_tab_page_up(self) -> None:
        """Half a page up."""
        self._text.scroll_relative(y=-max(1, self._text.size.height // 2), animate=False)

    def action_tab_top(self) -> None:
        """To the beginning."""
        self._text.scroll_home(animate=False)

    def action_tab_bottom(self) -> None:
        """To the end."""
        self._text.scroll_end(animate=False)

    def action_tab_copy(self) -> None:
        """The tab's text."""
        if self._opened is not None:
            self.app.copy_to_clipboard("\n".join("".join(span.text for span in line) for line in self._lines(self._opened)))
            self.post_message(Copied())

    def action_tab_close(self) -> None:
        """Back to the panes."""
        self.dismiss(None)

    @property
    def _text(self) -> TextView:
        return self.query_one(TextView)

    def _choose(self, step: int) -> None:
        self._tab = (self._tab + step) % len(TABS)
        self._show()
        self._text.scroll_home(animate=False)

    async def _read(self) -> None:
        try:
            self._opened = await self._store.database.read(read_pass, self._loop, self._number)
        except AbathurError as error:
            self.query_one(_Head).show([Span(f" {safe_line(error.message)}", Role.FAILED)])
        else:
            self._show()

    def _show(self) -> None:
        if self._opened is None:
            return
        name = self._opened.detail.task.name.removeprefix(f"pass {self._number} · ")
        line: list[Span] = [Span(f" pass {self._number} ", Role.STRONG), Span(safe_line(name) + "   ", Role.DIM)]
        for index, name in enumerate(TABS):
            line += [Span(name, Role.STRONG if index == self._tab else Role.DIM), Span(" │ " if index + 1 < len(TABS) else "", Role.FAINT)]
        self.query_one(_Head).show(line)
        self._text.show_lines(list(self._lines(self._opened)))
        offered = [action for action in of(Where.TASK_SCREEN) if action.rank and self.offers(action.name)]
        self.query_one(Footer).show_actions(sorted(offered, key=lambda action: action.rank))

    def _lines(self, opened: Opened) -> Iterator[Line]:
        match TABS[self._tab]:
            case "verdict":
                return verdict_lines(opened.done)
            case "output":
                return _plain(opened.done.output)
            case "diff":
                return diff_lines(opened.before, opened.done.output)
            case _:
                return _plain(opened.detail.prompt)


def verdict_lines(done: Pass) -> Iterator[Line]:
    """Verdict, reason, what was measured, and what it took."""
    yield [Span(str(done.verdict), _VERDICT_ROLES[done.verdict]), Span(f"  {safe_line(done.reason)}")]
    yield []
    for title, values in (("metrics", done.metrics), ("scores", done.scores)):
        for name, value in values.items():
            yield [Span(f"{title:<9}", Role.DIM), Span(f"{safe_line(name)} {figures.number(value)}")]
    yield []
    cost = "$?" if done.cost_usd is None else f"${figures.money(done.cost_usd)}"
    tokens = f"{figures.tokens(done.tokens_input)} in, {figures.tokens(done.tokens_output)} out"
    yield [Span(f"{'tokens':<9}", Role.DIM), Span(tokens)]
    yield [Span(f"{'cost':<9}", Role.DIM), Span(cost)]
    yield [Span(f"{'time':<9}", Role.DIM), Span(figures.duration(done.seconds))]


def diff_lines(before: str | None, output: str) -> Iterator[Line]:
    """What changed since the pass before, with signs besides colours."""
    if before is None:
        yield [Span("It is the first pass.", Role.DIM)]
        return
    old, new = (safe(text).split("\n")[:_MOST_DIFFED] for text in (before, output))
    if old == new:
        yield [Span("The same as the pass before.", Role.DIM)]
        return
    for line in list(difflib.unified_diff(old, new, "the pass before", "this pass", lineterm=""))[2:]:
        role = Role.DONE if line.startswith("+") else Role.FAILED if line.startswith("-") else Role.DIM if line.startswith("@@") else Role.INK
        yield [Span(line.replace("\t", "    "), role)]


def _plain(text: str) -> Iterator[Line]:
    for line in safe(text).split("\n"):
        yield [Span(line.replace("\t", "    "))]
