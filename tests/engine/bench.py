"""A project with an engine in the test's own process: a real database, a scripted runtime, everything else as it is."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from abathur_tui.domain.clock import Clock, SystemClock
from abathur_tui.domain.conversation import Runtime, Tool
from abathur_tui.domain.errors import Exit
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName, SubmitOptions
from abathur_tui.domain.journal import LogEntry
from abathur_tui.domain.leases import Claim
from abathur_tui.domain.loops import Direction, LoopSpec, ThresholdCriterion
from abathur_tui.domain.plan import Edge, JoinSpec, JoinStrategy, Kind, Need, Plan, PlanNode
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import Task, TaskDetail
from abathur_tui.domain.templates import AgentDefinition, Registry, Template
from abathur_tui.engine.engine import Engine
from abathur_tui.engine.equipment import Equipment, Manner
from abathur_tui.engine.keys import Keys
from abathur_tui.processes import Children
from abathur_tui.settings import Settings
from abathur_tui.settings.model import Queue, Swarm, System
from abathur_tui.storage import Database, engines, queue, views
from abathur_tui.storage.engines import EngineRow
from tests.scripted import ScriptedRuntime, ScriptedTool, tools_by_name
from tests.waiting import eventually_async

T = TypeVar("T")

QUICK = Settings(
    system=System(idle_seconds=600),
    queue=Queue(retry_initial_seconds=0.05, retry_max_seconds=0.2, lease_seconds=5, heartbeat_seconds=1),
    swarm=Swarm(max_agents=4),
)


ANY_CHOICE = RuntimeChoice(RuntimeName.COMMAND, argv=("/bin/true",))
AS_LONG_AS_ASKED = Manner()


class OneRole:
    """A registry in which every agent is the same."""

    def agent(self, name: str) -> AgentDefinition | None:
        """Always there, unless it is called nobody."""
        return None if name == "nobody" else AgentDefinition(name, "", f"You are {name}.")

    def agent_names(self) -> tuple[str, ...]:
        """Only the generalist is known by name."""
        return ("generalist",)

    def template(self, name: str, version: str | None = None) -> Template | None:
        """There is none."""
        return None

    def template_names(self) -> tuple[str, ...]:
        """There is none."""
        return ()

    def versions(self, name: str) -> tuple[str, ...]:
        """There is none."""
        return ()


def node(id: str = "n1", prompt: str = "do it", **changes: object) -> PlanNode:
    """An agent's task."""
    plain = PlanNode(id, id, Kind.AGENT, None, None, "generalist", "{{ prompt }}", {"prompt": prompt})
    return replace(plain, **changes)  # type: ignore[arg-type]


def join_node(id: str, *, threshold: float = 0.8, lead: str | None = None, required: tuple[str, ...] = ()) -> PlanNode:
    """A join."""
    strategy = JoinStrategy.CONCATENATE if lead is None else JoinStrategy.LEAD
    return PlanNode(id, id, Kind.JOIN, None, None, None, "", {}, join=JoinSpec(strategy, threshold, lead, required))


def loop_node(measure: str, *, target: float = 3, direction: Direction = Direction.MAXIMIZE, most: int = 10, **changes: object) -> PlanNode:
    """A loop."""
    spec = LoopSpec(ThresholdCriterion("score", target, direction, measure), most)
    return replace(node("n1"), kind=Kind.LOOP, loop=spec, **changes)  # type: ignore[arg-type]


def settles(join: str, *members: str) -> tuple[Edge, ...]:
    """A join's edges."""
    return tuple(Edge(join, member, Need.SETTLES) for member in members)


@dataclass
class Bench:
    """A project, and what its engine works with."""

    folder: Path
    runtime: ScriptedRuntime
    settings: Settings = QUICK
    registry: Registry = field(default_factory=OneRole)
    tools: Mapping[str, Tool] = field(default_factory=lambda: tools_by_name(ScriptedTool()))
    keys: Keys = field(default_factory=Keys)
    opens: Callable[[RuntimeChoice, Mapping[str, str]], Runtime] | None = None
    choice: RuntimeChoice = ANY_CHOICE
    gone_seconds: float = 5.0
    clock: Clock = field(default_factory=SystemClock)
    sample_seconds: float = 5.0
    most_agents: int | None = None
    children: Children = field(default_factory=Children)
    swarm: dict[str, object] = field(default_factory=dict)
    """Settings of the swarm that are others than `settings` has."""

    def __post_init__(self) -> None:
        self.data = self.folder / ".abathur"
        self.database = Database.open(self.data, create=True)
        (self.data / "logs").mkdir(exist_ok=True)

    def close(self) -> None:
        """Close the project."""
        self.database.close()

    def submit(self, *nodes: PlanNode, edges: Iterable[Edge] = (), root: str | None = None, **options: object) -> list[int]:
        """Queue these nodes as one execution; their task ids in order."""
        plan = Plan(nodes, tuple(edges), root or nodes[-1].id)
        chosen = replace(SubmitOptions(self.choice), **options)  # type: ignore[arg-type]
        submitted = self.database.write_now(queue.submit, plan, chosen, self.clock.now())
        return [submitted.tasks[one.id] for one in nodes]

    def engine(self, manner: Manner = AS_LONG_AS_ASKED, database: Database | None = None, *, release_seconds: float = 10.0) -> Engine:
        """An engine that has not started."""
        equipment = Equipment(
            project=self.folder,
            settings=self.settings.model_copy(update={"swarm": self.settings.swarm.model_copy(update=self.swarm)}),
            registry=self.registry,
            tools=self.tools,
            open_runtime=self._open,
            children=self.children,
            sample_seconds=self.sample_seconds,
            most_agents=self.most_agents,
            keys=self.keys,
            clock=self.clock,
            gone_seconds=self.gone_seconds,
            release_seconds=release_seconds,
        )
        return Engine(database or self.database, equipment, manner)

    @contextlib.asynccontextmanager
    async def running(self, manner: Manner = AS_LONG_AS_ASKED) -> AsyncIterator[Engine]:
        """An engine at work, stopped in order at the end."""
        engine = self.engine(manner)
        work = asyncio.create_task(engine.run())
        try:
            yield engine
        finally:
            engine.stop()
            await work

    async def drain(self, seconds: float = 60.0) -> Exit:
        """Work off the queue."""
        async with asyncio.timeout(seconds):
            return await self.engine(Manner(drain=True)).run()

    def task(self, id: int) -> Task:
        """A task as it stands."""
        return self.database.read_now(views.task, id)

    def detail(self, id: int) -> TaskDetail:
        """All of a task."""
        return self.database.read_now(views.detail, id)

    def result(self, id: int) -> str | None:
        """A task's result."""
        return self.database.read_now(views.result, id)

    async def until(self, id: int, *statuses: Status, seconds: float = 30.0) -> Task:
        """The task, once it has one of these statuses."""
        await eventually_async(lambda: self.task(id).status in statuses, seconds)
        return self.task(id)

    def log(self, id: int) -> Sequence[LogEntry]:
        """A task's log."""
        return self.database.read_now(views.log_since, None, task=id)[0]

    def claim(self, engine: str, host: str | None = None) -> list[Claim]:
        """Claim what there is, as an engine that a test plays itself."""
        now = time.time()
        self.database.write_now(engines.register, EngineRow(engine, 1, host or socket.gethostname(), now), now)
        return self.database.write_now(queue.claim, engine, {self.choice.lane: 100}, 100, now)

    def write(self, operation: Callable[..., T], *args: object) -> T:
        """A write at this moment."""
        return self.database.write_now(operation, *args, self.clock.now())

    def prompts(self) -> list[str]:
        """What the runtime was asked, the last message of each turn."""
        return [request.messages[-1].text for request in self.runtime.requests]

    def _open(self, choice: RuntimeChoice, keys: Mapping[str, str], children: Children) -> Runtime:
        return self.runtime if self.opens is None else self.opens(choice, keys)
