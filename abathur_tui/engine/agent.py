"""An agent at one task: who it is, what it may use, what it is told."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from sqlite3 import Connection

from abathur_tui.domain.conversation import Caller, Limits, Runtime, Tool
from abathur_tui.domain.errors import AgentSilent, UnknownAgent
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.domain.ids import AgentId, ExecutionId, TaskId, agent_text, execution_text, task_text
from abathur_tui.domain.journal import Saved
from abathur_tui.domain.leases import Claim, Work
from abathur_tui.domain.status import Why
from abathur_tui.domain.templates import MADE, AgentDefinition
from abathur_tui.engine import reporting, sharing, subagents
from abathur_tui.engine.budget import allowance
from abathur_tui.engine.conversation import Conversation
from abathur_tui.engine.lanes import at_once
from abathur_tui.engine.plain import GENERALIST, Begun
from abathur_tui.engine.prompting import prompt_of, room_for_prompt
from abathur_tui.engine.slots import Slot
from abathur_tui.engine.steps import BegunTurn, Parties
from abathur_tui.engine.subagents import Seat, Spawner
from abathur_tui.engine.success import complaint, demands
from abathur_tui.engine.swarm import dismiss, engage
from abathur_tui.engine.task_tool import named
from abathur_tui.engine.workshop import Workshop
from abathur_tui.library.agent_file import agent_from_markdown
from abathur_tui.runtimes.models import full_name
from abathur_tui.storage import agents, journal, queue
from abathur_tui.storage import subagents as places
from abathur_tui.storage.records import Text
from abathur_tui.storage.subagents import Place
from abathur_tui.storage.views.templates import kept_text
from abathur_tui.tools.allowed import allowed

_INHERITED = "inherit"
"""What Claude Code's agent files say for no model of their own."""


class AgentJob:
    """One attempt of an agent at a task."""

    def __init__(
        self, shop: Workshop, claim: Claim, work: Callable[[], Work], saved: Saved, begun: Begun | None = None, slot: Slot | None = None
    ) -> None:
        """`work` is asked for when it is needed; `saved`: what earlier attempts have left.

        Nothing has happened yet, but for the turn that was `begun`, in its `slot`.
        """
        self.seat = Seat(shop, claim, slot)
        """Its slot, and the time that it may hold it."""
        self._place: Place | None = None
        """Where it stands among agents, where it is a sub-agent."""
        self._shop = shop
        self._claim = claim
        self._known = work
        self._saved = saved
        self._definition = ""
        self._notice = ""
        self._idle: int | None = None
        self._conversation: Conversation | None = None
        if begun is not None:
            self._definition = begun.start.definition.name
            self._conversation = self._plain_conversation(begun, slot)
        self.answer: str | None = None
        """What it answered, where that is checked before it counts; the agent is idle again then."""

    async def run(self) -> None:
        """Do the task, to its completion. Raises RuntimeFailure, other AbathurErrors that are the task's own failure, and LeaseLost."""
        if self._conversation is not None:
            self._shop.swarm.began()
            try:
                await self._conversation.run()
            finally:
                self._shop.swarm.done()
            return
        shop, work, saved = self._shop, self._work, self._saved
        if subagents.is_one(work):
            self._place = await shop.database.read(places.place_of, self._claim.lease.task)
        definition, self._notice = await self._find_definition()
        self._definition = definition.name
        runtime, limits = await self._reach_runtime()
        model = _model(work.model, work.runtime, definition)
        choice = replace(work.runtime, model=full_name(model, "") or None)
        if choice.lane == self._claim.lane:  # else its definition names another model since it was queued
            shop.slots.limit_lane(choice.lane, at_once(shop.settings.swarm, choice, limits))
        if saved.turns and saved.prompt is not None and saved.system is not None:
            system, prompt = saved.system, saved.prompt
        else:
            system = definition.prompt
            asked = "" if work.success is None else f"\n\n{demands(work.success)}"
            prompt = prompt_of(work, room_for_prompt(limits, system) - len(asked)) + asked
        parties = Parties(
            lease=self._claim.lease,
            caller=self._caller("", work.task.instance, work.task.instances),
            model=model,
            runtime=runtime,
            limits=limits,
            tools=self._tools(definition, work) if limits.tools else {},
            system=system,
            prompt=prompt,
        )
        self._idle = shop.swarm.take(None if self.is_subagent else self._definition)
        try:
            if self._idle is None and (spare := shop.swarm.spare(shop.slots.limit)) is not None:
                await shop.database.write(lambda c: dismiss(c, spare, shop.clock.now()))
            self._conversation = Conversation(
                shop,
                parties,
                saved,
                engage=self._engage,
                conclude=self._conclude,
                allow=await allowance(shop, work.task),
                complaint="" if work.unmet is None else complaint(work.unmet.number, work.unmet.reason),
                stall_seconds=shop.settings.swarm.stall_seconds,
            )
            await self._conversation.run()
        finally:
            shop.swarm.done()
            if self._idle is not None and self._agent is None:
                shop.swarm.give_back(self._idle, self._definition, shop.clock.monotonic())

    async def _reach_runtime(self) -> tuple[Runtime, Limits]:
        """What answers, and what it takes. Raises RuntimeFailure, and AgentSilent where nothing is heard of it."""
        seconds = self._shop.settings.swarm.silent_seconds
        try:
            with self._shop.watchdog.limit(seconds) as limit:
                return await self._shop.runtimes.reach(self._work.runtime)
        except TimeoutError as error:
            if not limit.expired:
                raise
            raise AgentSilent(f"The worker wrote nothing within {seconds:g} seconds of its claim: nothing was heard of its runtime.") from error

    def leave(self, c: Connection, reason: str, now: float) -> None:
        """Part of the transaction that ends an attempt without an answer: what was said is kept."""
        if self._conversation is not None:
            self._conversation.leave(c, reason, now)

    def dismiss(self, c: Connection, now: float, failed: str = "") -> None:
        """Part of the transaction that has ended the attempt, and made the agent idle: it ends; `failed` says why where it broke."""
        if self._agent is not None:
            dismiss(c, self._agent, now, failed=failed)
            self._shop.swarm.ended(self._agent)

    def never_began(self, c: Connection, reason: str, now: float) -> None:
        """Part of the transaction that ends an attempt in which nothing was written: what would have been its agent has failed."""
        if self._agent is None:
            dismiss(c, agents.spawn(c, self._claim.lease, self._definition, None, now), now, failed=reason)

    def let_go(self, c: Connection, reason: str, now: float) -> None:
        """Part of the transaction in which its task goes on without it: it is idle, and what it said is kept."""
        self.leave(c, reason, now)
        if self._agent is not None:
            agents.set_state(c, self._agent, "IDLE", now, reason=reason)

    def rests(self) -> None:
        """The attempt has ended, and its agent is idle."""
        if self._agent is not None and not self.is_subagent:
            self._shop.swarm.give_back(self._agent, self._definition, self._shop.clock.monotonic())

    def part(self) -> None:
        """Nothing more is asked of it: what was said is let go of at once. They hold each other, and Python would come upon that late."""
        if self._conversation is not None:
            self._conversation.part()
        self._conversation = self.seat.limit = None

    @property
    def handed_in(self) -> bool:
        """Whether its end was handed in with others'."""
        return self._conversation is not None and self._conversation.handed_in

    def _plain_conversation(self, begun: Begun, slot: Slot | None) -> Conversation:
        start, task = begun.start, begun.start.task
        parties = Parties(
            lease=self._claim.lease,
            caller=self._caller(agent_text(AgentId(begun.agent)), task.instance, task.instances),
            model=_model(task.model, task.choice, start.definition),
            runtime=start.runtime,
            limits=start.limits,
            tools=self._tools(start.definition, self._work) if start.limits.tools else {},
            system=start.definition.prompt,
            prompt=start.prompt,
        )
        return Conversation(
            self._shop,
            parties,
            self._saved,
            engage=self._engage,
            conclude=self._conclude,
            stall_seconds=self._shop.settings.swarm.stall_seconds,
            begun=BegunTurn(begun.agent, start.definition.name, begun.turn, self._claim.execution, slot),
        )

    def _caller(self, agent: str, instance: int, instances: int) -> Caller:
        claim = self._claim
        execution, task = execution_text(ExecutionId(claim.execution)), task_text(TaskId(claim.lease.task))
        return Caller(str(self._shop.project), execution, task, agent, claim.attempt, instance, instances)

    @cached_property
    def _work(self) -> Work:
        return self._known()

    @property
    def _agent(self) -> int | None:
        return self._conversation.agent if self._conversation is not None else None

    @property
    def is_subagent(self) -> bool:
        """Whether another agent has spawned it, for this task only."""
        return self._place is not None

    def _tools(self, definition: AgentDefinition, work: Work) -> Mapping[str, Tool]:
        """Those that its definition (and, for a sub-agent, its parent) allows, and those that touch nothing but the queue."""
        shop, claim, place = self._shop, self._claim, self._place
        tools: dict[str, Tool] = allowed(shop.tools, definition.tools)
        spawns = shop.settings.swarm.max_depth > 0 and (definition.tools is None or subagents.NAME in definition.tools)
        if place is not None:
            tools = {name: tool for name, tool in tools.items() if name in place.tools}
            spawns = spawns and subagents.NAME in place.tools
        if spawns:
            tools[subagents.NAME] = Spawner(shop, claim, work, self.seat, place, (*tools, subagents.NAME), lambda: self._agent)
        if spawns or not work.is_root or work.task.depends_on:  # else there is nobody to share with
            tools |= named(sharing.read_state(shop, claim), sharing.write_state(shop, claim))
        tools |= named(reporting.report_progress(shop, claim))
        if work.pass_number is not None and work.pass_number >= 1:
            tools |= named(reporting.report_metric(shop, claim, work.pass_number))
        return tools

    async def _find_definition(self) -> tuple[AgentDefinition, str]:
        """Who does it, and what the log must say about that."""
        wanted = self._claim.agent or GENERALIST
        definition = self._shop.registry.agent(wanted)
        if definition is not None and not self.is_subagent:
            return definition, ""
        made = await self._shop.database.read(kept_text, self._claim.execution, f"{MADE}{wanted}")
        if made is not None:
            return agent_from_markdown(made, "made"), ""
        if definition is not None:
            return definition, ""
        generalist = self._shop.registry.agent(GENERALIST)
        if generalist is None:
            raise UnknownAgent(f"There is no agent definition {wanted!r}.")
        return generalist, f"there is no agent definition {wanted!r} any more: the generalist does it"

    def _engage(self, c: Connection) -> int:
        now = self._shop.clock.now()
        if self._notice:
            journal.log(c, self._claim.lease, "warning", "notice", self._notice, now)
        parent = None if self._place is None else self._place.parent
        return engage(c, self._claim.lease, self._idle, self._definition, now, parent=parent)

    def _conclude(self, c: Connection, answer: str | Text) -> None:
        now = self._shop.clock.now()
        if self._work.success is None:
            queue.complete(c, self._claim.lease, answer, now)
            if self.is_subagent:
                self.dismiss(c, now)
            return
        self.answer = answer if isinstance(answer, str) else answer.body
        queue.park(c, self._claim.lease, Why.NONE, now)
        if self._agent is not None:
            agents.set_state(c, self._agent, "IDLE", now, reason="its answer is checked")


def _model(own: str | None, choice: RuntimeChoice, definition: AgentDefinition) -> str | None:
    """Whose model counts: the task's own, the execution's, then the definition's; None is the runtime's default."""
    named = own or choice.model
    if named is None and choice.runtime is RuntimeName.ANTHROPIC and definition.model != _INHERITED:
        return definition.model
    return named
