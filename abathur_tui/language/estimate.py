"""What a plan is expected to take: a guess, as long as nothing was measured."""

import json
from collections.abc import Sequence

from abathur_tui.domain.plan import Edge, Estimate, Kind, PlanNode

TOKENS_OF_A_TURN = 600
"""System prompt and tools of one task."""
TOKENS_OF_AN_ANSWER = 900
CHARACTERS_OF_A_TOKEN = 4
EXPECTED_SHARE_OF_PASSES = 0.5
"""Loops are guessed to need half of the passes that they may take."""


def estimate(nodes: Sequence[PlanNode], edges: Sequence[Edge]) -> Estimate:
    """Seconds along the longest path, by the templates' own estimates; tokens of all tasks, a dependency's answer counted as input."""
    return Estimate(_longest_path(nodes, edges), _tokens(nodes, edges), None)


def _passes(node: PlanNode) -> int:
    return max(1, round(node.loop.max_iterations * EXPECTED_SHARE_OF_PASSES)) if node.loop else 1


def _longest_path(nodes: Sequence[PlanNode], edges: Sequence[Edge]) -> float:
    seconds = {node.id: node.estimated_seconds * _passes(node) for node in nodes}
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


def _tokens(nodes: Sequence[PlanNode], edges: Sequence[Edge]) -> int:
    working = {node.id for node in nodes if node.kind is not Kind.JOIN}
    total = sum(TOKENS_OF_AN_ANSWER for edge in edges if edge.node in working)
    for node in nodes:
        if node.kind is not Kind.JOIN:
            written = len(node.prompt) + len(json.dumps(node.parameters, ensure_ascii=False))
            total += (TOKENS_OF_A_TURN + TOKENS_OF_AN_ANSWER + written // CHARACTERS_OF_A_TOKEN) * _passes(node)
    return total
