"""Plans become rows."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from sqlite3 import Connection

from abathur_tui.domain.data import canonical
from abathur_tui.domain.errors import CyclicDependencies, LeaseLost, NotFound, QueueFull
from abathur_tui.domain.execution import RuntimeChoice, SubmitOptions, Submitted
from abathur_tui.domain.leases import Lease
from abathur_tui.domain.plan import Kind, Need, OnFailure, Plan, PlanNode
from abathur_tui.domain.status import ENDED, Status, Why
from abathur_tui.storage.queue.claiming import JOIN_LANE
from abathur_tui.storage.queue.settling import fail_the_doomed
from abathur_tui.storage.records import clean, join_text, keep, loop_text, references_text, runtime_from, runtime_text
from abathur_tui.storage.sql import named

_SQL = named("submitting")


@dataclass(frozen=True, slots=True)
class _EdgeRow:
    depends_on: int
    need: Need
    state: str
    required: bool


def submit(c: Connection, plan: Plan, options: SubmitOptions, now: float) -> Submitted:
    """Queue a plan as one execution.

    Raises QueueFull, CyclicDependencies, and NotFound where `options.after` names no task.
    """
    _refuse_circles(plan)
    (queued,) = c.execute(_SQL["open_tasks"]).fetchone()
    if queued + len(plan.nodes) > options.max_size:
        raise QueueFull(f"The queue holds {queued} tasks that have not ended; with {len(plan.nodes)} more it would pass {options.max_size}.")
    earlier = [_earlier_edge(c, id, options) for id in dict.fromkeys(options.after)]
    execution = _insert_execution(c, plan, options, now)
    first = _next_task(c)
    ids = {node.id: first + position for position, node in enumerate(plan.nodes)}
    edges = _edges_by_node(plan, ids, options)
    for seq, node in enumerate(plan.nodes):
        is_first = not edges[node.id]
        if is_first:
            edges[node.id] = earlier
        _insert_task(
            c,
            node,
            ids,
            execution,
            seq=seq,
            edges=edges[node.id],
            runtime=options.runtime,
            due=options.not_before if is_first and options.not_before is not None and options.not_before > now else None,
            timeout_seconds=options.task_timeout_seconds,
            retries=options.max_retries,
            actor=options.actor,
            now=now,
        )
    c.executemany(_SQL["edge"], _edge_rows(plan, ids, edges))
    root = ids[plan.root]
    c.execute(_SQL["root"], (root, execution))
    fail_the_doomed(c, now)
    return Submitted(execution, root, ids)


def add_child(c: Connection, lease: Lease, node: PlanNode, now: float, *, pass_number: int | None = None) -> int:
    """A task inside the lease's task (a pass of its loop), pending at once in the execution's order. Raises LeaseLost."""
    found = c.execute(_SQL["parent_of_child"], (lease.task, lease.epoch, lease.engine)).fetchone()
    if found is None:
        raise LeaseLost(f"t{lease.task} is not held by this worker any more.")
    execution, seq, round = found
    runtime, timeout_seconds, retries, model = c.execute(_SQL["inherited"], (execution, lease.task)).fetchone()
    id = _next_task(c)
    _insert_task(
        c,
        replace(node, model=node.model or model),
        {node.id: id},
        execution,
        seq=seq,
        edges=[],
        runtime=runtime_from(runtime),
        due=None,
        timeout_seconds=timeout_seconds,
        retries=retries,
        actor="engine",
        now=now,
        parent=lease.task,
        pass_number=pass_number,
        pass_round=round,
    )
    return id


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


def _insert_task(
    c: Connection,
    node: PlanNode,
    ids: Mapping[str, int],
    execution: int,
    *,
    seq: int,
    edges: Iterable[_EdgeRow],
    runtime: RuntimeChoice,
    due: float | None,
    timeout_seconds: float,
    retries: int,
    actor: str,
    now: float,
    parent: int | None = None,
    pass_number: int | None = None,
    pass_round: int | None = None,
) -> None:
    states = [edge.state for edge in edges]
    unmet, broken = states.count("open"), states.count("broken")
    lane = JOIN_LANE
    if node.kind is not Kind.JOIN:
        choice = runtime if node.model is None else replace(runtime, model=node.model)
        lane = choice.lane
        c.execute(_SQL["lane"], (lane, runtime_text(choice)))
    waits = unmet > 0 or broken > 0
    c.execute(
        _SQL["task"],
        {
            "id": ids[node.id],
            "execution": execution,
            "seq": seq,
            "parent": parent if parent is not None else ids.get(node.parent) if node.parent is not None else None,
            "kind": node.kind.value,
            "name": clean(node.name),
            "template": node.template,
            "template_version": node.template_version,
            "agent": node.agent,
            "status": (Status.WAITING if waits else Status.PENDING).value,
            "why": (Why.AFTER if waits else Why.TIME if due is not None else Why.NONE).value,
            "priority": node.priority,
            "lane": lane,
            "unmet": unmet,
            "broken": broken,
            "due": due,
            "expires": None if node.expires_in_seconds is None else now + node.expires_in_seconds,
            "on_failure": node.on_failure.value,
            "tags": canonical(list(node.tags)),
            "instance": node.instance,
            "instances": node.instances,
            "pass": pass_number,
            "pass_round": pass_round,
            "actor": actor,
            "reason": "submitted" if parent is None else f"added by t{parent}",
            "now": now,
        },
    )
    c.execute(
        _SQL["spec"],
        {
            "id": ids[node.id],
            "node": node.id,
            "depth": node.depth,
            "prompt": keep(c, node.prompt),
            "parameters": keep(c, json.dumps(node.parameters, ensure_ascii=False)),
            "refs": references_text({reference.pointer: ids[reference.node] for reference in node.references}),
            "model": node.model,
            "timeout_seconds": timeout_seconds if node.timeout_seconds is None else node.timeout_seconds,
            "retries": 0 if node.on_failure is OnFailure.FAIL else retries if node.retries is None else node.retries,
            "loop_spec": loop_text(node.loop),
            "join_spec": join_text(node.join),
            "lead": ids[node.join.lead] if node.join is not None and node.join.lead is not None else None,
            "estimated_seconds": node.estimated_seconds,
            "complexity": node.complexity,
        },
    )
    if node.kind is Kind.LOOP:
        c.execute(_SQL["loop"], (ids[node.id],))


def _next_task(c: Connection) -> int:
    found = c.execute(_SQL["last_task"]).fetchone()
    return 1 if found is None else int(found[0]) + 1


def _earlier_edge(c: Connection, id: int, options: SubmitOptions) -> _EdgeRow:
    found = c.execute(_SQL["status_of"], (id,)).fetchone()
    if found is None:
        raise NotFound(f"There is no task t{id}.")
    need = Need.SETTLES if options.ignore_dependency_failure else Need.NEEDS
    status = Status(found[0])
    met = status is Status.COMPLETED or need is Need.SETTLES
    return _EdgeRow(id, need, "open" if status not in ENDED else "met" if met else "broken", required=False)


def _edges_by_node(plan: Plan, ids: Mapping[str, int], options: SubmitOptions) -> dict[str, list[_EdgeRow]]:
    """Each node's edges, in the plan's order; of two between the same nodes the stricter one counts."""
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


def _refuse_circles(plan: Plan) -> None:
    if not plan.edges:
        return
    try:
        plan.levels()
    except ValueError:
        raise CyclicDependencies("Tasks wait for each other: " + " → ".join(_circle(plan)) + ".") from None


def _circle(plan: Plan) -> list[str]:
    """The names along one circle, the first one again at the end."""
    names = {node.id: node.name for node in plan.nodes}
    needs: dict[str, set[str]] = {node.id: set() for node in plan.nodes}
    for edge in plan.edges:
        needs[edge.node].add(edge.needs)
    while ended := {node for node, others in needs.items() if not others}:
        needs = {node: others - ended for node, others in needs.items() if node not in ended}
    path = [next(iter(needs))]
    while path[-1] not in path[:-1]:
        path.append(min(needs[path[-1]]))
    return [names[node] for node in path[path.index(path[-1]) :]]
