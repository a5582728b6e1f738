"""A plan, as people read it on the command line."""

from abathur_tui.cli.describing import duration
from abathur_tui.domain.permissions import Permissions
from abathur_tui.domain.plan import Amount, Plan, PlanNode


def plan_lines(planned: Plan, permissions: Permissions) -> list[str]:
    """The tree, the levels, the estimate, and what the plan will use."""
    children: dict[str | None, list[PlanNode]] = {}
    for node in planned.possible():
        children.setdefault(_above(node), []).append(node)
    lines: list[str] = []

    def draw(parent: str | None, indent: str) -> None:
        inside = children.get(parent, [])
        for node in inside:
            last = node is inside[-1]
            branch = "" if parent is None and not indent else "└─ " if last else "├─ "
            does = f"  ({node.agent})" if node.agent else f"  (join: {node.join.strategy})" if node.join else ""
            which = f" ({node.instance} of {node.instances})" if node.instances > 1 else ""
            if node.in_passes_of is not None and node.in_passes_of == node.parent:
                which += "  [anew in each pass]"
            elif node.in_passes_of is not None and node.parent is None:
                which += f"  [only where {node.in_passes_of} fails for good]"
            decided = f"  [parallel: {node.parallel_because}]" if node.parallel_because else ""
            instead = f"  [falls back to {node.fallback.template}]" if node.fallback is not None else ""
            lines.append(f"{indent}{branch}{node.id} {node.name}{which}{does}{decided}{instead}")
            draw(node.id, indent + ("" if not branch else "   " if last else "│  "))

    draw(None, "")
    levels = planned.levels()
    lines += ["", "Order:"] + [f"  {number}. {', '.join(level)}" for number, level in enumerate(levels, 1)]
    guess = "measured" if planned.estimate.measured else "a guess"
    widest = max(map(len, levels), default=0)
    estimate = planned.estimate
    expected = Amount(estimate.seconds, estimate.tokens, estimate.cost_usd)
    lines += ["", f"{len(planned.nodes)} task{'' if len(planned.nodes) == 1 else 's'}, up to {widest} at once; about {_told(expected)} ({guess})."]
    if (estimate.low, estimate.worst) != (expected, expected):
        lines.append(f"At best {_told(estimate.low)}; at worst, with every pass and every retry, {_told(estimate.worst)}.")
    if any(node.fallback is not None for node in planned.nodes):
        lines.append("What a fallback would take comes on top where something fails for good.")
    return lines + _uses(permissions)


def _above(node: PlanNode) -> str | None:
    """The node under which it is drawn: what a fallback makes stands under the node that it is done instead of."""
    return node.in_passes_of if node.parent is None else node.parent


def _told(amount: Amount) -> str:
    """`150 s, 4,204 tokens, a cost that is not known`."""
    if amount.seconds is None or amount.tokens is None:
        return "no limit"
    cost = "a cost that is not known" if amount.cost_usd is None else f"${amount.cost_usd:.4f}"
    long = f" ({duration(amount.seconds)})" if amount.seconds >= 300 else ""
    return f"{amount.seconds:.0f} s{long}, {amount.tokens:,} tokens, {cost}"


def _uses(permissions: Permissions) -> list[str]:
    by_tools: dict[tuple[str, ...], list[str]] = {}
    for agent, tools in permissions.tools.items():
        by_tools.setdefault(tools, []).append(agent)
    lines = [f"  {', '.join(agents)}: {', '.join(tools) or 'no tools'}" for tools, agents in by_tools.items()]
    lines += [f"  {one.node} runs `{one.command}` ({one.purpose})" for one in permissions.commands]
    lines += [f"  reads {read}" for read in permissions.reads]
    return ["", "It will use:", *lines] if lines else []
