"""What a plan is expected to take: by how its templates have done, and a guess where they were not used often enough."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence

from abathur_tui.domain.plan import ConflictRule, Edge, Estimate, JoinSpec, JoinStrategy, Kind, Need, PlanNode

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


def estimate(nodes: Sequence[PlanNode], edges: Sequence[Edge]) -> Estimate:
    """Seconds along the longest path; tokens and cost of all tasks. What was not measured is guessed: a dependency's answer counts as input.

    The cost is known where that of every task is. It is `measured` where every task is.
    """
    times = _times(nodes)
    working = [node for node in nodes if node.kind is not Kind.JOIN and times[node.id]]
    costs = [node.estimated_cost_usd for node in working if node.estimated_cost_usd is not None]
    members = Counter(edge.node for edge in edges if edge.need is Need.SETTLES)
    asked = {node.id: _questions(node.join, members[node.id]) for node in nodes if node.join is not None}
    tokens = _tokens(working, edges, times)
    for join, (questions, _, results) in asked.items():
        tokens += (questions * (TOKENS_OF_A_TURN + TOKENS_OF_AN_ANSWER) + results * TOKENS_OF_AN_ANSWER) * times[join]
    known = bool(working) and not any(questions for questions, _, _ in asked.values())
    cost = round(sum(costs), 6) if known and len(costs) == len(working) else None
    waits = {join: one_after_another * SECONDS_OF_A_QUESTION for join, (_, one_after_another, _) in asked.items()}
    return Estimate(_longest_path(nodes, edges, waits, times), tokens, cost, known and all(node.measured for node in working))


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


def _times(nodes: Sequence[PlanNode]) -> dict[str, int]:
    """How many times each node's estimate is taken: once a pass. `nodes` with loops before what is in their passes.

    What was measured of a loop has all passes in it. The estimate of a loop whose passes have nodes of their own is theirs.
    """
    times: dict[str, int] = {}
    passes: dict[str | None, int] = {None: 1}
    with_nodes = {node.in_passes_of for node in nodes}
    for node in nodes:
        times[node.id] = outer = passes[node.in_passes_of]
        if node.loop is None:
            continue
        guessed = max(1, round((node.loop.max_iterations or PASSES_WITHOUT_LIMIT) * EXPECTED_SHARE_OF_PASSES))
        passes[node.id] = 0 if node.measured else outer * guessed
        if not node.measured:
            times[node.id] = 0 if node.id in with_nodes else outer * guessed
    return times


def _longest_path(nodes: Sequence[PlanNode], edges: Sequence[Edge], waits: Mapping[str, float], times: Mapping[str, int]) -> float:
    seconds = {node.id: (node.estimated_seconds + waits.get(node.id, 0.0)) * times[node.id] for node in nodes}
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


def _tokens(working: Sequence[PlanNode], edges: Sequence[Edge], times: Mapping[str, int]) -> int:
    guessed = {node.id for node in working if node.estimated_tokens is None}
    total = sum(TOKENS_OF_AN_ANSWER for edge in edges if edge.node in guessed)
    for node in working:
        if node.estimated_tokens is not None:
            total += round(node.estimated_tokens)
        else:
            written = len(node.prompt) + len(json.dumps(node.parameters, ensure_ascii=False))
            total += (TOKENS_OF_A_TURN + TOKENS_OF_AN_ANSWER + written // CHARACTERS_OF_A_TOKEN) * times[node.id]
    return total
