"""What a plan will use of the machine, found before anything of it runs."""

from collections.abc import Iterable, Iterator

from abathur_tui.domain.criteria import commands
from abathur_tui.domain.permissions import NamedCommand, Permissions
from abathur_tui.domain.plan import ConflictRule, JoinStrategy, Plan, PlanNode
from abathur_tui.domain.templates import MADE, Registry
from abathur_tui.library.agent_file import agent_from_markdown
from abathur_tui.tools.allowed import allowed

JUDGE, ORCHESTRATOR = "judge", "orchestrator"


def permissions_of(plan: Plan, registry: Registry, tools: Iterable[str]) -> Permissions:
    """The tools (of all that there are) of its agents, the commands that it names, and what was read for it."""
    every = {name: name for name in tools}
    agents = dict.fromkeys(agent for node in plan.possible() for agent in _agents(node))
    found: dict[str, tuple[str, ...]] = {}
    for agent in agents:
        made = plan.templates.get(f"{MADE}{agent}")
        definition = registry.agent(agent) or (agent_from_markdown(made, "made") if made is not None else None)
        found[agent] = tuple(allowed(every, None if definition is None else definition.tools))
    return Permissions(found, tuple(command for node in plan.possible() for command in _commands(node)), plan.reads)


def _agents(node: PlanNode) -> Iterator[str]:
    """Who does it, and who is asked about it."""
    if node.agent is not None:
        yield node.agent
    if node.fallback is not None:
        yield node.fallback.agent
    if node.success is not None and node.success.judged:
        yield JUDGE
    join = node.join
    if join is not None and (join.strategy is JoinStrategy.BEST or join.threshold is not None or join.conflicts is ConflictRule.JUDGE):
        yield JUDGE
    if join is not None and (join.strategy is JoinStrategy.SYNTHESIZE or (join.strategy is JoinStrategy.REDUCE and join.command is None)):
        yield ORCHESTRATOR


def _commands(node: PlanNode) -> Iterator[NamedCommand]:
    for loop in (node.loop, None if node.fallback is None else node.fallback.loop):
        for command in commands(loop.criterion) if loop is not None else ():
            yield NamedCommand(node.id, command, "criterion")
    for command in node.success.commands if node.success is not None else ():
        yield NamedCommand(node.id, command, "success criterion")
    if node.join is not None and node.join.command is not None:
        yield NamedCommand(node.id, node.join.command, "join")
