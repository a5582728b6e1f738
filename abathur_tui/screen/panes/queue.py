"""The queue pane: all tasks of the project, windowed, so that a hundred thousand open as fast as ten."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from abathur_tui.domain.errors import AbathurError
from abathur_tui.domain.filter_language import parse_filter
from abathur_tui.domain.filters import TaskFilter
from abathur_tui.domain.ids import TaskId, task_text
from abathur_tui.domain.safe_text import safe_line
from abathur_tui.domain.status import ENDED, Status, Why
from abathur_tui.domain.tasks import Task
from abathur_tui.screen.actions import Where, bindings
from abathur_tui.screen.memory import Memory
from abathur_tui.screen.messages import Answering, Copied, LogScope, OffersChanged, OpenTask, ShowLog, TaskIntent, Verb
from abathur_tui.screen.panes.pane import Pane
from abathur_tui.screen.panes.queue_rows import SORTS, Widths, heading, task_row
from abathur_tui.screen.panes.refusals import why_not
from abathur_tui.screen.roles import Line, Role, Span, fit
from abathur_tui.screen.store import Store
from abathur_tui.screen.widgets.command_bar import CommandBar
from abathur_tui.screen.widgets.lines import Lines

EXAMPLE = 'ABYSSAL[ROADMAP]("a habit tracker")'
DEAD_LETTERS = "dead letters"
"""How the filter of these is called; it is none that can be typed."""
_TAB_WIDTH = 18
_HIGHEST = 10
_FILTER_HINT = "words, status:failed, template:CODE, agent:tester, tag:x, priority>=7, age<1h, -word"


def _lives(task: Task) -> bool:
    return task.status not in ENDED


_POSSIBLE: dict[str, Callable[[Task], bool]] = {
    "task.answer": lambda task: task.why == Why.ASKS and _lives(task),
    "task.cancel": _lives,
    "task.retry": lambda task: task.status in ENDED - {Status.COMPLETED},
    "task.clear": lambda task: task.status is Status.DEAD,
    "task.pause": _lives,
    "task.higher": _lives,
    "task.lower": _lives,
}
"""Of which tasks an action makes sense."""


class QueuePane(Pane, Lines, can_focus=True):
    """Tasks by row; keys act on the marked ones, or on the cursor's."""

    NUMBER = 1
    NAME = "queue"
    PLACE = Where.TASKS
    BINDINGS = bindings(Where.TASKS)

    def __init__(self, store: Store, memory: Memory) -> None:
        """It shows what `store` has; filters that were saved are in `memory`."""
        super().__init__(id="queue")
        self._memory = memory
        self._store = store
        self._marks: set[int] = set()
        self._range: tuple[int, set[int]] | None = None
        """Where a range began (index) and what was marked before it."""
        self._at: int | None = None
        """The task that the cursor is on."""
        self._filter_text = ""
        self._last_filter = TaskFilter()
        self._shown_filter = TaskFilter()
        self._sort = 0

    def on_mount(self) -> None:
        """Follow the store."""
        self._store.queue_changed.subscribe(self, self._queue_changed, immediate=True)
        self._queue_changed(self._store)
        self.set_interval(1.0, self.refresh_changed)

    @property
    def marks(self) -> frozenset[int]:
        """The tasks that are marked."""
        return frozenset(self._marks)

    def set_filter(self, text: str, filter: TaskFilter) -> None:
        """Show what `filter` lets through; `text` is how it was typed."""
        self._filter_text = text
        if text:
            self._last_filter = filter
        key, descending, _ = SORTS[self._sort]
        self._store.set_filter(replace(filter, sort=key, descending=descending))
        self._show()

    def heading(self) -> Line:
        """The names of the columns."""
        return heading(self._widths)

    def row_line(self, index: int) -> Line:
        """A task, or a placeholder until its row is there."""
        task = self._store.queue.task(index)
        if task is None:
            return [Span("   …", Role.DIM)]
        loops = {series.task: series for series in self._store.loops}
        return task_row(
            task, self._widths, self._store.clock.now(), loops, cursor=index == self.cursor, marked=self._store.queue.ids[index] in self._marks
        )

    def empty_lines(self) -> list[Line]:
        """What to do where there is nothing."""
        if not self._store.loaded:
            return []
        if self._filter_text == DEAD_LETTERS:
            return [[], [Span("  No dead letter waits for a decision.")], [], _hint("esc", "show all tasks")]
        if self._filter_text:
            return [[], [Span("  No task matches "), Span(safe_line(self._filter_text), Role.ACCENT)], [], _hint("esc", "show all tasks")]
        return [[], [Span("  Nothing is queued here yet.")], [], _hint("c", f"new — try: {EXAMPLE}"), _hint("?", "all keys")]

    def title_details(self) -> Line:
        """How many tasks, and which."""
        shown = len(self._store.queue)
        if saved := self._memory.known.filters:
            tabs = ["", *saved, *([self._filter_text] if self._filter_text and self._filter_text not in saved else [])]
            return [span for text in tabs for span in self._tab(text, shown)][:-1]
        if not self._filter_text:
            return [Span(f"{shown:,}", Role.DIM)] if shown else []
        return [Span(safe_line(self._filter_text), Role.ACCENT), Span(f" {shown:,}", Role.DIM)]

    def _tab(self, text: str, shown: int) -> Line:
        """A saved filter in the title, and how many it shows where it is the present one."""
        name = fit(safe_line(text) or "all", min(len(text) or 3, _TAB_WIDTH)).rstrip()
        if text != self._filter_text:
            return [Span(name, Role.DIM), Span(" │ ", Role.FAINT)]
        return [Span(f"{name} {shown:,}", Role.ACCENT), Span(" │ ", Role.FAINT)]

    def foot(self) -> Line:
        """The order, and how many are marked."""
        if not self.count:
            return []
        marked = [Span(f" · {len(self._marks):,} marked", Role.ACCENT)] if self._marks else []
        ranging = [Span(" · range", Role.ACCENT)] if self._range else []
        return [Span(SORTS[self._sort][2], Role.DIM), *marked, *ranging]

    def offers(self, name: str) -> bool:
        """Whether it makes sense for the cursor's row or the marked ones."""
        if name == "list.back":
            return bool(self._marks or self._range or self._filter_text)
        if name == "task.dead":
            return True
        if name in ("task.next_tab", "task.previous_tab"):
            return bool(self._memory.known.filters)
        if name == "task.save_filter":
            return self._filter_text not in ("", DEAD_LETTERS)
        if name in ("task.filter", "task.sort"):
            return bool(self.count or self._filter_text)
        if name in ("task.next_match", "task.previous_match"):
            return self._last_filter != TaskFilter()
        if (possible := _POSSIBLE.get(name)) is not None:
            return any(possible(task) for task in self._known_targets())
        return bool(self.count)

    def why_not(self, name: str) -> str:
        """Why an action changes nothing here."""
        return why_not(name, self._known_targets())

    def action_list_open(self) -> None:
        """The task's own screen."""
        if self._at is not None:
            self.post_message(OpenTask(self._at))

    def action_list_back(self) -> None:
        """One step back: the range, the marks, then the filter."""
        if self._range:
            self._range = None
        elif self._marks:
            self._marks.clear()
        elif self._filter_text:
            self.set_filter("", TaskFilter())
        self._show()

    def action_list_copy(self) -> None:
        """The tasks' ids and names."""
        lines = [f"{task_text(TaskId(task.id))} {safe_line(task.name)}" for task in self._known_targets()]
        self.app.copy_to_clipboard("\n".join(lines))
        self.post_message(Copied())

    def action_task_answer(self) -> None:
        """What they ask, and a choice of answers."""
        self.post_message(Answering(self._targets()))

    def action_task_cancel(self) -> None:
        """Ask for it; the app asks back."""
        self._intend(Verb.CANCEL)

    def action_task_retry(self) -> None:
        """Ask for it."""
        self._intend(Verb.RETRY)

    def action_task_pause(self) -> None:
        """Pause, or resume where all that is meant is paused."""
        targets = self._known_targets()
        paused = bool(targets) and all(task.status is Status.PAUSED for task in targets)
        self._intend(Verb.RESUME if paused else Verb.PAUSE)

    def action_task_higher(self) -> None:
        """One up."""
        self._reprioritize(1)

    def action_task_lower(self) -> None:
        """One down."""
        self._reprioritize(-1)

    def action_task_log(self) -> None:
        """Its log only."""
        task = self._store.queue.task(self.cursor)
        if task is not None:
            self.post_message(ShowLog(LogScope(task=task.id, title=task.name)))

    def action_task_mark(self) -> None:
        """Mark, and go on to the next row."""
        if self._at is not None:
            self._marks ^= {self._at}
            self.cursor += 1
            self._show()

    def action_task_range(self) -> None:
        """Begin a range, or end it."""
        self._range = None if self._range else (self.cursor, set(self._marks))
        self._mark_range()
        self._show()

    def action_task_mark_all(self) -> None:
        """All that is shown, or none."""
        shown = set(self._store.queue.ids)
        self._marks = set() if shown <= self._marks else self._marks | shown
        self._show()

    def action_task_filter(self) -> None:
        """Type a filter; what it lets through is shown at once."""
        before = "" if self._filter_text == DEAD_LETTERS else self._filter_text

        async def show(text: str) -> str:
            try:
                self.set_filter(text.strip(), parse_filter(text))
            except AbathurError as error:
                return error.details[0].message if error.details else error.message
            return ""

        def close(accepted: bool) -> None:
            if not accepted:
                self.set_filter(before, parse_filter(before))
            self.screen.set_focus(self)

        self.screen.query_one(CommandBar).ask(" / ", before, accept=show, change=show, close=close, placeholder=_FILTER_HINT)

    def action_task_dead(self) -> None:
        """Dead letters that nobody has decided on, or all tasks again."""
        if self._filter_text == DEAD_LETTERS:
            self.set_filter("", TaskFilter())
        else:
            self.set_filter(DEAD_LETTERS, TaskFilter(undecided=True))

    def action_task_clear(self) -> None:
        """Ask for it; the app asks back."""
        dead = tuple(task.id for task in self._known_targets() if task.status is Status.DEAD)
        if dead:
            self.post_message(TaskIntent(Verb.CLEAR, dead))

    def action_task_next_tab(self) -> None:
        """The next saved filter."""
        self._to_tab(1)

    def action_task_previous_tab(self) -> None:
        """The one before."""
        self._to_tab(-1)

    def action_task_save_filter(self) -> None:
        """A tab of its own, or none any more."""
        known, text = self._memory.known, self._filter_text
        filters = tuple(one for one in known.filters if one != text) if text in known.filters else (*known.filters, text)
        self._memory.known = replace(known, filters=filters)
        self.app.run_worker(asyncio.to_thread(self._memory.write), name="memory", exit_on_error=False)
        self._show()

    def action_task_sort(self) -> None:
        """The next order."""
        self._sort = (self._sort + 1) % len(SORTS)
        key, descending, _ = SORTS[self._sort]
        self._store.set_filter(replace(self._store.filter, sort=key, descending=descending))
        self._queue_changed(self._store)

    async def action_task_next_match(self) -> None:
        """The next one below."""
        await self._to_match(1)

    async def action_task_previous_match(self) -> None:
        """The next one above."""
        await self._to_match(-1)

    def watch_cursor(self, before: int, after: int) -> None:
        """Remember the task, so that the cursor stays on it when the order changes."""
        super().watch_cursor(before, after)
        ids = self._store.queue.ids
        self._at = ids[after] if after < len(ids) else None
        self._mark_range()
        self.post_message(OffersChanged())

    def watch_scroll_y(self, before: float, after: float) -> None:
        """Fetch what comes into sight."""
        super().watch_scroll_y(before, after)
        self._want_rows()

    def on_resize(self) -> None:
        """More or fewer rows are in sight."""
        self._want_rows()

    def _queue_changed(self, store: Store) -> None:
        view = store.queue
        if self._at is not None and (self.cursor >= len(view) or view.ids[self.cursor] != self._at):
            index = view.index_of(self._at, self.cursor)
            if index is None and view.filter != self._shown_filter:
                index = 0
            if index is not None:
                self.count = max(self.count, index + 1)
                self.set_reactive(Lines.cursor, index)
        self._shown_filter = view.filter
        self.set_count(len(view))
        if len(view):
            self._at = view.ids[self.cursor]
        elif view.complete:
            self._at = None
        self._want_rows()
        self._show()

    def _want_rows(self) -> None:
        ids = self._store.queue.ids
        first = max(0, self.first_visible - self.page)
        self._store.show_rows([*ids[first : self.first_visible + 2 * self.page]])

    def _show(self) -> None:
        self.show_border()
        self.refresh_changed()
        self.post_message(OffersChanged())

    def _to_tab(self, step: int) -> None:
        tabs = ["", *self._memory.known.filters]
        place = tabs.index(self._filter_text) if self._filter_text in tabs else 0
        text = tabs[(place + step) % len(tabs)]
        try:
            self.set_filter(text, parse_filter(text))
        except AbathurError:  # saved by a version that knew more
            self._memory.known = replace(self._memory.known, filters=tuple(one for one in self._memory.known.filters if one != text))
            self._show()

    @property
    def _widths(self) -> Widths:
        return Widths.within(self.scrollable_content_region.width)

    def _targets(self) -> tuple[int, ...]:
        if self._marks:
            return tuple(self._marks)
        return (self._at,) if self._at is not None else ()

    def _known_targets(self) -> list[Task]:
        rows = self._store.queue.rows
        return [rows[id] for id in self._targets() if id in rows]

    def _intend(self, verb: Verb) -> None:
        targets = self._targets()
        if targets:
            self.post_message(TaskIntent(verb, targets))

    def _reprioritize(self, change: int) -> None:
        tasks = self._known_targets()
        changed = [(task.id, min(_HIGHEST, max(0, task.priority + change))) for task in tasks]
        if changed:
            ids, priorities = zip(*changed, strict=True)
            self.post_message(TaskIntent(Verb.REPRIORITIZE, ids, priorities))

    def _mark_range(self) -> None:
        if self._range:
            start, before = self._range
            low, high = sorted((start, self.cursor))
            self._marks = before | set(self._store.queue.ids[low : high + 1])

    async def _to_match(self, step: int) -> None:
        matches = await self._store.find(self._last_filter)
        ids: Sequence[int] = self._store.queue.ids
        count = len(ids)
        for distance in range(1, count + 1):
            index = (self.cursor + step * distance) % count
            if ids[index] in matches:
                self.cursor = index
                return


def _hint(key: str, text: str) -> Line:
    return [Span(f"  {key:<4}", Role.ACCENT), Span(text, Role.DIM)]
