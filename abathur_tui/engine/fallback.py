"""What is done instead of a task that has failed for good: its fallback, as a task inside it, while it waits without a slot."""

from dataclasses import replace
from sqlite3 import Connection

from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import FallbackFailed
from abathur_tui.domain.ids import TaskId, task_text
from abathur_tui.domain.leases import Claim, Work
from abathur_tui.domain.plan import Fallback, Kind, LoopBody, PlanNode
from abathur_tui.domain.status import Status, Why
from abathur_tui.domain.tasks import TaskError
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import journal, queue, views

_PASS = 0
"""Its number among the tasks that its task has made: passes of loops count from 1, what loops and joins ask from -1 down."""


async def begun(shop: Workshop, work: Work) -> int | None:
    """The fallback that has been begun, also by an earlier engine; None where the task has not failed yet."""
    return None if work.fallback is None else await shop.database.read(queue.child_of, work.task.id, _PASS)


def begin(c: Connection, shop: Workshop, claim: Claim, work: Work, fallback: Fallback, error: TaskError) -> int:
    """Part of the transaction in which the task's own attempt is given up: the fallback's task, with all that it nests."""
    now = shop.clock.now()
    name = f"{fallback.template}@{fallback.version}"
    journal.log(c, claim.lease, "warning", "notice", f"it has failed for good, and {name} is done instead: {error.message}", now)
    if fallback.body is None:
        child = _add_single(c, claim, work, fallback, now)
    else:
        # a join has no results to hand on but its members', which have failed
        child = queue.add_pass(c, claim.lease, _named(fallback.body, claim, work, fallback), _PASS, now, built_on=work.join is None)
    queue.note(c, claim.lease, {"fallback": {"task": child, "template": name, "because": error.message}})
    queue.park(c, claim.lease, Why.CHILDREN, now)
    return child


def _add_single(c: Connection, claim: Claim, work: Work, fallback: Fallback, now: float) -> int:
    parameters: JsonObject = {**fallback.parameters, **{mine: work.parameters.get(theirs) for mine, theirs in fallback.takes.items()}}
    node = PlanNode(
        id="fallback",
        name=_name(fallback, work),
        kind=Kind.AGENT if fallback.loop is None else Kind.LOOP,
        loop=fallback.loop,
        template=fallback.template,
        template_version=fallback.version,
        agent=fallback.agent,
        prompt=fallback.prompt,
        parameters=parameters,
        depth=work.depth + 1,
        priority=claim.priority,
        tags=work.task.tags,
        model=work.model,
        instance=work.task.instance,
        instances=work.task.instances,
    )
    references = _references(fallback, work)
    ended = [one.task for one in work.inputs if work.join is None]
    return queue.add_child(c, claim.lease, node, now, pass_number=_PASS, built_on=ended, references=references)


def _named(body: LoopBody, claim: Claim, work: Work, fallback: Fallback) -> LoopBody:
    """The body, whose outermost node says what it is done instead of."""
    name = _name(fallback, work)
    return replace(body, nodes=tuple(replace(one, name=name, priority=claim.priority) if one.id == body.face else one for one in body.nodes))


def _name(fallback: Fallback, work: Work) -> str:
    return f"{fallback.template} instead of {work.task.name}"


async def finish(shop: Workshop, claim: Claim, child: int) -> tuple[str, str]:
    """The fallback's name and its result, which is to be the task's, once there is one. Raises FallbackFailed and LeaseLost."""
    await shop.database.write(lambda c: queue.park(c, claim.lease, Why.CHILDREN, shop.clock.now()))
    ended = await shop.endings.ended(child)
    if ended.status is not Status.COMPLETED:
        failed = (await shop.database.read(views.detail, claim.lease.task)).fell_back
        why = f": {failed.because.rstrip('.')}" if failed is not None else ""
        reason = f": {ended.error.message}" if ended.error is not None else ""
        raise FallbackFailed(f"It failed for good{why}. Its fallback {task_text(TaskId(child))} is {ended.status} too{reason}")
    result: str | None = await shop.database.read(views.result, child)
    return ended.name, result or ""


def _references(fallback: Fallback, work: Work) -> dict[str, int]:
    """Where results belong into the fallback's parameters, by JSON Pointer: where they belong into the task's own."""
    found: dict[str, int] = {}
    for pointer, task in work.references.items():
        _, name, *rest = pointer.split("/")
        for mine, theirs in fallback.takes.items():
            if theirs == name.replace("~1", "/").replace("~0", "~"):
                found["/".join(["", mine.replace("~", "~0").replace("/", "~1"), *rest])] = task
    return found
