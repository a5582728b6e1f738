"""Sub-agents: an agent gives part of its work to others through a tool, waits for them without a slot, and gets their results.

Each is a task inside the agent's own. What a call has made is in the database, so a conversation that goes on after a crash waits for
what it had asked for, and asks for nothing twice.
"""

import asyncio
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from sqlite3 import Connection

from abathur_tui.domain.conversation import ToolDefinition, ToolOutcome
from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.domain.ids import TaskId, task_text
from abathur_tui.domain.leases import Claim, Work
from abathur_tui.domain.plan import Kind, PlanNode
from abathur_tui.domain.status import Status, Why
from abathur_tui.engine.slots import Slot
from abathur_tui.engine.task_tool import Refused, text_in
from abathur_tui.engine.watchdog import TimeLimit
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import queue, subagents, views
from abathur_tui.storage.subagents import Asked, Place

NAME = "spawn_agent"
MOST_AT_ONCE = 50
"""Sub-agents of one turn."""
_LONGEST_RESULT = 60_000
_LONGEST_NAME = 60
_MADE_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class _Wish:
    prompt: str
    name: str
    agent: str
    role: str | None
    """The definition's text, where it was made up."""
    tools: tuple[str, ...]


def is_one(work: Work) -> bool:
    """Whether a task was made for a sub-agent."""
    return work.pass_number is not None and work.pass_number < subagents.NUMBERS_BELOW


class Seat:
    """An agent's place at work: its slot, and the time that it may hold it."""

    def __init__(self, shop: Workshop, claim: Claim, slot: Slot | None) -> None:
        """It holds the slot."""
        self.limit: TimeLimit | None = None
        """How long it may hold it; None: no limit."""
        self._shop = shop
        self._claim = claim
        self._slot = slot

    def leave(self) -> None:
        """Others may work; no time passes."""
        if self.limit is not None:
            self.limit.pause()
        if self._slot is not None:
            self._slot.release()

    async def come_back(self) -> None:
        """Wait for a slot, and go on. Raises LeaseLost."""
        if self._slot is not None:
            await self._slot.regain(self._claim.priority)
        if self.limit is not None:
            self.limit.go_on()
        await self._shop.database.write(lambda c: queue.unpark(c, self._claim.lease, self._shop.clock.now()))


class Spawner:
    """The tool of one agent."""

    def __init__(
        self, shop: Workshop, claim: Claim, work: Work, seat: Seat, place: Place | None, tools: Collection[str], agent: Callable[[], int | None]
    ) -> None:
        """`place` is the agent's own, `tools` are those that it may use itself, `agent` gives its id."""
        self._shop = shop
        self._claim = claim
        self._work = work
        self._seat = seat
        self._depth = 1 + (0 if place is None else place.depth)
        self._tools = tuple(tools)
        self._agent = agent

    @property
    def definition(self) -> ToolDefinition:
        """What to do, and who does it."""
        return ToolDefinition(
            NAME,
            "Give a part of your work to a sub-agent and get its result. Calls of one turn run side by side. "
            "Name an `agent`, or make up a `role` with `instructions`. It knows nothing but its `prompt`.",
            {
                "type": "object",
                "properties": {
                    "prompt": {"type": "string"},
                    "agent": {"type": "string", "description": "One of " + ", ".join(self._shop.registry.agent_names())},
                    "role": {"type": "string", "description": "A short name"},
                    "instructions": {"type": "string"},
                    "tools": {"type": "array", "items": {"type": "string"}, "description": "Fewer than your own"},
                },
                "required": ["prompt"],
            },
        )

    async def run(self, arguments: JsonObject) -> ToolOutcome:
        """Calls are run together, by `run_all`."""
        raise NotImplementedError

    async def run_all(self, turn: int, calls: Mapping[str, JsonObject]) -> dict[str, ToolOutcome]:
        """The outcomes of a turn's calls, each by the call's id. Raises LeaseLost."""
        outcomes: dict[str, ToolOutcome] = {}
        wishes: dict[str, _Wish] = {}
        for place, (call, arguments) in enumerate(calls.items()):
            try:
                if place >= MOST_AT_ONCE:
                    raise Refused(f"At most {MOST_AT_ONCE} sub-agents work for one turn.")
                wishes[call] = self._wish(arguments)
            except Refused as refused:
                outcomes[call] = ToolOutcome(str(refused), is_error=True, summary="refused")
        if wishes:
            tasks = await self._shop.database.write(self._begin, turn, wishes)
            self._seat.leave()
            ended = await asyncio.gather(*(self._shop.endings.ended(task) for task in tasks.values()))
            await self._seat.come_back()
            for call, task in zip(tasks, ended, strict=True):
                result: str | None = await self._shop.database.read(views.result, task.id)
                outcomes[call] = _outcome(task.id, task.status, result, "" if task.error is None else task.error.message)
        return outcomes

    def _begin(self, c: Connection, turn: int, wishes: Mapping[str, _Wish]) -> dict[str, int]:
        """The task of each call: that of an earlier engine where there is one, else a new one; the agent's own waits for them."""
        now = self._shop.clock.now()
        tasks: dict[str, int] = {}
        for call, wish in wishes.items():
            asked = Asked(turn, call)
            task = subagents.made_by(c, asked)
            if task is None:
                agent = wish.agent if wish.role is None else subagents.keep_role(c, self._claim.execution, wish.agent, wish.role)
                task = subagents.add(c, self._claim.lease, self._node(wish, agent), asked, Place(self._agent(), self._depth, wish.tools), now)
            tasks[call] = task
        queue.park(c, self._claim.lease, Why.CHILDREN, now)
        return tasks

    def _node(self, wish: _Wish, agent: str) -> PlanNode:
        return PlanNode(
            id="sub-agent",
            name=wish.name,
            kind=Kind.AGENT,
            template=None,
            template_version=None,
            agent=agent,
            prompt="{{ prompt }}",
            parameters={"prompt": wish.prompt},
            depth=self._work.depth + 1,
            priority=self._claim.priority,
            tags=self._work.task.tags,
            model=self._work.model,
        )

    def _wish(self, arguments: JsonObject) -> _Wish:
        most = self._shop.settings.swarm.max_depth
        if self._depth > most:
            raise Refused(f"Sub-agents may be {most} deep (`swarm.max_depth`), and you are at that depth: do it yourself.")
        prompt = text_in(arguments, "prompt")
        agent, role, instructions = (text_in(arguments, name, "") for name in ("agent", "role", "instructions"))
        if not prompt:
            raise Refused("The argument prompt must say what is to be done.")
        if bool(agent) == bool(role):
            raise Refused("Name either an agent or a role.")
        tools = self._narrowed(arguments.get("tools"))
        name = " ".join(prompt.split())[:_LONGEST_NAME]
        if agent:
            definition = self._shop.registry.agent(agent)
            if definition is None:
                raise Refused(f"There is no agent {agent!r}. There are: {', '.join(self._shop.registry.agent_names())}; or make up a role.")
            return _Wish(prompt, name, definition.name, None, tools)
        made = _MADE_NAME.sub("-", role.lower()).strip("-")[:_LONGEST_NAME] or "helper"
        if self._shop.registry.agent(made) is not None:
            made += "-made"  # what is defined keeps its name
        return _Wish(prompt, name, made, _made(made, role, instructions, tools), tools)

    def _narrowed(self, named: JsonValue) -> tuple[str, ...]:
        """The tools that a sub-agent may use: those that the call names, and all of its parent's where it names none."""
        if named is None:
            return self._tools
        if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
            raise Refused("The argument tools must be a list of names.")
        wider = [str(name) for name in named if name not in self._tools]
        if wider:
            raise Refused(f"You may not use {', '.join(wider)} yourself; you have: {', '.join(self._tools) or 'none'}.")
        return tuple(str(name) for name in named)


def _made(name: str, role: str, instructions: str, tools: tuple[str, ...]) -> str:
    """The file of a definition that was made up, as a person may keep it."""
    described = json.dumps(f"{' '.join(role.split())}: made by an agent for one run.", ensure_ascii=False)
    return f"---\nname: {name}\ndescription: {described}\ntools: {json.dumps(list(tools))}\n---\n\n{instructions or f'You are {role}.'}\n"


def _outcome(task: int, status: Status, result: str | None, error: str) -> ToolOutcome:
    name = task_text(TaskId(task))
    if status is Status.COMPLETED:
        text = result or ""
        shown = text if len(text) <= _LONGEST_RESULT else f"{text[:_LONGEST_RESULT]}\n… (cut; all of it is the result of {name})"
        return ToolOutcome(shown or "It answered nothing.", summary=f"{name} completed")
    return ToolOutcome(f"The sub-agent ({name}) is {status}" + (f": {error}" if error else "."), is_error=True, summary=f"{name} {status}")
