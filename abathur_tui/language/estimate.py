"""What a plan is expected to take: by how its templates have done, and a guess where they were not used often enough."""

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from abathur_tui.domain.plan import Amount, ConflictRule, Edge, Estimate, JoinSpec, JoinStrategy, Kind, Need, OnFailure, PlanNode

ENOUGH_RUNS = 5
"""Completed runs of a template after which they say more than the template's own guess."""
TOKENS_OF_A_TURN = 600
"""System prompt and tools of one task."""
TOKENS_OF_AN_ANSWER = 900
CHARACTERS_OF_A_TOKEN = 4
EXPECTED_SHARE_OF_PASSES = 0.5
"""Loops are guessed to need half of the passes that they may take."""
SECONDS_OF_A_QUESTION = 30.0
"""What a join asks of a judge or a writer."""
PASSES_WITHOUT_LIMIT = 10
"""What a loop without limit is guessed to take at most."""


@dataclass(frozen=True, slots=True)
class _Case:
    """How often things are done: at best, as expected, or at worst."""

    passes: Callable[[int | None], float]
    """Of a loop with this limit (None: it has none)."""
    attempts: Callable[[PlanNode], float]
    """At a task."""


def estimate(nodes: Sequence[PlanNode], edges: Sequence[Edge], max_retries: int = 3) -> Estimate:
    """Seconds along the longest path; tokens and cost of all tasks. What was not measured is guessed: a dependency's answer counts as input.

    The cost is known where that of every task is. It is `measured` where every task is. At best each loop converges in its first pass, at worst
    none does before its limit, and every task needs all of its attempts (`max_retries`: those of one that names no number).
    """

    def all_attempts(node: PlanNode) -> float:
        if node.on_failure is OnFailure.FAIL:
            return 1
        of_result = 0 if node.success is None else max_retries if node.success.attempts is None else node.success.attempts
        return 1 + max(max_retries if node.retries is None else node.retries, of_result)

    expected = _amount(nodes, edges, _Case(_expected_passes, lambda _: 1))
    low = _amount(nodes, edges, _Case(lambda _: 1, lambda _: 1))
    worst = _amount(nodes, edges, _Case(lambda limit: math.inf if limit is None else limit, all_attempts))
    members = _members(edges)
    asks = any(_asked(node, members[node.id])[0] > 0 for node in nodes)
    measured = not asks and any(node.kind is not Kind.JOIN for node in nodes) and all(node.measured for node in nodes if node.kind is not Kind.JOIN)
    assert expected.seconds is not None
    assert expected.tokens is not None
    return Estimate(expected.seconds, expected.tokens, expected.cost_usd, measured, low, worst)


def _expected_passes(limit: int | None) -> float:
    return max(1, round((limit or PASSES_WITHOUT_LIMIT) * EXPECTED_SHARE_OF_PASSES))


def _members(edges: Sequence[Edge]) -> Counter[str]:
    """How many members each join has."""
    return Counter(edge.node for edge in edges if edge.need is Need.SETTLES)


def _amount(nodes: Sequence[PlanNode], edges: Sequence[Edge], case: _Case) -> Amount:
    times = _times(nodes, case)
    working = [node for node in nodes if node.kind is not Kind.JOIN and times[node.id]]
    members = _members(edges)
    asked = {node.id: _asked(node, members[node.id]) for node in nodes}
    tokens = _tokens(working, edges, times)
    for node, (questions, _, results) in asked.items():
        if questions or results:
            tokens += (questions * (TOKENS_OF_A_TURN + TOKENS_OF_AN_ANSWER) + results * TOKENS_OF_AN_ANSWER) * times[node]
    costs = [node.estimated_cost_usd * times[node.id] for node in working if node.estimated_cost_usd is not None]
    known = bool(working) and len(costs) == len(working) and not any(questions for questions, _, _ in asked.values())
    waits = {node: one_after_another * SECONDS_OF_A_QUESTION for node, (_, one_after_another, _) in asked.items()}
    cost = round(sum(costs), 6) if known and math.isfinite(sum(costs)) else None
    seconds = _longest_path(nodes, edges, waits, times)
    return Amount(seconds if math.isfinite(seconds) else None, round(tokens) if math.isfinite(tokens) else None, cost)


def _asked(node: PlanNode, members: int) -> tuple[int, int, int]:
    """What a node is guessed to ask of agents, as `_questions` counts."""
    questions, depth, results = (0, 0, 0) if node.join is None else _questions(node.join, members)
    return (questions + 1, depth + 1, results + 1) if node.success is not None and node.success.judged else (questions, depth, results)


def _questions(join: JoinSpec, members: int) -> tuple[int, int, int]:
    """What a join is guessed to ask of agents: how many questions, how many one after another, and how many results they read in all."""
    if members < 2:
        return 0, 0, 0
    match join.strategy:
        case JoinStrategy.BEST:
            questions, depth, results = 1, 1, members
        case JoinStrategy.SYNTHESIZE:
            turns = 1 if join.threshold is None else 2
            questions, depth, results = turns, turns, turns * members
        case JoinStrategy.REDUCE if join.command is None:
            questions, depth, results = members - 1, math.ceil(math.log2(members)), 2 * (members - 1)
        case _:
            questions, depth, results = 0, 0, 0
    if join.conflicts is ConflictRule.JUDGE:
        return questions + 1, depth + 1, results + members
    return questions, depth, results


def _times(nodes: Sequence[PlanNode], case: _Case) -> dict[str, float]:
    """How many times each node's estimate is taken: once a pass, and for each attempt. `nodes` with loops before what is in their passes.

    What was measured of a loop has all passes in it. The estimate of a loop whose passes have nodes of their own is theirs.
    """
    times: dict[str, float] = {}
    passes: dict[str | None, float] = {None: 1}
    with_nodes = {node.in_passes_of for node in nodes}
    for node in nodes:
        outer = passes[node.in_passes_of]
        times[node.id] = outer * case.attempts(node) if outer else 0
        if node.loop is None:
            continue
        made = case.passes(node.loop.max_iterations) if outer else 0
        passes[node.id] = 0 if node.measured else outer * made if made else 0
        if not node.measured:
            times[node.id] = 0 if node.id in with_nodes or not made else times[node.id] * made
    return times


def _longest_path(nodes: Sequence[PlanNode], edges: Sequence[Edge], waits: Mapping[str, float], times: Mapping[str, float]) -> float:
    seconds = {node.id: _product(node.estimated_seconds + waits.get(node.id, 0.0), times[node.id]) for node in nodes}
    start = dict.fromkeys(seconds, 0.0)
    waiting = dict.fromkeys(seconds, 0)
    dependents: dict[str, list[str]] = {node.id: [] for node in nodes}
    for edge in edges:
        waiting[edge.node] += 1
        dependents[edge.needs].append(edge.node)
    ready = [node for node, count in waiting.items() if count == 0]
    for node in ready:
        for dependent in dependents[node]:
            start[dependent] = max(start[dependent], start[node] + seconds[node])
            waiting[dependent] -= 1
            if waiting[dependent] == 0:
                ready.append(dependent)
    return round(max((start[node] + seconds[node] for node in seconds), default=0.0), 1)


def _tokens(working: Sequence[PlanNode], edges: Sequence[Edge], times: Mapping[str, float]) -> float:
    guessed = {node.id for node in working if node.estimated_tokens is None}
    total: float = sum(TOKENS_OF_AN_ANSWER for edge in edges if edge.node in guessed)
    for node in working:
        if node.estimated_tokens is not None:
            total += round(node.estimated_tokens) * times[node.id]
        else:
            written = len(node.prompt) + len(json.dumps(node.parameters, ensure_ascii=False))
            total += (TOKENS_OF_A_TURN + TOKENS_OF_AN_ANSWER + written // CHARACTERS_OF_A_TOKEN) * times[node.id]
    return total


def _product(amount: float, times: float) -> float:
    return amount * times if amount and times else 0.0
