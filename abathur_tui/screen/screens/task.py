"""A task's own screen: its result, its conversation, what happened to it, and all of it as it is kept."""

import asyncio
import importlib
from typing import Any

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.screen import Screen
from textual.strip import Strip

from abathur_tui.domain.errors import AbathurError
from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.safe_text import safe_line
from abathur_tui.domain.status import ENDED, Status, Why
from abathur_tui.domain.tasks import TaskDetail
from abathur_tui.project import ExecutionResult
from abathur_tui.project.results import read_result_of
from abathur_tui.screen.actions import Where, bindings, of
from abathur_tui.screen.messages import Answering, Copied, TaskIntent, Verb
from abathur_tui.screen.panes.refusals import why_not
from abathur_tui.screen.roles import Line, Role, Span
from abathur_tui.screen.screens import task_text
from abathur_tui.screen.store import Store
from abathur_tui.screen.widgets.drawn import Drawn
from abathur_tui.screen.widgets.footer import Footer
from abathur_tui.screen.widgets.text_view import TextView
from abathur_tui.storage import views

TABS = ("result", "conversation", "events", "raw")
_MOST_MARKDOWN = 60_000
"""Characters of a result that are laid out as Markdown; longer ones are shown as text."""
_LOOK_SECONDS = 0.5


class _Bar(Drawn):
    """One line."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._line: Line = ()

    def show(self, line: Line) -> None:
        """Show this."""
        if line != self._line:
            self._line = line
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line; where it does not fit, an ellipsis says so."""
        width, wanted = self.size.width, sum(cell_len(span.text) for span in self._line)
        if wanted <= width:
            return self.strip(self._line, width)
        return Strip.join([self.strip(self._line, wanted).crop(0, width - 1), self.strip([Span("…", Role.DIM)], 1)])


class TaskScreen(Screen[None], inherit_bindings=False):
    """Follows its task while it is open."""

    BINDINGS = bindings(Where.TASK_SCREEN)

    def __init__(self, store: Store, task: int) -> None:
        """`task` need not exist (any more): then the screen says so."""
        super().__init__()
        self._store, self._id_of_task = store, task
        self._detail: TaskDetail | None = None
        self._whole: ExecutionResult | None = None
        """What its execution has come to, where that is its own result; read when it is shown."""
        self._tab = 0
        self._shown: tuple[int, str] | None = None
        self._stale = True

    def compose(self) -> ComposeResult:
        """Head, tabs, and the chosen tab's text."""
        yield _Bar("task-head")
        yield _Bar("task-tabs")
        with Container(id="task-body"):
            yield VerticalScroll(id="task-markdown", can_focus=False)
            yield TextView(id="task-text")
        yield Footer()

    def on_mount(self) -> None:
        """Follow the task."""
        self._store.queue_changed.subscribe(self, self._changed, immediate=True)
        self.run_worker(self._follow(), name="task", exit_on_error=False)

    def offers(self, name: str) -> bool:
        """Whether it makes sense for this task now."""
        task = self._detail.task if self._detail else None
        match name:
            case "tab.cancel":
                return task is not None and task.status not in ENDED
            case "tab.answer":
                return task is not None and task.why == Why.ASKS and task.status not in ENDED
            case "tab.retry":
                return task is not None and task.status in ENDED - {Status.COMPLETED}
        return True

    def why_not(self, name: str) -> str:
        """Why an action changes nothing here."""
        return why_not(name.replace("tab.", "task."), [self._detail.task] if self._detail else [])

    def action_tab_next(self) -> None:
        """The next tab."""
        self._choose(self._tab + 1)

    def action_tab_previous(self) -> None:
        """The previous tab."""
        self._choose(self._tab - 1)

    def action_tab_down(self) -> None:
        """One line down."""
        self._body.scroll_relative(y=1, animate=False)

    def action_tab_up(self) -> None:
        """One line up."""
        self._body.scroll_relative(y=-1, animate=False)

    def action_tab_page_down(self) -> None:
        """Half a page down."""
        self._body.scroll_relative(y=max(1, self._body.size.height // 2), animate=False)

    def action_tab_page_up(self) -> None:
        """Half a page up."""
        self._body.scroll_relative(y=-max(1, self._body.size.height // 2), animate=False)

    def action_tab_top(self) -> None:
        """To the beginning."""
        self._body.scroll_home(animate=False)

    def action_tab_bottom(self) -> None:
        """To the end."""
        self._body.scroll_end(animate=False)

    def action_tab_copy(self) -> None:
        """The tab's text."""
        if self._detail is not None:
            self.app.copy_to_clipboard(self._text(self._detail))
            self.post_message(Copied())

    def action_tab_cancel(self) -> None:
        """Ask for it; the app asks back."""
        self.post_message(TaskIntent(Verb.CANCEL, (self._id_of_task,)))

    def action_tab_retry(self) -> None:
        """Ask for it."""
        self.post_message(TaskIntent(Verb.RETRY, (self._id_of_task,)))

    def action_tab_answer(self) -> None:
        """What it asks, and a choice of answers."""
        self.post_message(Answering((self._id_of_task,)))

    def action_tab_close(self) -> None:
        """Back to the panes."""
        self.dismiss(None)

    @property
    def _loop(self) -> LoopSeries | None:
        return next((series for series in self._store.loops if series.task == self._id_of_task), None)

    @property
    def _body(self) -> Any:
        return self.query_one("#task-markdown" if self.has_class("-markdown") else "#task-text")

    def _choose(self, tab: int) -> None:
        self._tab = tab % len(TABS)
        self._shown = None
        self._stale = True

    def _changed(self, store: Store) -> None:
        self._stale = True

    async def _follow(self) -> None:
        while True:
            if self._stale:
                self._stale = False
                try:
                    self._detail = await self._store.database.read(views.detail, self._id_of_task)
                    if TABS[self._tab] == "raw":
                        self._whole = await self._store.database.read(read_result_of, self._detail.task, self._store.clock.now())
                except AbathurError as error:
                    self.query_one("#task-head", _Bar).show([Span(f" {safe_line(error.message)}", Role.FAILED)])
                else:
                    await self._show(self._detail)
            for _ in range(10):
                await asyncio.sleep(_LOOK_SECONDS / 10)
                if self._shown is None:
                    break

    async def _show(self, detail: TaskDetail) -> None:
        self.query_one("#task-head", _Bar).show(task_text.summary(detail.task, self._store.clock.now(), self._loop))
        self._show_tabs()
        text = self._text(detail)
        if self._shown == (self._tab, text):
            return
        self._shown = (self._tab, text)
        markdown = self._tab == 0 and bool(text) and len(text) <= _MOST_MARKDOWN
        self.set_class(markdown, "-markdown")
        if markdown:
            await self._show_markdown(text)
        else:
            self.query_one(TextView).show_lines(list(self._lines(detail)))
        offered = [action for action in of(Where.TASK_SCREEN) if action.rank and self.offers(action.name)]
        self.query_one(Footer).show_actions(sorted(offered, key=lambda action: action.rank))

    async def _show_markdown(self, text: str) -> None:
        module = await asyncio.to_thread(importlib.import_module, "abathur_tui.screen.widgets.result")
        holder = self.query_one("#task-markdown", VerticalScroll)
        shown = holder.query("#result")
        if shown:
            await shown.first(module.Result).update(text)
        else:
            await holder.mount(module.Result(text, id="result"))

    def _show_tabs(self) -> None:
        line: list[Span] = [Span(" ")]
        for index, name in enumerate(TABS):
            line += [Span(name, Role.STRONG if index == self._tab else Role.DIM), Span(" │ " if index + 1 < len(TABS) else "", Role.FAINT)]
        self.query_one("#task-tabs", _Bar).show(line)

    def _lines(self, detail: TaskDetail) -> list[Line]:
        match TABS[self._tab]:
            case "conversation":
                return list(task_text.conversation(detail))
            case "events":
                return list(task_text.events(detail))
            case "raw":
                return list(task_text.raw(detail, self._whole))
        text = task_text.result_text(detail)
        if not text:
            return [[], [Span(self._nothing_yet(detail), Role.DIM)]]
        return [[Span(line.replace("\t", "    "))] for line in text.split("\n")]

    def _text(self, detail: TaskDetail) -> str:
        return task_text.result_text(detail) if self._tab == 0 else task_text.plain(iter(self._lines(detail)))

    def _nothing_yet(self, detail: TaskDetail) -> str:
        if self.offers("tab.answer"):
            return "It waits for you: `a` shows what it asks, and takes your answers."
        return "It ended without a result." if detail.task.status in ENDED else "There is no result yet; what its agent says will stand here."
