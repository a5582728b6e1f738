"""The swarm: the agents that run now, how many there may be, and whether new ones start."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING

from abathur_tui.domain.clock import Clock, iso
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import ArgumentInvalid, NotFound
from abathur_tui.domain.ids import AgentId, agent_text
from abathur_tui.domain.leases import Hold
from abathur_tui.domain.resources import Sample
from abathur_tui.domain.sharing import Entry
from abathur_tui.domain.tasks import Agent, AuditEvent
from abathur_tui.domain.templates import MADE
from abathur_tui.project.answers import execution_name, hold_data, task_name
from abathur_tui.storage import sharing, swarm, views
from abathur_tui.storage.copying import new_file
from abathur_tui.storage.files import make_folders
from abathur_tui.storage.views.templates import kept_text

if TYPE_CHECKING:
    from abathur_tui.project.project import Project

MOST_AGENTS = 500
_STATES = ("SPAWNING", "IDLE", "BUSY", "FAILED", "TERMINATING")


@dataclass(frozen=True, slots=True)
class SwarmStatus:
    """The swarm at a glance."""

    hold: Hold | None
    """Why no task is given to an agent; None where they are."""
    states: Mapping[str, int]
    """How many agents are in which state, those that have ended left out."""
    busy: int
    limit: int
    engine: str | None
    """The active one's id."""
    resources: Sample | None
    """What was taken of the machine a moment ago; None where no engine works."""

    def data(self) -> JsonObject:
        """What `swarm status --json` gives."""
        return {
            "claiming": self.hold is None,
            "queue": hold_data(self.hold),
            "engine": self.engine,
            "agents": {"busy": self.busy, "limit": self.limit, "states": {state: self.states.get(state, 0) for state in _STATES}},
            "resources": resources_data(self.resources),
        }


@dataclass(frozen=True, slots=True)
class AgentDetail:
    """An agent with what it did."""

    agent: Agent
    events: Sequence[AuditEvent]
    children: Sequence[Agent]
    """Its sub-agents, of those that live."""

    def data(self) -> JsonObject:
        """What `agent show --json` gives."""
        from_events: list[JsonObject] = [
            {"at": iso(event.at), "actor": event.actor, "action": event.action, "task": task_name(event.task), "detail": event.detail}
            for event in self.events
        ]
        return agent_data(self.agent) | {"children": [agent_text(AgentId(child.id)) for child in self.children], "events": [*from_events]}


class SwarmDesk:
    """What a project says of its swarm, and takes orders for it."""

    def __init__(self, project: "Project", clock: Clock) -> None:
        """`Project.swarm` makes it."""
        self._project = project
        self._clock = clock

    async def status(self) -> SwarmStatus:
        """The swarm at a glance."""
        project = self._project
        states = await project.read(views.agent_states)
        status = await project.status()
        assert status.agents_limit is not None
        engine = None if status.engine is None else status.engine.id
        return SwarmStatus(status.hold, states, status.agents_busy, status.agents_limit, engine, await self.resources())

    async def keep(self, agent: int) -> Path:
        """The file in which the definition that was made for an agent's run is kept from now on. Raises NotFound, ArgumentInvalid."""
        project = self._project
        who = (await self.agent(agent)).agent
        text = await project.read(kept_text, who.execution, f"{MADE}{who.definition}")
        if text is None:
            raise NotFound(f"{agent_text(AgentId(agent))} is {who.definition}, for which no definition was made.", hint="It has a file already.")
        file = project.folder / ".claude" / "agents" / f"{who.definition}.md"
        await asyncio.to_thread(_write_once, file, text)
        return file

    async def resources(self) -> Sample | None:
        """What engine, agents and their commands take of the machine, as it was measured last; None where no engine works."""
        newest = await self._project.read(swarm.samples, 1)
        return newest[0] if newest and newest[0].engine == await asyncio.to_thread(self._project.engine) else None

    async def shared(self, execution: int) -> list[Entry]:
        """What the agents of an execution share, by key. Raises NotFound."""
        return await self._project.read(_shared, execution)

    async def samples(self, limit: int = swarm.KEPT_SAMPLES) -> list[Sample]:
        """The newest measurements, the newest first: one every five seconds while anybody works."""
        return await self._project.read(swarm.samples, limit)

    async def start(self) -> bool:
        """Let tasks be given to agents again; False where they were all the time."""
        return await self._project.resume_queue()

    async def stop(self) -> bool:
        """Give no more tasks to agents; what runs goes on. False where it was so already."""
        return await self._project.pause_queue()

    async def scale(self, agents: int) -> None:
        """So many agents at once from now on, also in engines to come. Raises ArgumentInvalid outside of 1 to 500."""
        if not 1 <= agents <= MOST_AGENTS:
            raise ArgumentInvalid(f"A swarm has 1 to {MOST_AGENTS} agents, not {agents}.", hint="abathur swarm scale 20")
        await self._project.database.write(swarm.scale, agents, self._project.actor, self._clock.now())

    async def agents(self, *, ended: bool = False, limit: int = 500) -> list[Agent]:
        """Agents that live, parents before their children; with `ended`, then the newest of those that have ended."""
        return await self._project.read(views.agents, limit, ended=ended)

    async def agent(self, agent: int) -> AgentDetail:
        """An agent with what it did. Raises NotFound."""
        return await self._project.read(_detail, agent)


def resources_data(sample: Sample | None) -> JsonObject | None:
    """A measurement; null where there is none."""
    if sample is None:
        return None
    return {
        "at": iso(sample.at),
        "memory": {"bytes": sample.memory_bytes, "limit": sample.memory_limit},
        "cpu": {"cores": None if sample.cores is None else round(sample.cores, 3), "limit": sample.cores_limit},
        "processes": sample.processes,
        "starts": sample.gate.starts.name.lower(),
        "why": sample.gate.why,
    }


def agent_data(agent: Agent) -> JsonObject:
    """An agent, as lists give it."""
    return {
        "id": agent_text(AgentId(agent.id)),
        "parent": None if agent.parent is None else agent_text(AgentId(agent.parent)),
        "execution": execution_name(agent.execution),
        "task": task_name(agent.task),
        "task_name": agent.task_name,
        "definition": agent.definition,
        "state": agent.state,
        "since": iso(agent.changed_at),
        "reason": agent.reason,
        "activity": agent.activity,
        "turn": agent.turn,
        "tokens": {"input": agent.tokens_input, "output": agent.tokens_output},
        "cost_usd": agent.cost_usd,
        "engine": agent.engine,
        "host": agent.host,
        "started_at": iso(agent.started_at),
        "ended_at": iso(agent.ended_at),
    }


def in_tree_order(agents: Sequence[Agent]) -> list[tuple[int, Agent]]:
    """Each agent with its depth, children right after their parents; one whose parent is not among them stands at the top."""
    ids = {agent.id for agent in agents}
    children: dict[int | None, list[Agent]] = {}
    for agent in agents:
        children.setdefault(agent.parent if agent.parent in ids else None, []).append(agent)
    stack = [(0, agent) for agent in reversed(children.get(None, []))]
    ordered = []
    while stack:
        depth, agent = stack.pop()
        ordered.append((depth, agent))
        stack += [(depth + 1, child) for child in reversed(children.get(agent.id, []))]
    return ordered


def entry_data(entry: Entry) -> JsonObject:
    """A value that agents share."""
    return {"key": entry.key, "value": entry.value, "version": entry.version, "written_by": entry.written_by, "written_at": iso(entry.written_at)}


def _shared(c: Connection, execution: int) -> list[Entry]:
    views.execution(c, execution)
    return sharing.entries(c, execution)


def _detail(c: Connection, id: int) -> AgentDetail:
    agent = views.agent(c, id)
    children = [other for other in views.agents(c) if other.parent == id]
    return AgentDetail(agent, views.audit(c, agent=id), children)


def _write_once(file: Path, text: str) -> None:
    """Raises ArgumentInvalid where something else is there."""
    make_folders(file.parent)
    try:
        with new_file(file) as draft:
            draft.write_text(text, encoding="utf-8")
            draft.chmod(0o644)
    except ArgumentInvalid:
        if file.is_symlink() or file.read_text("utf-8", "replace") != text:
            raise ArgumentInvalid(f"{file} is there already, and says something else.", hint="Move it away, or keep that one.") from None
