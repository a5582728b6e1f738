"""Resources: what engine, agents and their commands take together is measured again and again, and new agents start as it allows."""

import asyncio
import contextlib
import math
from collections.abc import Callable
from dataclasses import replace
from sqlite3 import Connection
from typing import Concatenate, NamedTuple, ParamSpec

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.errors import AbathurError
from abathur_tui.domain.quantities import bytes_text
from abathur_tui.domain.resources import ONE_AT_A_TIME, OPEN, Gate, Sample, Starts, gate_for
from abathur_tui.engine import heap
from abathur_tui.engine.log import EngineLog
from abathur_tui.engine.patient import PatientDatabase
from abathur_tui.processes import Child, Children, Meter, Usage, machine
from abathur_tui.settings.model import Resources as ResourceSettings
from abathur_tui.storage import journal, swarm
from abathur_tui.storage.queue import Room

P = ParamSpec("P")

SAMPLE_SECONDS = 5.0
"""How often all of it is measured, at least."""
HELD_UP_SECONDS = 1.0
"""The same while agents are held up, so that none waits for longer than it must, and after many have started at once."""
GLANCE_SECONDS = 0.1
"""How often it is asked what the machine has left while programs run, and how soon after a look the next one comes at the earliest."""
_CLOSER = 0.25
"""The next look comes when so much of what was left below the limit may be taken."""
_LEAST_CLOSER_BYTES = 16 * 1024 * 1024
"""Less than this is no reason to look again."""
_LOOKING_SHARE = 0.2
"""Of the time is spent on looking, at most."""
_GROWN = 0.01
"""Of the limit: what has grown by more since an agent was stopped does not wait for what that frees."""
MANY = 10
"""So many that have started programs since the last look are a reason not to wait as long for the next."""
SOON_SECONDS = 0.2
"""The next look comes so soon where programs wait for it: by then those that have just started have taken the most of what they take."""
LEAST_PROGRAM_BYTES = 64 * 1024 * 1024
"""A program that was not measured yet is not taken to be smaller than this."""
_FORGETS = 0.8
"""What is left, after the longest time between two looks, of what the largest program took."""
COMMANDS_SECONDS = 1.0
"""How often commands are measured, where each has a limit."""
_COMMANDS_SHARE = 0.1
"""Of the cores: commands that take less are not what holds agents up."""
_RESTING_SECONDS = 60.0
"""How often a measurement is kept while nobody works."""


class Resources:
    """What is taken of the machine. `watch` is a task of the engine's."""

    def __init__(
        self,
        engine: str,
        database: PatientDatabase,
        children: Children,
        settings: ResourceSettings,
        clock: Clock,
        log: EngineLog,
        changed: Callable[[], None],
        sample_seconds: float = SAMPLE_SECONDS,
    ) -> None:
        """Nothing is measured yet, and agents start freely. `changed` is called when another number of them may start."""
        self.room = _room(settings)
        self._engine = engine
        self._database = database
        self._children = children
        self._command_limit = settings.command_memory_limit
        self._clock = clock
        self._log = log
        self._changed = changed
        self._every = sample_seconds
        self._gate = OPEN
        self._started = 0
        """Agents since the last look."""
        self._programs = 0
        """Those of them that are programs."""
        self._seen: frozenset[int] = frozenset()
        """The programs that were measured at the last look, by process."""
        self._largest = 0.0
        """What the largest program has taken, in bytes; 0: none was measured yet."""
        self._waited_for = asyncio.Event()
        """Programs wait for the next look."""
        self._looked = _Look(clock.monotonic(), 0.0, 0, machine.free_bytes())
        self._pause = sample_seconds
        """Until the next look, if nothing brings it on."""
        self._let_one_at = self._stopped_at = self._kept_at = float("-inf")
        """Monotonic."""
        self._stopped_bytes = 0
        """What was taken when an agent was stopped last."""

    def use(self, settings: ResourceSettings) -> None:
        """These limits hold from the next look on, which comes soon."""
        self.room = replace(_room(settings), memory_taken=self.room.memory_taken)
        self._waited_for.set()
        self._command_limit = settings.command_memory_limit

    @property
    def gate(self) -> Gate:
        """How agents start now."""
        return self._gate

    def may_start(self, wanted: int) -> int:
        """How many of so many agents may start now."""
        match self._gate.starts:
            case Starts.FREELY:
                return wanted
            case Starts.ONE:
                return min(wanted, max(1 - self._started, 0))
            case Starts.NONE:
                return 0

    def may_run(self, wanted: int, at_work: int) -> int:
        """How many of so many programs may start now, beside those that are at work.

        Each that was not measured yet is taken to be as large as the largest one was, and not to be small: together they must stay below where
        agents start one at a time. The next look comes soon where some have to wait for it.
        """
        seen = sum(child.pid in self._seen for child in self._children.running)
        unseen = min(max(at_work - seen, 0), self._programs)
        room = ONE_AT_A_TIME * self.room.memory_bytes - self.room.memory_taken
        fit = max(int(room / max(self._largest, LEAST_PROGRAM_BYTES)), 1)
        allowed = min(wanted, max(fit - unseen, 0))
        if allowed < wanted:
            self._waited_for.set()
        return allowed

    def started(self, agents: int, programs: int) -> None:
        """So many have started, of which so many are programs."""
        self._started += agents
        self._programs += programs

    async def watch(self, busy: Callable[[], bool], exhausted: Callable[[str, int], None]) -> None:
        """Measure until cancelled. `exhausted` is told what is so when memory has reached its limit, and how many agents must end for it."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_commands())
            meter = Meter()
            await self._measured(meter)  # what was used before counts for nothing
            while True:
                await self._rest()
                await asyncio.to_thread(heap.give_back)  # what nobody uses any more must hold nobody up
                began, free = self._clock.monotonic(), machine.free_bytes()
                if (usage := await self._measured(meter)) is not None:
                    self._plan_next(_Look(began, self._clock.monotonic() - began, usage.memory_bytes, free))
                    await self._look(usage, busy=busy(), exhausted=exhausted)

    def _plan_next(self, look: "_Look") -> None:
        """When to look again: the sooner, the nearer to the limit all of it is and the faster it grows."""
        passed, grown = look.at - self._looked.at, look.taken - self._looked.taken
        left = max(self.room.memory_bytes - look.taken, 0)
        closer = _CLOSER * left * passed / grown if grown > 0 else self._every
        self._pause = min(closer if left else SOON_SECONDS, self._every)
        self._largest *= _FORGETS ** (passed / self._every)
        self._looked = look

    async def _rest(self) -> None:
        """Until the next look."""
        loop = asyncio.get_running_loop()
        began, step = loop.time(), min(GLANCE_SECONDS, self._every)
        least = max(step, self._looked.took / _LOOKING_SHARE)
        while True:
            programs = any(not child.service for child in self._children.running)
            brought_on = self._gate != OPEN or (programs and self._started >= MANY)
            pause = max(least, min(self._pause, HELD_UP_SECONDS) if brought_on else self._pause)
            left = began + pause - loop.time()
            if left <= 0:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(step, left) if programs else min(left, HELD_UP_SECONDS)):
                    await self._waited_for.wait()
            if self._waited_for.is_set():
                await asyncio.sleep(min(SOON_SECONDS, self._every))
                return
            if programs and loop.time() - began >= least and self._may_be_closer():
                return

    def _may_be_closer(self) -> bool:
        """Whether the machine has less left than at the last look by so much that it matters, whoever has taken it."""
        free = machine.free_bytes()
        if free is None or self._looked.free is None:
            return False
        left = self.room.memory_bytes - self._looked.taken
        return self._looked.free - free > max(_CLOSER * left, _LEAST_CLOSER_BYTES)

    async def _measured(self, meter: Meter) -> Usage | None:
        """What is taken; None where the system does not tell."""
        try:
            return await asyncio.to_thread(meter.read, self._children.running)
        except Exception as error:  # whatever the system does not let us see, the work goes on without it
            self._log.warning("resources.not_measured", repr(error))
            return None

    async def _look(self, usage: Usage, *, busy: bool, exhausted: Callable[[str, int], None]) -> None:
        """Decide by a measurement, and keep it."""
        self.room = replace(self.room, memory_taken=usage.memory_bytes)
        self._seen = frozenset(child.pid for child in self._children.running if not child.service and child.pid in usage.by_child)
        largest = max((usage.by_child[process] for process in self._seen), default=0)
        self._largest = max(largest, self._largest)
        waited, self._programs = self._waited_for.is_set(), 0
        self._waited_for.clear()
        gate = gate_for(usage.memory_bytes / self.room.memory_bytes, self._cores_share(usage))
        taken = (usage.memory_bytes, self.room.memory_bytes, usage.cores, self.room.cores, usage.processes)
        sample = Sample(self._clock.now(), self._engine, *taken, gate=gate)
        before, self._gate = self._gate, gate
        now, often = self._clock.monotonic(), min(self._every, HELD_UP_SECONDS)
        if gate.starts is not Starts.ONE or now - self._let_one_at >= often:
            self._started, self._let_one_at = 0, now
        if busy or waited or gate != before:
            self._changed()  # there may be room for what was set aside, or for one more
        if gate != before or now - self._kept_at >= (often if busy else _RESTING_SECONDS):
            self._kept_at = now
            await self._write(_keep, sample, before)
        grown = usage.memory_bytes > self._stopped_bytes + _GROWN * self.room.memory_bytes
        if sample.exhausted and (grown or any(usage.by_child[pid] for pid in self._seen) or now - self._stopped_at >= often):
            self._stopped_at, self._stopped_bytes = now, usage.memory_bytes
            exhausted(f"all together take {_memory(sample)}", self._too_many(usage))

    def _too_many(self, usage: Usage) -> int:
        """How many programs of the usual size take what there is too much of."""
        programs = [usage.by_child[pid] for pid in self._seen]
        if not any(programs):
            return 1
        over = usage.memory_bytes - self.room.memory_bytes
        return max(math.ceil(over * len(programs) / sum(programs)), 1)

    def _cores_share(self, usage: Usage) -> float:
        """Of the limit; what the engine takes alone holds nobody up: it is spent on starting and ending agents, and is a core at most."""
        worth_a_look = usage.children_cores > _COMMANDS_SHARE * self.room.cores
        return (usage.cores or 0) / self.room.cores if worth_a_look else 0.0

    async def _watch_commands(self) -> None:
        meter = Meter()
        while True:
            await asyncio.sleep(min(COMMANDS_SECONDS, self._every))
            limit = self._command_limit
            children = [child for child in self._children.running if not child.service] if limit is not None else []
            if limit is not None and children and (usage := await self._measured(meter)) is not None:
                for child in children:
                    if (taken := usage.by_child.get(child.pid, 0)) > limit:
                        await self._end_command(child, taken, limit)

    async def _end_command(self, child: Child, taken: int, limit: int) -> None:
        reason = f"The command took {bytes_text(taken)} of memory, more than its limit of {bytes_text(limit)}, and was ended."
        child.end_for(reason)
        self._log.warning("command.ended", reason, process=child.pid)
        await self._write(_tell, "swarm.command_ended", reason, self._engine, self._clock)

    async def _write(self, operation: Callable[Concatenate[Connection, P], None], *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await self._database.write(operation, *args, **kwargs)
        except AbathurError as error:  # the engine's own writes meet the same trouble, and say what follows
            self._log.warning("resources.not_kept", error.message, code=error.code)


class _Look(NamedTuple):
    """A look at what is taken."""

    at: float
    """Monotonic."""
    took: float
    """Seconds."""
    taken: int
    free: int | None
    """What the machine had left."""


def _room(settings: ResourceSettings) -> Room:
    """What there is to give; nothing is taken of it yet."""
    return Room(settings.memory_limit or machine.memory_bytes(), settings.cpu_limit or machine.cores())


def _keep(c: Connection, sample: Sample, before: Gate) -> None:
    swarm.keep_sample(c, sample)
    if sample.gate != before:
        level = "info" if sample.gate == OPEN else "warning"
        _say(c, "swarm.gate", level, _decision(sample), sample.engine, sample.at)


def _tell(c: Connection, action: str, text: str, engine: str, clock: Clock) -> None:
    _say(c, action, "warning", text, engine, clock.now())


def _say(c: Connection, action: str, level: str, text: str, engine: str, now: float) -> None:
    """Where the user sees it, and where it stays."""
    journal.notice(c, level, text, now)
    swarm.audit(c, action, text, {}, "engine", now, engine=engine)


def _decision(sample: Sample) -> str:
    taken = _memory(sample) if sample.gate.why == "memory" else f"{sample.cores or 0:.1f} of {sample.cores_limit:g} cores"
    match sample.gate.starts:
        case Starts.FREELY:
            return f"Agents start freely again: {_memory(sample)}, {sample.cores or 0:.1f} of {sample.cores_limit:g} cores are taken."
        case Starts.ONE:
            return f"Agents start one at a time: {taken} are taken, more than 80 %."
        case Starts.NONE:
            return f"No agent starts: {taken} are taken, more than 90 %."


def _memory(sample: Sample) -> str:
    return f"{bytes_text(sample.memory_bytes)} of {bytes_text(sample.memory_limit)} of memory"
