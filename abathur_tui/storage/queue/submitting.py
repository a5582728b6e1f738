"""Plans become rows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from sqlite3 import Connection
from typing import TypeAlias

from abathur_tui.domain.circles import circle_in
from abathur_tui.domain.data import canonical
from abathur_tui.domain.errors import ContentPurged, CyclicDependencies, LeaseLost, NotFound, QueueFull
from abathur_tui.domain.execution import RuntimeChoice, SubmitOptions, Submitted
from abathur_tui.domain.leases import Lease
from abathur_tui.domain.plan import Kind, LoopBody, Need, OnFailure, Plan, PlanNode, Start
from abathur_tui.domain.status import ENDED, Status, Why
from abathur_tui.storage.queue.bodies import fallback_knowing_outside, first_nodes, keep_bodies, without_bodies
from abathur_tui.storage.queue.claiming import JOIN_LANE
from abathur_tui.storage.queue.settling import fail_the_doomed
from abathur_tui.storage.records import clean, encoded_or_none, fallback_text, keep, keep_all, runtime_from, runtime_text
from abathur_tui.storage.sql import named

_SQL = named("submitting")
_PARAMETERS = json.JSONEncoder(ensure_ascii=False)
_SQL_OF_BODIES = named("bodies")


MOST_GIVEN = 1000
"""Characters of parameters that stand with their task; longer ones are content."""
_NOTHING = "{}"
SqlValue: TypeAlias = "str | int | float | None"

_ANY_TIME = Start(0.0, on_the_clock=False)


@dataclass(frozen=True, slots=True)
class _EdgeRow:
    depends_on: int
    need: Need
    state: str
    required: bool


def submit(c: Connection, plan: Plan, options: SubmitOptions, now: float) -> Submitted:
    """Queue a plan as one execution.

    Raises QueueFull, CyclicDependencies, and NotFound or ContentPurged where `options.after` names no task, or one whose result was purged.
    """
    refuse_circles(plan)
    plan, bodies = without_bodies(plan)
    (queued,) = c.execute(_SQL["open_tasks"]).fetchone()
    more = sum(node.kind is not Kind.JOIN for node in plan.nodes)
    if queued + more > options.max_size:
        raise QueueFull(f"The queue holds {queued} tasks that have not ended; with {more} more it would pass {options.max_size}.")
    earlier = [_earlier_edge(c, id, options) for id in dict.fromkeys(options.after)]
    execution = _insert_execution(c, plan, options, now)
    first = _next_task(c)
    ids = {node.id: first + position for position, node in enumerate(plan.nodes)}
    edges = _edges_by_node(plan, ids, options)
    start = None if options.not_before is None else Start(options.not_before, options.on_the_clock)
    lanes = _lanes(c, plan, options.runtime)
    tasks = {}
    for seq, node in enumerate(plan.nodes):
        is_first = not edges[node.id]
        if is_first:
            edges[node.id] = earlier
        tasks[node.id] = _task_row(
            node,
            id=ids[node.id],
            execution=execution,
            seq=seq,
            parent=None if node.parent is None else ids.get(node.parent),
            edges=edges[node.id],
            lane=lanes[node.id],
            due=_due(node.start or (start if is_first else None), now),
            actor=options.actor,
            reason="submitted",
            now=now,
        )
    c.executemany(_SQL["task"], [tasks[node.id] for node in _parents_first(plan)])
    c.executemany(_SQL["spec"], _spec_rows(c, plan.nodes, ids, options.task_timeout_seconds, options.max_retries))
    c.executemany(_SQL["loop"], [(ids[node.id],) for node in plan.nodes if node.kind is Kind.LOOP])
    c.executemany(_SQL["edge"], _edge_rows(plan, ids, edges))
    keep_bodies(c, bodies, ids)
    c.executemany(_SQL["fix_due"], [(ids[node.id],) for node in plan.nodes if (node.start or start or _ANY_TIME).on_the_clock])
    root = ids[plan.root]
    c.execute(_SQL["root"], (root, execution))
    fail_the_doomed(c, now)
    return Submitted(execution, root, ids)


def add_child(
    c: Connection,
    lease: Lease,
    node: PlanNode,
    now: float,
    *,
    pass_number: int | None = None,
    built_on: Sequence[int] = (),
    references: Mapping[str, int] | None = None,
) -> int:
    """A task inside the lease's task (a pass of its loop, a question of its join), pending at once in that one's place in the order.

    `built_on`: tasks that have ended, whose results it is given; `references`: those that belong into its parameters, by JSON Pointer.
    Raises LeaseLost.
    """
    found = c.execute(_SQL["parent_of_child"], (lease.task, lease.epoch, lease.engine)).fetchone()
    if found is None:
        raise LeaseLost(f"t{lease.task} is not held by this worker any more.")
    execution, seq, round, priority = found
    runtime, timeout_seconds, retries, model = c.execute(_SQL["inherited"], (execution, lease.task)).fetchone()
    id = _next_task(c)
    node = replace(node, priority=priority)
    lane = _lanes(c, Plan((node,), (), node.id), runtime_from(runtime, model))[node.id]
    if pass_number is not None and pass_number > 0:  # a loop is only a row: what it declares is what its passes need
        memory_bytes, cores = c.execute(_SQL["declared"], (lease.task,)).fetchone()
        node = replace(node, memory_bytes=memory_bytes, cores=cores)
    task = _task_row(
        node,
        id=id,
        execution=execution,
        seq=seq,
        parent=lease.task,
        edges=(),
        lane=lane,
        due=None,
        actor="engine",
        reason=f"added by t{lease.task}",
        now=now,
        pass_number=pass_number,
        pass_round=round,
    )
    c.execute(_SQL["task"], task)
    node = replace(node, model=node.model or model)
    c.executemany(_SQL["spec"], _spec_rows(c, [node], {node.id: id}, timeout_seconds, retries, references))
    c.executemany(_SQL["edge"], [(id, other, Need.NEEDS.value, "met", place, 0) for place, other in enumerate(built_on)])
    if node.kind is Kind.LOOP:
        c.execute(_SQL["loop"], (id,))
    return id


def add_pass(c: Connection, lease: Lease, body: LoopBody, number: int, now: float, *, built_on: bool = True) -> int:
    """A pass of the lease's task made of several tasks; gives the one whose result is the pass's. Raises LeaseLost.

    `built_on`: what that task itself waited for is given to the first of them.
    """
    found = c.execute(_SQL["parent_of_child"], (lease.task, lease.epoch, lease.engine)).fetchone()
    if found is None:
        raise LeaseLost(f"t{lease.task} is not held by this worker any more.")
    execution, seq, round, _ = found
    runtime, timeout_seconds, retries, _ = c.execute(_SQL["inherited"], (execution, lease.task)).fetchone()
    plan, bodies = without_bodies(Plan(body.nodes, body.edges, body.face), body.loop)
    first = _next_task(c)
    ids = {node.id: first + place for place, node in enumerate(plan.nodes)} | body.outside | {body.loop: lease.task}
    edges = _edges_of_pass(c, lease.task if built_on else None, body, plan, ids)
    lanes = _lanes(c, plan, runtime_from(runtime))
    for node in _parents_first(plan):
        is_pass = node.id in (body.face, body.own)
        task = _task_row(
            node,
            id=ids[node.id],
            execution=execution,
            seq=seq,
            parent=ids[node.parent or body.loop],
            edges=edges[node.id],
            lane=lanes[node.id],
            due=None,
            actor="engine",
            reason=f"added by t{lease.task}",
            now=now,
            pass_number=number if is_pass else None,
            pass_round=round if is_pass else None,
        )
        c.execute(_SQL["task"], task)
    c.executemany(_SQL["spec"], _spec_rows(c, plan.nodes, ids, timeout_seconds, retries))
    c.executemany(_SQL["loop"], [(ids[node.id],) for node in plan.nodes if node.kind is Kind.LOOP])
    c.executemany(_SQL["edge"], _edge_rows(plan, ids, edges))
    keep_bodies(c, bodies, ids)
    fail_the_doomed(c, now)
    return ids[body.face]


def _edges_of_pass(c: Connection, loop: int | None, body: LoopBody, plan: Plan, ids: Mapping[str, int]) -> dict[str, list[_EdgeRow]]:
    """Each node's edges: those to others of the pass are open; of those to what was there before it is known how it has ended.

    `loop`: the task whose edges the first of them have too.
    """
    required = {node.id: node.join.required if node.join is not None else () for node in plan.nodes}
    found: dict[str, dict[int, _EdgeRow]] = {node.id: {} for node in plan.nodes}
    waits_for = {} if loop is None else {task: Need(need) for task, need in c.execute(_SQL_OF_BODIES["waits_for"], (loop,)).fetchall()}
    for edge in plan.edges:
        if edge.needs in body.outside:
            task = ids[edge.needs]
            row = replace(_edge_to(c, task, waits_for.get(task, edge.need)), required=edge.needs in required[edge.node])
        else:
            row = _EdgeRow(ids[edge.needs], edge.need, "open", required=edge.needs in required[edge.node])
        found[edge.node][row.depends_on] = row
    for task, need in waits_for.items():
        for id in first_nodes(body):
            found[id].setdefault(task, _edge_to(c, task, need))
    return {node: list(rows.values()) for node, rows in found.items()}


def child_of(c: Connection, task: int, pass_number: int) -> int | None:
    """The task that is that pass of a loop; None where it was not added yet."""
    found = c.execute(_SQL["child"], (task, pass_number)).fetchone()
    return None if found is None else int(found[0])


def _insert_execution(c: Connection, plan: Plan, options: SubmitOptions, now: float) -> int:
    execution = c.execute(_SQL["execution"], (keep(c, plan.source), runtime_text(options.runtime), options.actor, now)).lastrowid
    assert execution is not None
    for name, text in options.templates.items():
        c.execute(_SQL["template"], (execution, name, keep(c, text)))
    return execution


def _parents_first(plan: Plan) -> list[PlanNode]:
    """The nodes so that none comes before the one that it is inside of, else in the plan's order: a foreign key wants its target there."""
    if all(node.parent is None for node in plan.nodes):
        return list(plan.nodes)
    by_id = {node.id: node for node in plan.nodes}
    placed: dict[str, PlanNode] = {}
    for node in plan.nodes:
        above = [node]
        while (parent := above[-1].parent) is not None and parent in by_id and parent not in placed and by_id[parent] not in above:
            above.append(by_id[parent])
        placed |= {one.id: one for one in reversed(above)}
    return list(placed.values())


def _lanes(c: Connection, plan: Plan, runtime: RuntimeChoice) -> dict[str, str]:
    """Node to the lane that limits its claims; the lanes are there from now on."""
    models = {node.id: node.model or runtime.model_of(node.agent) for node in plan.nodes}
    choices = {model: runtime if model is None else replace(runtime, model=model) for model in set(models.values())}
    found = {node.id: JOIN_LANE if node.kind is Kind.JOIN else choices[models[node.id]].lane for node in plan.nodes}
    for choice in choices.values():
        if choice.lane in found.values():
            c.execute(_SQL["lane"], (choice.lane, runtime_text(choice)))
    return found


def _task_row(
    node: PlanNode,
    *,
    id: int,
    execution: int,
    seq: int,
    parent: int | None,
    edges: Sequence[_EdgeRow],
    lane: str,
    due: float | None,
    actor: str,
    reason: str,
    now: float,
    pass_number: int | None = None,
    pass_round: int | None = None,
) -> tuple[SqlValue, ...]:
    """The columns of the statement `task` in their order."""
    states = [edge.state for edge in edges]
    unmet, broken = states.count("open"), states.count("broken")
    waits = unmet > 0 or broken > 0
    return (
        id,
        execution,
        seq,
        parent,
        node.kind.value,
        clean(node.name),
        node.template,
        node.template_version,
        node.agent,
        (Status.WAITING if waits else Status.PENDING).value,
        (Why.AFTER if waits else Why.TIME if due is not None else Why.NONE).value,
        node.priority,
        lane,
        unmet,
        broken,
        due,
        None if node.expires_in_seconds is None else now + node.expires_in_seconds,
        node.on_failure.value,
        canonical(list(node.tags)) if node.tags else "[]",
        node.instance,
        node.instances,
        pass_number,
        pass_round,
        node.memory_bytes,
        node.cores,
        now,
        actor,
        reason,
        now,
    )


def _due(start: Start | None, now: float) -> float | None:
    """The moment before which a task is not to be started; None where it has passed."""
    return start.at if start is not None and start.at > now else None


def _spec_rows(
    c: Connection,
    nodes: Sequence[PlanNode],
    ids: Mapping[str, int],
    timeout_seconds: float,
    retries: int,
    references: Mapping[str, int] | None = None,
) -> list[tuple[SqlValue, ...]]:
    """The specs of nodes, whose texts are kept from now on. `references`: what belongs into the parameters besides what the nodes say."""
    parameters = [clean(_PARAMETERS.encode(node.parameters)) for node in nodes]
    hashes = keep_all(c, [*(node.prompt for node in nodes), *(text for text in parameters if len(text) > MOST_GIVEN), _NOTHING])
    more = references or {}
    return [
        _spec_row(node, ids, (hashes[node.prompt], hashes.get(text, hashes[_NOTHING]), text), timeout_seconds, retries, more)
        for node, text in zip(nodes, parameters, strict=True)
    ]


def _spec_row(
    node: PlanNode, ids: Mapping[str, int], texts: tuple[str, str, str], timeout_seconds: float, retries: int, references: Mapping[str, int]
) -> tuple[SqlValue, ...]:
    """The columns of the statement `spec` in their order; `texts`: hashes of prompt and parameters, and the parameters themselves."""
    prompt, parameters, given = texts
    refs = {**{reference.pointer: ids[reference.node] for reference in node.references}, **references}
    return (
        ids[node.id],
        node.id,
        node.depth,
        prompt,
        parameters,
        canonical(refs) if refs else "{}",
        node.model,
        timeout_seconds if node.timeout_seconds is None else node.timeout_seconds,
        0 if node.on_failure is OnFailure.FAIL else retries if node.retries is None else node.retries,
        encoded_or_none(node.loop),
        encoded_or_none(node.join),
        fallback_text(fallback_knowing_outside(node.fallback, ids)),
        encoded_or_none(node.success),
        ids[node.join.lead] if node.join is not None and node.join.lead is not None else None,
        node.estimated_seconds,
        node.complexity,
        given if len(given) <= MOST_GIVEN else None,
    )


def _next_task(c: Connection) -> int:
    found = c.execute(_SQL["last_task"]).fetchone()
    return 1 if found is None else int(found[0]) + 1


def _earlier_edge(c: Connection, id: int, options: SubmitOptions) -> _EdgeRow:
    if c.execute(_SQL["result_gone"], (id,)).fetchone() is not None:
        raise ContentPurged(f"The result of t{id} was purged, and nothing can build on it.", hint=f"Submit it without t{id}, which has ended.")
    return _edge_to(c, id, Need.SETTLES if options.ignore_dependency_failure else Need.NEEDS)


def _edge_to(c: Connection, id: int, need: Need) -> _EdgeRow:
    """An edge to a task that is there, as it stands. Raises NotFound."""
    found = c.execute(_SQL["end_of"], (id,)).fetchone()
    if found is None:
        raise NotFound(f"There is no task t{id}.")
    status, skips = Status(found[0]), bool(found[1])
    met = status is Status.COMPLETED or need is Need.SETTLES or (skips and status in (Status.FAILED, Status.DEAD))
    return _EdgeRow(id, need, "open" if status not in ENDED else "met" if met else "broken", required=False)


def _edges_by_node(plan: Plan, ids: Mapping[str, int], options: SubmitOptions) -> dict[str, list[_EdgeRow]]:
    """Each node's edges, in the plan's order; of two between the same nodes the stricter one counts."""
    if not plan.edges:
        return {node.id: [] for node in plan.nodes}
    needs: dict[str, dict[str, Need]] = {node.id: {} for node in plan.nodes}
    for edge in plan.edges:
        strictest = Need.NEEDS if Need.NEEDS in (edge.need, needs[edge.node].get(edge.needs)) else Need.SETTLES
        needs[edge.node][edge.needs] = Need.SETTLES if options.ignore_dependency_failure else strictest
    required = {node.id: node.join.required if node.join is not None else () for node in plan.nodes}
    return {
        node: [_EdgeRow(ids[other], need, "open", required=other in required[node]) for other, need in others.items()]
        for node, others in needs.items()
    }


def _edge_rows(plan: Plan, ids: Mapping[str, int], edges: Mapping[str, list[_EdgeRow]]) -> Iterator[tuple[int, int, str, str, int, int]]:
    for node in plan.nodes:
        for position, edge in enumerate(edges[node.id]):
            yield ids[node.id], edge.depends_on, edge.need.value, edge.state, position, int(edge.required)


def refuse_circles(plan: Plan) -> None:
    """Raises CyclicDependencies with the names along one of them."""
    waits: dict[str, list[str]] = {}
    for edge in plan.edges:
        waits.setdefault(edge.node, []).append(edge.needs)
    if circle := circle_in(waits):
        names = {node.id: node.name for node in plan.nodes}
        raise CyclicDependencies("Tasks wait for each other: " + " → ".join(names[node] for node in circle) + ".")
