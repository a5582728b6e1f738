"""The only reactive state of the screen: it tails the journal and holds what panes show; panes subscribe to its signals."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from textual.dom import DOMNode
from textual.signal import Signal

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.errors import AbathurError
from abathur_tui.domain.filters import TaskFilter
from abathur_tui.domain.journal import LogCursor, LoopSeries
from abathur_tui.domain.leases import Hold
from abathur_tui.domain.status import Status, Why
from abathur_tui.domain.tasks import Agent
from abathur_tui.screen.feed import Snapshot, Wanted, read_snapshot
from abathur_tui.screen.figures import short_clock
from abathur_tui.screen.logbook import Logbook
from abathur_tui.screen.machine import Probe
from abathur_tui.screen.messages import LogScope
from abathur_tui.screen.queue_view import QueueView
from abathur_tui.screen.widgets.header import Figures
from abathur_tui.storage import Database, views
from abathur_tui.storage.engines import EngineRow

_POLL_SECONDS = 1 / 30
_ORDER_SECONDS = 0.5
"""The order of the queue is read at most so often."""
_SAMPLE_SECONDS = 2.0
_FIRST_SAMPLE_SECONDS = 0.3
"""Not while the first frame is being made."""
_REST = 3
"""After a read the store rests so many times as long as the read took, so that it never takes more than a quarter of a core."""
_FIRST_PAGE = 100
_RATE_SECONDS = 5.0
_CHARACTERS_PER_TOKEN = 4


class Store:
    """What the database said last. All reads happen in reader threads; the event loop only takes over what they bring."""

    def __init__(self, owner: DOMNode, database: Database, clock: Clock, *, project: str, probe: Probe) -> None:
        """`owner` is the app; `project` is the name that stands in the header; `probe` knows what is taken of the machine."""
        self.clock = clock
        self.figures = Figures(project=project)
        self.agents: Sequence[Agent] = ()
        self.execution_names: dict[int, str] = {}
        """The names of the agents' executions. Foreign text."""
        self.loops: Sequence[LoopSeries] = ()
        self.queue = QueueView()
        self.filter = TaskFilter()
        self.log = Logbook()
        self.scope = LogScope()
        self.scope_log = Logbook()
        self.loaded = False
        """Whether the first snapshot is there: before it, nothing is known to be empty."""
        self.trouble: AbathurError | None = None
        """Why the project cannot be read at the moment."""
        self.figures_changed: Signal[Store] = Signal(owner, "figures")
        self.agents_changed: Signal[Store] = Signal(owner, "agents")
        self.loops_changed: Signal[Store] = Signal(owner, "loops")
        self.log_changed: Signal[Store] = Signal(owner, "log")
        self.queue_changed: Signal[Store] = Signal(owner, "queue")
        self.trouble_changed: Signal[Store] = Signal(owner, "trouble")
        self.database = database
        self._probe = probe
        self._engines: Sequence[EngineRow] = ()
        """Those that have not ended in order."""
        self._visible: tuple[int, ...] = ()
        self._cursor: LogCursor | None = None
        self._known_loops = views.KnownLoops()
        self._scope_cursor: LogCursor | None = None
        self._spoken: deque[tuple[float, int]] = deque()
        self._wanted = asyncio.Event()
        self._order_wanted = True

    def show_rows(self, ids: Sequence[int]) -> None:
        """These tasks are in sight: their rows are kept current."""
        wanted = tuple(ids)
        if wanted != self._visible:
            self._visible = wanted
            if any(id not in self.queue.rows for id in wanted):
                self._wanted.set()

    def set_filter(self, filter: TaskFilter) -> None:
        """Show other tasks, or the same in another order."""
        if filter != self.filter:
            self.filter = filter
            # What was shown stays until the answer is there: an empty list would say that nothing matches.
            self.queue = QueueView(self.queue.ids, self.queue.rows, self.queue.filter)
            self._order_wanted = True
            self._wanted.set()

    def set_scope(self, scope: LogScope) -> None:
        """Show the log of a task, of an agent, or (the empty scope) of all."""
        if scope != self.scope:
            self.scope, self.scope_log, self._scope_cursor = scope, Logbook(), None
            self.log_changed.publish(self)
            self._wanted.set()

    @property
    def works(self) -> bool:
        """Whether there are tasks that an engine could work at."""
        return bool(self.figures.running or self.figures.waiting)

    @property
    def engine_died(self) -> bool:
        """Whether an engine is gone that has not ended in order, nobody starts it again, and there is work for another."""
        return self.works and self.figures.engine_lives is False and not self.figures.engine_restarts and bool(self._engines)

    @property
    def shown_log(self) -> Logbook:
        """The log of the scope."""
        return self.log if self.scope.task is None and self.scope.agent is None else self.scope_log

    def say_who_answers(self, answers: str) -> None:
        """What the header says of the runtime and model."""
        self.figures = replace(self.figures, answers=answers)
        self.figures_changed.publish(self)

    def refresh_soon(self) -> None:
        """Something was just changed from here: do not wait for the next look."""
        self._wanted.set()

    async def find(self, filter: TaskFilter) -> set[int]:
        """The ids of all tasks that a filter lets through. Raises AbathurError."""
        return set(await self.database.read(views.task_ids, filter))

    async def run(self) -> None:
        """Follow the database until cancelled: three loops, so that a slow order or sample never holds up what is live."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            group.create_task(self._order())
            group.create_task(self._sample())

    async def _follow(self) -> None:
        seen = -1
        rest = 0.0
        while True:
            try:
                version = await asyncio.to_thread(self.database.data_version)
                if version != seen or self._wanted.is_set() or self.trouble is not None:
                    self._wanted.clear()
                    self._order_wanted = self._order_wanted or version != seen
                    seen = version
                    began = time.perf_counter()
                    await self._look()
                    rest = _REST * (time.perf_counter() - began)
                    self._well()
                else:
                    rest = 0.0
                    self._measure_rate()
            except AbathurError as error:
                self._ill(error)
                seen, rest = -1, 1.0
            await self._pause(max(_POLL_SECONDS, rest))

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(_POLL_SECONDS)
        try:
            async with asyncio.timeout(seconds - _POLL_SECONDS):
                await self._wanted.wait()
        except TimeoutError:
            return

    async def _look(self) -> None:
        scope = self.scope
        wanted = Wanted(self._visible, self._cursor, scope, self._scope_cursor, self.execution_names, self._known_loops)
        self._take(await self.database.read(read_snapshot, wanted, self.clock.now()), scope)

    def _take(self, snapshot: Snapshot, scope: LogScope) -> None:
        first, self.loaded = not self.loaded, True
        if not first:
            said = sum(len(entry.text) for entry in snapshot.entries if entry.kind == "says")
            if said:
                self._spoken.append((self.clock.monotonic(), said))
        self._cursor = snapshot.cursor
        log_changed = self.log.add(snapshot.entries)
        if scope == self.scope:
            self._scope_cursor = snapshot.scope_cursor
            log_changed = self.scope_log.add(snapshot.scope_entries) or log_changed
        self.queue.take(snapshot.rows)
        self.execution_names |= snapshot.execution_names
        self.agents, self.loops = snapshot.agents, snapshot.loops
        self._engines = snapshot.totals.engines
        self._figure(snapshot)
        self.queue_changed.publish(self)
        self.agents_changed.publish(self)
        self.loops_changed.publish(self)
        if log_changed or first:
            self.log_changed.publish(self)

    def _figure(self, snapshot: Snapshot) -> None:
        totals = snapshot.totals
        counts = totals.counts
        self.figures = replace(
            self.figures,
            need_you=sum(lane.held_why == Why.KEY for lane in snapshot.lanes) + totals.asking,
            hold=_hold_words(totals.hold),
            running=counts[Status.RUNNING],
            waiting=counts[Status.WAITING] + counts[Status.PENDING] + counts[Status.INTERRUPTED],
            paused=counts[Status.PAUSED],
            failed=counts[Status.FAILED] + counts[Status.DEAD],
            agents_busy=totals.agents_busy,
            agents_limit=totals.engines[0].limit if totals.engines else None,
            tokens_today=totals.tokens_today,
            cost_today_usd=totals.cost_today_usd,
        )
        self._measure_rate(publish=False)
        self.figures_changed.publish(self)

    def _measure_rate(self, *, publish: bool = True) -> None:
        now = self.clock.monotonic()
        while self._spoken and self._spoken[0][0] < now - _RATE_SECONDS:
            self._spoken.popleft()
        rate = sum(said for _, said in self._spoken) / _CHARACTERS_PER_TOKEN / _RATE_SECONDS if self._spoken else None
        if rate != self.figures.tokens_per_second:
            self.figures = replace(self.figures, tokens_per_second=rate)
            if publish:
                self.figures_changed.publish(self)

    async def _order(self) -> None:
        while True:
            took = 0.0
            if self._order_wanted:
                self._order_wanted = False
                began = time.perf_counter()
                try:
                    await self._read_order()
                except AbathurError:
                    self._order_wanted = True
                    self._wanted.set()  # `_follow` meets the same error, and says it
                took = time.perf_counter() - began
            await asyncio.sleep(max(_ORDER_SECONDS, _REST * took) if self.queue.complete else _POLL_SECONDS)

    async def _read_order(self) -> None:
        filter = self.filter
        if not self.queue.complete:
            page = await self.database.read(views.tasks, filter, _FIRST_PAGE)
            if filter == self.filter:
                self.queue.take({task.id: task for task in page})
                self.queue.ids, self.queue.filter = [task.id for task in page], filter
                self.queue.complete = len(page) < _FIRST_PAGE
                self.queue_changed.publish(self)
            if self.queue.complete:
                return
        ids = await self.database.read(views.task_ids, filter)
        if filter == self.filter:
            self.queue.ids, self.queue.filter, self.queue.complete = ids, filter, True
            self.queue_changed.publish(self)

    async def _sample(self) -> None:
        await asyncio.sleep(_FIRST_SAMPLE_SECONDS)
        while True:
            with contextlib.suppress(AbathurError):  # `_follow` meets the same trouble, and says it
                sample = await self._probe.sample()
                self.figures = replace(
                    self.figures,
                    memory_bytes=sample.memory_bytes,
                    cpu_percent=sample.cpu_percent,
                    engine_lives=sample.engine_lives,
                    engine_restarts=sample.engine_restarts,
                    trouble=self.trouble.code if self.trouble is not None else sample.engine_waits,
                )
                self.figures_changed.publish(self)
            await asyncio.sleep(_SAMPLE_SECONDS)

    def _well(self) -> None:
        if self.trouble is not None:
            self.trouble = None
            self.figures = replace(self.figures, trouble="")
            self.trouble_changed.publish(self)
            self.figures_changed.publish(self)

    def _ill(self, error: AbathurError) -> None:
        before, self.trouble = self.trouble, error
        self.figures = replace(self.figures, trouble=error.code)
        if before is None or before.code != error.code:
            self.trouble_changed.publish(self)
            self.figures_changed.publish(self)


def _hold_words(hold: Hold | None) -> str:
    if hold is None:
        return ""
    return "queue paused" if hold.why is Why.QUEUE else f"quiet until {short_clock(hold.until)}" if hold.until else "quiet time"
