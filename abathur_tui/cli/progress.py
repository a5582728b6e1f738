"""What `run` and `watch` show on standard error while agents work: live lines on a terminal, calm lines elsewhere, nothing when quiet."""

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

from abathur_tui.cli.output import cell_width, cut, encodable
from abathur_tui.cli.shared_options import Invocation
from abathur_tui.domain.journal import LogEntry
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.safe_text import safe, safe_line
from abathur_tui.domain.status import ENDED, Status, Why
from abathur_tui.domain.tasks import Task
from abathur_tui.project import Project
from abathur_tui.project.answers import execution_name, task_name
from abathur_tui.project.batch import Batch, follow_batch
from abathur_tui.storage import views

REFRESH_SECONDS = 0.1
_TAIL = 400
"""Characters of what an agent says that are kept to show its last words."""
_ERASE_BELOW = "\x1b[J"
_UNKNOWN_SIZE = (80, 24)
"""Of a terminal that does not say how large it is."""
_NEEDS_NO_LINE = (Why.NONE, Why.AFTER, Why.SLOT)
"""Why a task that is not at work yet is nothing to tell of."""


@dataclass
class _Seen:
    """What is known of an execution's tasks."""

    tasks: dict[int, Task] = field(default_factory=dict)
    words: dict[int, str] = field(default_factory=dict)
    """The last that each running task's agent said or did."""

    def take(self, entry: LogEntry) -> None:
        if entry.task is None:
            return
        if entry.kind == "says":
            self.words[entry.task] = (self.words.get(entry.task, "") + entry.text)[-_TAIL:]
        elif entry.kind in ("tool", "metric"):
            self.words[entry.task] = f"{entry.text}\n"


async def show(project: Project, execution: int, call: Invocation) -> None:
    """Show an execution until it ends."""
    await _show(project, str(execution_name(execution)), project.watch(execution), call)


async def show_batch(project: Project, batch: Batch, call: Invocation) -> None:
    """Show all executions of a batch until the last has ended."""
    await _show(project, "batch", follow_batch(project.patience, batch), call)


async def show_all(project: Project, call: Invocation, until: asyncio.Event, notes: deque[str]) -> None:
    """Show all that happens in the project from now on, up to the last that has happened when `until` is set.

    What is put into `notes` meanwhile is told between: a line that somebody else wrote would be lost among lines that are redrawn.
    """
    await _show(project, "engine", project.tail(until), call, notes)


async def _show(project: Project, title: str, entries: AsyncGenerator[LogEntry, None], call: Invocation, notes: deque[str] | None = None) -> None:
    view = _Live(title) if _is_terminal() and not call.quiet else _Lines(title, call)
    seen = _Seen()
    changed: set[int] = set()
    over = asyncio.Event()

    async def refresh() -> None:
        ids, before = sorted(changed), dict(seen.tasks)
        changed.clear()
        for task in await project.patience.read(views.tasks_by_id, ids) if ids else ():
            seen.tasks[task.id] = task
        while notes:
            view.note(notes.popleft())
        view.draw(seen, [task for task in (seen.tasks[id] for id in ids if id in seen.tasks) if _moved(before.get(task.id), task)])

    def say(text: str) -> None:
        view.note(text)
        view.draw(seen, [])

    async def keep_fresh() -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_SECONDS):
                    await over.wait()
            await refresh()

    project.patience.tell = say
    ticking = asyncio.create_task(keep_fresh())
    try:
        async with aclosing(entries):
            async for entry in entries:
                seen.take(entry)
                if entry.task is not None:
                    changed.add(entry.task)
                view.entry(entry)
        over.set()  # not cancelled: what a refresh has begun to look at is told too
        await asyncio.gather(ticking, return_exceptions=True)
        await refresh()
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
        view.close()


def _moved(before: Task | None, now: Task) -> bool:
    return before is None or (before.status, before.why) != (now.status, now.why)


def _is_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"


class _Lines:
    """A line for each change, for logs and pipes."""

    def __init__(self, title: str, call: Invocation) -> None:
        self._quiet = call.quiet
        self._verbose = call.verbose
        self._name = title

    def entry(self, entry: LogEntry) -> None:
        """Tool calls, notices and what a command writes to its standard error."""
        if entry.kind in ("notice", "metric") or (self._verbose and entry.kind in ("tool", "stderr", "agent")) or entry.level == "error":
            self._say(f"{task_name(entry.task) or self._name}  {entry.text}")

    def note(self, text: str) -> None:
        """Something that the command itself says."""
        self._say(text)

    def draw(self, seen: _Seen, moved: Iterable[Task]) -> None:
        """A line for each task that started, ended, or waits for something that a person should know of."""
        for task in moved:
            quiet = task.status in (Status.WAITING, Status.PENDING) and task.why in _NEEDS_NO_LINE
            silent = task.kind is Kind.JOIN and task.status in (Status.RUNNING, Status.COMPLETED) and task.why != Why.ASKS
            if not (quiet or silent):
                self._say(describe(task))

    def close(self) -> None:
        """Nothing is left to do."""

    def _say(self, text: str) -> None:
        if not self._quiet:
            _write("".join(f"{safe_line(line)}\n" for line in text.splitlines()))


class _Live:
    """A line for each agent at work, redrawn in place, over the lines of what has ended."""

    def __init__(self, title: str) -> None:
        self._name = title
        self._start = time.monotonic()
        self._height = 0
        self._notices: list[str] = []
        self._notes: list[str] = []

    def entry(self, entry: LogEntry) -> None:
        """Notices stay; all else is shown by the task's own line."""
        if entry.kind == "notice" or entry.level == "error":
            self._notices.append(f"{task_name(entry.task) or self._name}  {safe_line(entry.text)}")

    def note(self, text: str) -> None:
        """Something that the command itself says, whole, over as many lines as it takes."""
        self._notes.append(safe_line(text))

    def draw(self, seen: _Seen, moved: Iterable[Task]) -> None:
        """Lines that stay, then those of the agents at work."""
        size = os.get_terminal_size(2)
        width, height = max(size.columns or _UNKNOWN_SIZE[0], 20), max(size.lines or _UNKNOWN_SIZE[1], 4)
        stay = [*self._notices, *(describe(task) for task in moved if task.status in ENDED and task.kind is not Kind.JOIN)]
        notes = self._notes.copy()
        self._notices.clear()
        self._notes.clear()
        self._paint([*notes, *(cut(line, width - 1) for line in stay)], [cut(line, width - 1) for line in self._now(seen, height - 1)])

    def close(self) -> None:
        """Take away the lines that are not to stay."""
        self._paint([], [])

    def _now(self, seen: _Seen, most: int) -> list[str]:
        tasks = [task for task in seen.tasks.values() if task.kind is not Kind.JOIN]
        asking = [task for task in seen.tasks.values() if task.kind is Kind.JOIN and task.why == Why.ASKS]
        done = sum(task.status in ENDED for task in tasks)
        tokens = sum(task.tokens_output for task in tasks)
        head = f"{self._name}  {done} of {len(tasks)} done  {time.monotonic() - self._start:.0f} s" + (f"  {tokens:,} tokens" if tokens else "")
        working = [task for task in tasks if task.status is Status.RUNNING or (task.status is Status.PENDING and task.why)] + asking
        lines = [head, *(_working(task, seen.words.get(task.id, "")) for task in working)]
        return lines if len(lines) <= most else [*lines[: most - 1], f"  and {len(lines) - most + 1} more"]

    def _paint(self, stay: list[str], live: list[str]) -> None:
        up = f"\r\x1b[{self._height}A" if self._height else "\r"
        body = "".join(f"{line}\n" for line in (*stay, *live))
        _write(f"{up}{_ERASE_BELOW}{body}")
        self._height = len(live)


def describe(task: Task) -> str:
    """A task's state in a line: `✓ t3 CODE auth service  completed in 4.1 s`."""
    line = f"{_shape(task)} {task_name(task.id)} {safe_line(task.name)}  {task.state.word}"
    if task.why and task.status not in ENDED:
        line += f" ({_reason(task)})"
    if task.status in ENDED and task.started_at is not None and task.finished_at is not None:
        line += f" in {max(0.0, task.finished_at - task.started_at):.1f} s"
    if task.error is not None and task.status is not Status.COMPLETED and (task.status in ENDED or task.why == Why.RETRY):
        line += f": {safe_line(task.error.message)} [{task.error.code}]"
    return line


def _reason(task: Task) -> str:
    if task.due_at is not None and task.why in (Why.RETRY, Why.QUOTA):
        return f"{task.why}, in {max(0.0, task.due_at - time.time()):.0f} s"
    if task.due_at is not None and task.why == Why.QUIET:
        return f"quiet until {time.strftime('%H:%M', time.localtime(task.due_at))}"
    if task.why == Why.QUEUE:
        return "the queue is paused; `abathur task resume --all` lets it go on"
    return f"`abathur task answer {task_name(task.id)}` answers" if task.why == Why.ASKS else str(task.why)


def _shape(task: Task) -> str:
    return task.state.shape if encodable(task.state.shape, sys.stderr) else task.state.ascii


def _working(task: Task, words: str) -> str:
    last = next((line for line in reversed(words.splitlines()) if line.strip()), "")
    told = safe(last).strip().replace("\t", " ")
    if not told and task.why:
        told = _reason(task)
    head = f"  {_shape(task)} {task_name(task.id)} {cut(safe_line(task.name), 32)}"
    return f"{head}{' ' * max(1, 42 - cell_width(head))}{_tail(told, max(20, (os.get_terminal_size(2).columns or _UNKNOWN_SIZE[0]) - 44))}"


def _tail(text: str, width: int) -> str:
    """The end of a text in at most `width` cells: what an agent says last is what counts."""
    while cell_width(text) > width:
        text = text[max(1, cell_width(text) - width) :]
    return text


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        return  # nobody reads it
