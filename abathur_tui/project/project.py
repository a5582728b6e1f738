"""Project: the programming interface, and the one door to the queue for screens, commands and programs."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing, suppress
from functools import cached_property
from pathlib import Path
from sqlite3 import Connection
from types import TracebackType
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypeAlias, TypeVar

from abathur_tui.domain.clock import Clock, SystemClock
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import AbathurError, ConfigInvalid, Exit, ProjectNotFound
from abathur_tui.domain.execution import Key, SubmitOptions, Submitted
from abathur_tui.domain.filters import TaskFilter
from abathur_tui.domain.journal import LogEntry, LoopSeries
from abathur_tui.domain.leases import Changed
from abathur_tui.domain.notices import Notice
from abathur_tui.domain.plan import Plan
from abathur_tui.domain.questions import Given, Question
from abathur_tui.domain.status import ENDED, Status
from abathur_tui.domain.tasks import AuditEvent, EngineInfo, Execution, Task, TaskDetail
from abathur_tui.domain.templates import Template, TemplateUse
from abathur_tui.engine import launch
from abathur_tui.engine.launch import StartedEngine
from abathur_tui.project import batch
from abathur_tui.project.batch import Batch
from abathur_tui.project.dead_letters import DeadLetters
from abathur_tui.project.ending import has_ended, last_statuses, until_ended
from abathur_tui.project.filtering import filtered
from abathur_tui.project.finding import Place, find, found, make
from abathur_tui.project.following import attend, changes, follow, tail
from abathur_tui.project.once import key_of, submitted_with
from abathur_tui.project.outliving import drained, engine_ended, succeeded
from abathur_tui.project.patience import Patience
from abathur_tui.project.purging import Purging
from abathur_tui.project.relief import relieve, relieved
from abathur_tui.project.results import ExecutionResult, read_result
from abathur_tui.project.schedules import Schedules
from abathur_tui.project.status import ProjectStatus
from abathur_tui.project.swarm import SwarmDesk
from abathur_tui.project.wish import Wish
from abathur_tui.storage import Database, engines, eras, questions, queue, seals, views
from abathur_tui.storage.database import refuse_to_begin_anew
from abathur_tui.storage.engines import Trouble
from abathur_tui.storage.questions import Answered
from abathur_tui.storage.seals import Verified
from abathur_tui.storage.views.swarm import busy_agents
from abathur_tui.storage.views.templates import template_records, template_uses

if TYPE_CHECKING:
    from abathur_tui.engine.live_settings import FilesAsRead
    from abathur_tui.library.template_files import Registered
    from abathur_tui.project.workbench import Workbench
    from abathur_tui.settings import Loaded

P = ParamSpec("P")
T = TypeVar("T")
TemplateRecord: TypeAlias = tuple[Template, TemplateUse]
"""A version of a template, and how it has done."""

CANCEL_SECONDS = 5.0
"""How long a cancelled agent may take to end."""


class Project:
    """An open project. Made by `open`; close it, or use it in a `with` block."""

    def __init__(
        self, place: Place, database: Database, *, environ: Mapping[str, str], flags: Mapping[str, object], actor: str, clock: Clock
    ) -> None:
        """Use `open`."""
        self.place = place
        self.database = database
        self.actor = actor
        self.made = False
        """True where opening it made it."""
        self._environ = environ
        self._flags = flags
        self._clock = clock
        self._loaded: tuple[FilesAsRead, Loaded] | None = None
        """The settings, and their files as they were then."""
        self._workbench: Workbench | None = None
        self.patience = Patience(database, clock)
        """How those read who follow for long."""

    @classmethod
    def open(
        cls,
        folder: Path | str | None = None,
        *,
        create: bool = False,
        looks: bool = False,
        environ: Mapping[str, str] = os.environ,
        flags: Mapping[str, object] | None = None,
        actor: str = "user",
        clock: Clock | None = None,
    ) -> "Project":
        """The project in `folder`, else the one that ABATHUR_PROJECT names, else the nearest from the current folder up.

        With `create`, one that is not there is made; who only `looks`, and not for long, can do so on a full disk too.
        `flags` are settings by dotted name, which win over files and environment.
        Raises ProjectNotFound, ProjectNotWritable, DatabaseDamaged, DatabaseNewer, NetworkFileSystem and the like.
        """
        explicit = None if folder is None else Path(folder)
        place = find(explicit, environ=environ)
        if place is None or not os.path.lexists(place.data / "abathur.db"):
            if not create:
                place = found(explicit, environ=environ)
                refuse_to_begin_anew(place.data)
                raise ProjectNotFound(f"{place.data} has no queue yet.", hint="Submit something, or run `abathur init`.")
            place, made = make(explicit if place is None else place.folder, environ=environ), True
        else:
            made = False
        database = Database.open(place.data, create=create, looks=looks)
        project = cls(place, database, environ=environ, flags=flags or {}, actor=actor, clock=clock or SystemClock())
        project.made = made
        return project

    @property
    def folder(self) -> Path:
        """What agents work on."""
        return self.place.folder

    def close(self) -> None:
        """Finish what was handed to the writer, and close the database. What it added to the audit is sealed, unless an engine is there to do it."""
        if self.database.has_written and not engines.living_engines(self.place.data):
            with suppress(AbathurError):  # the next engine does it
                self.database.write_now(_leave_in_order, self._clock.now())
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def loaded(self) -> "Loaded":
        """Settings as their files are now, where each came from, and notices. Raises ConfigInvalid where they could never be read.

        A file that breaks while the process lives keeps what was read before.
        """
        from abathur_tui.engine.live_settings import FilesAsRead  # pydantic: 40 ms that reading the queue need not pay
        from abathur_tui.settings import load

        read = FilesAsRead.of(self.place.data)
        if self._loaded is None or self._loaded[0] != read:
            try:
                self._loaded = read, load(self.folder, environ=self._environ, flags=self._flags)
            except ConfigInvalid:
                if self._loaded is None:
                    raise
                self._loaded = read, self._loaded[1]
        return self._loaded[1]

    @cached_property
    def swarm(self) -> SwarmDesk:
        """The agents that run now, and the orders for them."""
        return SwarmDesk(self, self._clock)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """Tasks that failed for good."""
        return DeadLetters(self, self._clock)

    @cached_property
    def schedules(self) -> Schedules:
        """Recurring tasks."""
        return Schedules(self, self._clock)

    @cached_property
    def purging(self) -> Purging:
        """Taking the content of what has ended away."""
        return Purging(self, self._clock)

    @property
    def workbench(self) -> "Workbench":
        """Templates, the language, and what answers, under the settings as they are now. Raises ConfigInvalid."""
        from abathur_tui.project.workbench import Workbench  # lark and jinja: 90 ms that looking need not pay

        loaded = self.loaded
        if self._workbench is None:
            self._workbench = Workbench(self.place, loaded, environ=self._environ)
        elif self._workbench.loaded is not loaded:
            self._workbench.use(loaded)
        return self._workbench

    async def read(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What one of storage's views gives."""
        return await self.database.read(query, *args, **kwargs)

    # Work

    async def plan(self, text: str, wish: Wish | None = None) -> Plan:
        """What a text expands to, estimated by how its templates have done here; nothing is queued. Raises DocumentInvalid with every mistake."""
        history, busy = await self.read(template_records), await self.read(busy_agents)
        await asyncio.to_thread(lambda: self.workbench.remember(history, busy))
        return await asyncio.to_thread(lambda: self.workbench.plan(text, wish))

    async def submit(self, text: str, wish: Wish | None = None) -> Submitted:
        """Queue ABYSSAL commands or a prompt; when it returns, they are on disk. Raises DocumentInvalid, NoRuntime, QueueFull, KeyTaken."""
        wish = wish or Wish()
        key = key_of(wish, text=text)
        for known in await submitted_with(self, key):
            return known
        if "auto" in text or "parallel" in wish.common:
            return await self.submit_plan(await self.plan(text, wish), wish, key=key)  # how many agents work now counts
        return await self._queued(*await asyncio.to_thread(self._planned, text, wish), key)

    async def submit_template(self, name: str, parameters: JsonObject, wish: Wish | None = None) -> Submitted:
        """Queue a template with its parameters (`NAME` or `NAME@version`). Raises as `submit` does."""
        key = key_of(wish or Wish(), template=name, parameters=parameters)
        for known in await submitted_with(self, key):
            return known
        return await self.submit_plan(await asyncio.to_thread(self.workbench.plan_template, name, parameters, wish), wish, key=key)

    async def submit_plan(self, plan: Plan, wish: Wish | None = None, *, key: Key | None = None) -> Submitted:
        """Queue a plan as one execution. Raises NoRuntime, QueueFull, NotFound, KeyTaken.

        `key`: the wish's, where more than the plan's text must be the same.
        """
        wish = wish or Wish()
        options = await asyncio.to_thread(self.workbench.options, plan, wish, actor=self.actor)
        return await self._queued(plan, options, key or key_of(wish, text=plan.source))

    async def run(self, text: str, wish: Wish | None = None) -> ExecutionResult:
        """Submit, run to its end, and give the result. Raises as `submit` does, and AccountRefused when nothing can run any more."""
        return await self._finish(await self.submit(text, wish))

    async def run_template(self, name: str, parameters: JsonObject, wish: Wish | None = None) -> ExecutionResult:
        """The same with a template and its parameters."""
        return await self._finish(await self.submit_template(name, parameters, wish))

    async def submit_batch(self, plans: Sequence[Plan], wish: Wish | None = None, *, key: Key | None = None) -> Batch:
        """Queue plans as an execution each, all or none of them. Raises NoRuntime, QueueFull, KeyTaken. `key` as for `submit_plan`."""
        wish = wish or Wish()
        key = key or key_of(wish, batch=[plan.source for plan in plans])
        return await batch.submit_batch(self, plans, wish, key, self._clock.now())

    async def run_batch(self, text: str, wish: Wish | None = None) -> list[ExecutionResult]:
        """Run an ABYSSAL document, or JSON's commands, as an execution each: what `abathur batch` does. Raises as `run` does, nothing queued."""
        key = key_of(wish or Wish(), batch=text)
        submitted = await batch.batch_with(self, key)
        if submitted is None:
            submitted = await self.submit_batch(await asyncio.to_thread(batch.plan_batch, self.workbench, text), wish, key=key)
        await batch.attend_batch(self, submitted)
        return await batch.results_of(self, submitted)

    def watch(self, execution: int) -> AsyncGenerator[LogEntry, None]:
        """All that happens in an execution, from its beginning to the end of its root. Raises NotFound, ProjectGone."""
        return follow(self.patience, execution)

    def tail(self, until: asyncio.Event | None = None) -> AsyncGenerator[LogEntry, None]:
        """All that happens in the project from now on, up to when `until` is set; without it, it never ends. Raises ProjectGone."""
        return tail(self.patience, until)

    def changes(self) -> AsyncGenerator[None, None]:
        """Something each time that somebody has committed, the first at once; never ends. Raises ProjectGone."""
        return changes(self.patience)

    async def attended(self, execution: int, work: Coroutine[None, None, T], *, answers: bool = False, starts: bool = True) -> T:
        """What `work` gives, with an engine at the execution for as long as it takes (`starts`: by starting one); raises what it raises.

        Raises AccountRefused when nothing of the execution can run any more, PersonNeeded where that is because it waits for a person (unless
        `answers`: somebody is there who will), and EngineDidNotStart.
        """
        working, attending = asyncio.ensure_future(work), asyncio.ensure_future(self.relieved(self._attend(execution, answers, starts)))
        try:
            await asyncio.wait((working, attending), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                await attending
            return await working
        finally:
            for task in (working, attending):
                task.cancel()
            await asyncio.gather(working, attending, return_exceptions=True)

    async def relieved(self, work: Coroutine[None, None, T]) -> T:
        """What `work` gives; meanwhile an engine that gives no sign of life for its whole lease is ended, and another one started."""
        return await relieved(self, work, self._clock)

    async def relieve(self) -> None:
        """Ends an engine that gives no sign of life for its whole lease, and starts another one; goes on until it is cancelled."""
        await relieve(self, self._clock)

    async def result(self, execution: int) -> ExecutionResult:
        """An execution as it stands. Raises NotFound."""
        return await self.read(read_result, execution, self._clock.now())

    async def execution(self, execution: int) -> Execution:
        """An execution. Raises NotFound."""
        return await self.read(views.execution, execution)

    # Triage

    async def cancel(self, tasks: Sequence[int], *, reason: str = "", wait_seconds: float = CANCEL_SECONDS) -> list[Changed]:
        """Cancel tasks with all inside them; waits for running ones to end, and gives each one's last status."""
        changes = await self.database.write(queue.cancel, tasks, self.actor, reason, self._clock.now())
        running = [change.id for change in changes if change.status is Status.RUNNING and change.error is None]
        last = await last_statuses(self.database, running, self._clock, wait_seconds) if running else {}
        return [Changed(change.id, last.get(change.id, change.status), change.error) for change in changes]

    async def cancel_execution(self, execution: int, *, reason: str = "") -> None:
        """Cancel all of an execution, and wait until the last of its agents has ended. Raises NotFound."""
        await self.cancel([(await self.execution(execution)).root], reason=reason, wait_seconds=0)
        if not await has_ended(self.patience, execution):  # else no engine need be started for it
            await self.attended(execution, until_ended(self.patience, execution), answers=True)

    async def retry(self, tasks: Sequence[int]) -> list[Changed]:
        """Put failed, dead or cancelled tasks back into the queue, and revive what failed because of them."""
        return await self.database.write(queue.retry, tasks, self.actor, self._clock.now())

    async def pause(self, tasks: Sequence[int]) -> list[Changed]:
        """Stop tasks until they are resumed."""
        return await self.database.write(queue.pause, tasks, self.actor, self._clock.now())

    async def resume(self, tasks: Sequence[int]) -> list[Changed]:
        """Let paused tasks go on."""
        return await self.database.write(queue.resume, tasks, self.actor, self._clock.now())

    async def reprioritize(self, tasks: Sequence[int], priority: int) -> list[Changed]:
        """Give tasks another priority, 0 to 10."""
        return await self.database.write(queue.reprioritize, tasks, self.actor, self._clock.now(), priority)

    async def pause_queue(self) -> bool:
        """Let nothing new start in all of the project until `resume_queue`; what runs goes on. False where it was paused already."""
        return await self.database.write(queue.hold_queue, self.actor, self._clock.now())

    async def resume_queue(self) -> bool:
        """Let tasks start again. False where the queue was not paused."""
        return await self.database.write(queue.free_queue, self.actor, self._clock.now())

    # Questions

    async def questions(self, *, tasks: Sequence[int] | None = None, execution: int | None = None) -> list[Question]:
        """What waits for a person's answer, oldest first: of some tasks, of an execution, or all."""
        return await self.read(questions.open_questions, tasks=tasks, execution=execution)

    async def answer(self, asked: Sequence[int], given: Given) -> list[Answered]:
        """Answer questions by their ids, each on its own; what has all its answers goes on, with an engine started where none lives.

        Raises EngineDidNotStart, once the answers are kept.
        """
        answered = await self.database.write(questions.answer, asked, given, self.actor, self._clock.now())
        done = {one.question.task for one in answered if one.error is None and one.question is not None}
        if done and done - {one.task for one in await self.questions(tasks=list(done))}:
            await self.ensure_engine()
        return answered

    # Loops

    async def loops(self, *, limit: int = 50) -> list[LoopSeries]:
        """Loops with their passes (without what these wrote): those that have not ended first, then the newest."""
        return await self.read(views.loops_seen, limit)

    async def loop(self, task: int) -> LoopSeries:
        """The loop of a task, with all that its passes wrote. Raises NotFound."""
        return await self.read(views.loop, task)

    async def resume_loop(self, task: int, limits: queue.LoopLimits | None = None) -> Status:
        """Let a loop that has ended go on after its last finished pass. Raises ChangeRefused, NotFound."""
        seconds = self.loaded.settings.loop.timeout_seconds
        return await self.database.write(queue.resume_loop, task, limits or queue.LoopLimits(), seconds, self.actor, self._clock.now())

    # Looking

    async def tasks(self, filter: TaskFilter | None = None, *, limit: int = 50, offset: int = 0) -> list[Task]:
        """Tasks that the filter lets through, in its order."""
        return await self.read(filtered, filter or TaskFilter(), limit, offset, self._clock.now())

    async def task(self, task: int) -> TaskDetail:
        """A task with all that belongs to it. Raises NotFound."""
        return await self.read(views.detail, task)

    async def audit(self, *, task: int | None = None, since_id: int = 0, limit: int = 1000) -> list[AuditEvent]:
        """Rows of the audit after `since_id`, oldest first."""
        return await self.read(views.audit, task=task, since_id=since_id, limit=limit)

    async def verify_audit(self, known: str | None = None) -> Verified:
        """Whether the audit is as it was sealed, and if not, what is wrong with the first group that is not; `known`: an earlier last seal."""
        return await self.read(seals.verify, known)

    async def status(self, *, read_settings: bool = True) -> ProjectStatus:
        """The project at a glance. The settings, which take 70 ms to load, are only read for the limit that a next engine would have."""
        totals = await self.read(views.status, self._clock.now())
        engine = self.engine()
        row = next((row for row in totals.engines if engine is not None and row.id == engine), None)
        return ProjectStatus(
            project=self.folder,
            engine=EngineInfo(row.id, row.pid, row.host, row.since) if row else None,
            counts=totals.counts,
            agents_busy=totals.agents_busy,
            agents_limit=(row.limit if row else 0) or totals.agents_limit or (self.loaded.settings.swarm.max_agents if read_settings else None),
            tokens_today=totals.tokens_today,
            cost_today_usd=totals.cost_today_usd,
            asking=totals.asking,
            hold=totals.hold,
            restarting_since=None if row else self.restarting_since(),
            trouble=engines.trouble_of(self.place.data, row.id) if row else None,
        )

    # Templates

    async def templates(self) -> list[TemplateRecord]:
        """Every version of every template, preferred versions first, with how it has done here."""
        uses = await self.read(template_uses)
        templates = await asyncio.to_thread(lambda: self.workbench.registry.templates())
        return [(template, uses.get((template.name, template.version), TemplateUse())) for template in templates]

    async def register_template(self, text: str, *, file: str = "-", for_user: bool = False) -> "Registered":
        """Keep a template, TOML or JSON, in the project, or for the user in all projects. Raises TemplateInvalid, VersionTaken."""
        return await asyncio.to_thread(lambda: self.workbench.template_files.register(text, file, "user" if for_user else "project"))

    async def remove_template(self, name: str) -> Template:
        """Take away the file of `[project:|user:]NAME[@VERSION]`; what is queued goes on as planned. Raises NotFound, TemplateFixed."""
        return await asyncio.to_thread(lambda: self.workbench.template_files.remove(name))

    async def library_changes(self) -> AsyncGenerator[Notice, None]:
        """What each saved file of a template or agent definition has brought, once it counts; never ends: close it."""
        from abathur_tui.library.watching import watch  # with it jinja and pydantic, which looking need not pay

        async with aclosing(watch(await asyncio.to_thread(lambda: self.workbench.registry))) as changes:
            async for notices in changes:
                for notice in notices:
                    yield notice

    # The engine

    def engine(self) -> str | None:
        """The id of the active engine on this host; None where none lives."""
        return engines.active_engine(self.place.data)

    def restarting_since(self) -> float | None:
        """Since when (Unix seconds) an engine of this host that died is being started again by its guard; None where none is."""
        return engines.restarting_since(self.place.data)

    def engine_trouble(self) -> Trouble | None:
        """What the active engine of this host waits for; None where it waits for nothing."""
        engine = self.engine()
        return None if engine is None else engines.trouble_of(self.place.data, engine)

    async def ensure_engine(self) -> EngineInfo:
        """An engine that works off the queue, started where none lives, with this environment's keys. Raises EngineDidNotStart."""
        info = await launch.ensure_engine(self.folder, self.place.data, keys=await asyncio.to_thread(self._keys))
        await self.hand_over_keys()
        return info

    async def ensure_engine_for(self, executions: Sequence[int]) -> None:
        """The same, where one of these has not ended. Raises EngineDidNotStart, NotFound."""
        for execution in executions:
            if (await self.execution(execution)).status not in ENDED:
                await self.ensure_engine()
                return

    async def start_engine(self, *, stay: bool = False, drain: bool = False, standby: bool = False, attended: str = "") -> StartedEngine:
        """An engine of one's own; see `engine.launch`. Raises EngineDidNotStart."""
        keys = await asyncio.to_thread(self._keys)
        return await launch.start_engine(self.folder, self.place.data, keys=keys, stay=stay, drain=drain, standby=standby, attended=attended)

    async def stop_engine(self, tell: Callable[[str], None] = lambda _: None) -> bool:
        """Stop the active engine; its tasks go back to the queue. False where none lived. `tell` gets what holds it up. Raises EngineDidNotStop."""
        return await launch.stop_engine(self.place.data, tell)

    async def engine_ended(self) -> bool:
        """Waits until no engine of this host is active, nor started again by its guard; gives whether the last one has ended in order."""
        return await engine_ended(self.patience, self._clock)

    async def succeeded(self, engine: str) -> None:
        """Waits until another engine of this host is active in the place of this one."""
        await succeeded(self.patience, engine)

    async def drained(self) -> Exit | None:
        """Waits until nothing is left that an engine could run; how a drain ends. None where the engine has ended, or died, before that."""
        return await drained(self.patience, self._clock)

    async def hand_over_keys(self) -> bool:
        """Give this environment's API keys to the active engine, which then tries again what an account had refused. False where it took none."""
        return await asyncio.to_thread(lambda: self.workbench.hand_over_keys(self.place.data))

    def _keys(self) -> dict[str, str]:
        return self.workbench.keys()

    def _planned(self, text: str, wish: Wish) -> tuple[Plan, SubmitOptions]:
        workbench = self.workbench  # once: it looks each time whether the settings have changed
        plan = workbench.plan(text, wish)
        return plan, workbench.options(plan, wish, actor=self.actor)

    async def _queued(self, plan: Plan, options: SubmitOptions, key: Key | None) -> Submitted:
        if key is None:
            return await self.database.write(queue.submit, plan, options, self._clock.now())
        (submitted,) = await self.database.write(queue.submit_once, key, [(plan, options)], self._clock.now())
        return submitted

    async def _finish(self, submitted: Submitted) -> ExecutionResult:
        await self.attended(submitted.execution, self._watch_to_end(submitted.execution))
        return await self.result(submitted.execution)

    async def _watch_to_end(self, execution: int) -> None:
        async for _ in self.watch(execution):
            pass

    async def _attend(self, execution: int, answers: bool, starts: bool) -> None:
        if starts:
            await self.ensure_engine()
        await attend(
            self.patience,
            execution,
            clock=self._clock,
            engine_lives=lambda: self.engine() is not None,
            ensure_engine=self.ensure_engine if starts else None,
            answers=answers,
        )


def _leave_in_order(c: Connection, now: float) -> None:
    """What an engine does all the time where one is there: note a clock that was set back, and seal what was added."""
    eras.note_set_back(c, now)
    seals.seal_some(c, now)
