"""What a loop makes anew in each pass: kept apart from the queue when the loop is submitted, and added to it once for every pass."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from sqlite3 import Connection

from abathur_tui.domain.plan import Edge, Fallback, Kind, LoopBody, Need, Plan
from abathur_tui.storage.encoding import decoded, encoded
from abathur_tui.storage.records import keep, kept
from abathur_tui.storage.sql import named

_SQL = named("bodies")


def without_bodies(plan: Plan, loop: str | None = None) -> tuple[Plan, tuple[LoopBody, ...]]:
    """What of a plan (or of the body of `loop`) is queued at once, and the bodies of the loops in it, in which there may be others."""
    if all(node.in_passes_of == loop for node in plan.nodes):
        return plan, ()
    by_id = {node.id: node for node in plan.nodes}
    outermost: dict[str, str] = {}
    for node in plan.nodes:
        top = node.id
        while (above := by_id[top].in_passes_of) is not None and above != loop:
            top = above
        outermost[node.id] = top
    queued: dict[tuple[str, str], Need] = {}
    faces: dict[str, str] = {}
    for edge in plan.edges:
        waiting, needed = outermost[edge.node], outermost.get(edge.needs, edge.needs)
        if waiting != needed:
            # What a pass waits for is there before its loop begins.
            stricter = Need.NEEDS in (edge.need, queued.get((waiting, needed)))
            queued[waiting, needed] = Need.NEEDS if stricter else Need.SETTLES
        elif edge.node == waiting:
            faces[waiting] = edge.needs
    inside: dict[str, list[str]] = {top: [] for top in faces}
    for id, top in outermost.items():
        if id != top:
            inside[top].append(id)
    bodies = tuple(
        LoopBody(top, faces[top], tuple(by_id[id] for id in ids), tuple(edge for edge in plan.edges if edge.node in frozenset(ids)))
        for top, ids in inside.items()
    )
    nodes = tuple(node for node in plan.nodes if node.id == outermost[node.id])
    return replace(plan, nodes=nodes, edges=tuple(Edge(*pair, need) for pair, need in queued.items())), bodies


def keep_bodies(c: Connection, bodies: Sequence[LoopBody], ids: Mapping[str, int]) -> None:
    """Keep them with their loops; `ids`: the tasks of all nodes that have one."""
    for body in bodies:
        c.execute(_SQL["keep"], (ids[body.loop], keep(c, encoded(_knowing_outside(body, ids)))))


def fallback_knowing_outside(fallback: Fallback | None, ids: Mapping[str, int]) -> Fallback | None:
    """The fallback with the tasks that its body builds on."""
    return fallback if fallback is None or fallback.body is None else replace(fallback, body=_knowing_outside(fallback.body, ids))


def _knowing_outside(body: LoopBody, ids: Mapping[str, int]) -> LoopBody:
    own = {node.id for node in body.nodes}
    return replace(body, outside={edge.needs: ids[edge.needs] for edge in body.edges if edge.needs not in own})


def body_of(c: Connection, task: int) -> LoopBody | None:
    """What a loop makes anew in each pass; None where a pass is a single agent's."""
    found = c.execute(_SQL["body"], (task,)).fetchone()
    text = None if found is None else kept(c, found[0])
    return None if text is None else decoded(LoopBody, text)


def first_nodes(body: LoopBody) -> set[str]:
    """The nodes that are given what the loop itself waits for: its own step; of a fork, those that wait for nothing in it."""
    if body.own is not None:
        return {body.own}
    own = {node.id for node in body.nodes}
    waiting = {edge.node for edge in body.edges if edge.needs in own}
    return {node.id for node in body.nodes if node.in_passes_of == body.loop and node.id not in waiting and node.kind is not Kind.JOIN}
