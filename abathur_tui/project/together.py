"""Several jobs as one execution: each waits for those that it names, and a join has all their results."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from abathur_tui.domain.circles import circle_in
from abathur_tui.domain.errors import AbathurError, CyclicDependencies, Detail, DocumentInvalid, OverLimit
from abathur_tui.domain.execution import Submitted
from abathur_tui.domain.nearest import nearest
from abathur_tui.domain.plan import Edge, Fallback, JoinSpec, JoinStrategy, Kind, Need, Plan, PlanNode
from abathur_tui.project.batch import located, plan_job
from abathur_tui.project.jobs import Job, invalid, read_jobs
from abathur_tui.project.once import key_of, submitted_with
from abathur_tui.project.wish import Wish
from abathur_tui.storage import queue

if TYPE_CHECKING:
    from abathur_tui.project.project import Project
    from abathur_tui.project.workbench import Workbench


async def submit_together(project: "Project", text: str, wish: Wish) -> tuple[Submitted, list[int]]:
    """Queue a JSON text's jobs as one execution; gives for each job the task with its result. Raises as `plan_together` and `submit_plan` do."""
    key = key_of(wish, jobs=text)
    for known in await submitted_with(project, key):
        several = sum(1 for _ in read_jobs(text)) > 1
        return known, await project.read(queue.members, known.root) if several else [known.root]
    plan, roots = await asyncio.to_thread(plan_together, project.workbench, text)
    submitted = await project.submit_plan(plan, wish, key=key)
    if submitted.again:  # by somebody else at the same time
        return await submit_together(project, text, wish)
    return submitted, [submitted.tasks[root] for root in roots]


def plan_together(bench: "Workbench", text: str) -> tuple[Plan, list[str]]:
    """The plan of a JSON text's jobs, and for each job the node with its result.

    Raises DocumentInvalid with the mistakes of all of them, CyclicDependencies, OverLimit.
    """
    jobs: list[Job] = []
    plans: list[Plan] = []
    wrong: list[Detail] = []
    for job in read_jobs(text):
        if isinstance(job, Detail):
            wrong.append(job)
            continue
        jobs.append(job)
        try:
            plans.append(plan_job(bench, job))
        except AbathurError as error:
            wrong += located(error, job)
    wrong += _wrong_ids(jobs)
    if not jobs and not wrong:
        wrong.append(Detail("there is no task here", code=DocumentInvalid.code))
    if wrong:
        raise invalid(wrong)
    _refuse_circles(jobs)
    most = bench.settings.language.max_nodes
    if sum(len(plan.nodes) for plan in plans) > most:
        raise OverLimit(f"These are more than {most:,} tasks.", hint="Split the file, or raise language.max_nodes.")
    return _joined(jobs, plans, text, bench.settings.fork.success_threshold)


def _wrong_ids(jobs: Sequence[Job]) -> list[Detail]:
    """Ids that are there twice, or that are named and not there."""
    wrong: list[Detail] = []
    where: dict[str, str] = {}
    for job in jobs:
        if job.id is not None and job.id in where:
            message = f"the id `{job.id}` is there twice, first in {where[job.id]}"
            wrong.append(job.where.placed(Detail(message, code=DocumentInvalid.code)))
        elif job.id is not None:
            where[job.id] = job.where.name
    for job in jobs:
        for other in job.after:
            if other not in where:
                meant = nearest(other, where)
                suggestion = f"did you mean {meant}?" if meant else "`after` takes the ids of others in here"
                wrong.append(job.where.placed(Detail(f"nothing here has the id `{other}`", suggestion=suggestion, code=DocumentInvalid.code)))
    return wrong


def _refuse_circles(jobs: Sequence[Job]) -> None:
    if circle := circle_in({job.id: job.after for job in jobs if job.id is not None}):
        raise CyclicDependencies(f"Tasks wait for each other: {' → '.join(circle)}.")


def _joined(jobs: Sequence[Job], plans: Sequence[Plan], text: str, threshold: float) -> tuple[Plan, list[str]]:
    join = "n1" if len(plans) > 1 else None
    nodes: list[PlanNode] = []
    edges: list[Edge] = []
    roots: list[str] = []
    texts: dict[str, str] = {}
    firsts: list[list[str]] = []
    count = 1 if join else 0
    for plan in plans:
        ids = {node.id: f"n{count + place}" for place, node in enumerate(plan.nodes, 1)}
        count += len(ids)
        nodes += [_renamed(node, ids, join) for node in plan.nodes]
        edges += [Edge(ids[edge.node], ids[edge.needs], edge.need) for edge in plan.edges]
        waiting = {edge.node for edge in plan.edges}
        firsts.append([ids[node.id] for node in plan.nodes if node.id not in waiting])
        roots.append(ids[plan.root])
        texts |= plan.templates
    by_id = {job.id: root for job, root in zip(jobs, roots, strict=True)}
    for job, first in zip(jobs, firsts, strict=True):
        need = Need.SETTLES if job.ignore_dependency_failure else Need.NEEDS
        edges += [Edge(node, by_id[other], need) for node in first for other in dict.fromkeys(job.after)]
    if join is not None:
        spec = JoinSpec(JoinStrategy.CONCATENATE, threshold)
        priority = max(node.priority for node in nodes)
        nodes.insert(0, PlanNode(join, f"JOIN of {len(plans)} results", Kind.JOIN, None, None, None, "", {}, depth=0, priority=priority, join=spec))
        edges += [Edge(join, root, Need.SETTLES) for root in roots]
    return Plan(tuple(nodes), tuple(edges), join or roots[0], text, templates=texts), roots


def _renamed(node: PlanNode, ids: Mapping[str, str], join: str | None) -> PlanNode:
    spec = node.join
    if spec is not None:
        lead = None if spec.lead is None else ids[spec.lead]
        spec = replace(spec, lead=lead, required=tuple(ids[member] for member in spec.required))
    return replace(
        node,
        id=ids[node.id],
        parent=join if node.parent is None else ids[node.parent],
        references=tuple(replace(reference, node=ids[reference.node]) for reference in node.references),
        join=spec,
        in_passes_of=None if node.in_passes_of is None else ids[node.in_passes_of],
        fallback=_renamed_fallback(node.fallback, ids),
    )


def _renamed_fallback(fallback: Fallback | None, ids: Mapping[str, str]) -> Fallback | None:
    if fallback is None or fallback.body is None:
        return fallback
    body = fallback.body
    all_ids = {**ids, **{node.id: node.id.replace(body.loop, ids[body.loop], 1) for node in body.nodes}}
    nodes = tuple(_renamed(node, all_ids, None) for node in body.nodes)
    edges = tuple(Edge(all_ids[edge.node], all_ids[edge.needs], edge.need) for edge in body.edges)
    return replace(fallback, body=replace(body, loop=ids[body.loop], face=all_ids[body.face], nodes=nodes, edges=edges))
