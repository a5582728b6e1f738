"""Plans and queues for tests, in a few words."""

from collections.abc import Iterable
from sqlite3 import Connection

from abathur_tui.domain.conversation import Message, TextBlock, TurnDone, Usage
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName, SubmitOptions, Submitted
from abathur_tui.domain.leases import Claim
from abathur_tui.domain.loops import Direction, LoopSpec, ThresholdCriterion
from abathur_tui.domain.plan import Edge, JoinSpec, JoinStrategy, Kind, Need, OnFailure, Plan, PlanNode
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import TaskError
from abathur_tui.storage import Database, queue, views
from abathur_tui.storage.records import keep

NOW = 1_800_000_000.0
RUNTIME = RuntimeChoice(RuntimeName.LOCAL)
LANE = RUNTIME.lane
ENGINE = "11111111-1111-4111-8111-111111111111"
BAD = TaskError("ABTH-ERR-042", "refused")
ALL_FREE = {LANE: 1000}


def node(
    id: str,
    *,
    kind: Kind = Kind.AGENT,
    priority: int = 5,
    parent: str | None = None,
    model: str | None = None,
    on_failure: OnFailure = OnFailure.RETRY,
    expires: float | None = None,
    tags: tuple[str, ...] = (),
    template: str | None = None,
    threshold: float = 0.8,
    required: tuple[str, ...] = (),
) -> PlanNode:
    """A node of that id and name."""
    return PlanNode(
        id=id,
        name=f"do {id}",
        kind=kind,
        template=template,
        template_version=None if template is None else "1.0.0",
        agent=None if kind is Kind.JOIN else "generalist",
        prompt="{{ prompt }}",
        parameters={"prompt": f"the work of {id}"},
        parent=parent,
        priority=priority,
        tags=tags,
        model=model,
        on_failure=on_failure,
        expires_in_seconds=expires,
        loop=LoopSpec(ThresholdCriterion("latency", 100.0, Direction.MINIMIZE, "measure"), 5) if kind is Kind.LOOP else None,
        join=JoinSpec(JoinStrategy.CONCATENATE, threshold, required=required) if kind is Kind.JOIN else None,
    )


def plan(nodes: Iterable[PlanNode | str], edges: Iterable[tuple[str, str] | Edge] = (), root: str | None = None) -> Plan:
    """A plan; its root is the last node unless one is named. A pair is an edge: the first needs the second."""
    made = tuple(node(one) if isinstance(one, str) else one for one in nodes)
    return Plan(made, tuple(one if isinstance(one, Edge) else Edge(*one) for one in edges), root or made[-1].id, "the source")


def chain(length: int) -> Plan:
    """Each task needs the one before."""
    return plan([f"n{i}" for i in range(length)], [(f"n{i}", f"n{i - 1}") for i in range(1, length)])


def fork(members: int = 2) -> Plan:
    """Members side by side and a join, the root."""
    names = [f"m{i}" for i in range(members)]
    return plan([*names, node("join", kind=Kind.JOIN)], [Edge("join", name, Need.SETTLES) for name in names])


def submit(database: Database, made: Plan, options: SubmitOptions | None = None, now: float = NOW) -> Submitted:
    """Queue it."""
    return database.write_now(queue.submit, made, options or SubmitOptions(RUNTIME), now)


def add_given(database: Database) -> None:
    """Let today's submit work in a file from before specs had the column `given`; `drop_given` makes it such a file again."""
    database.write_now(lambda c: c.execute("ALTER TABLE specs ADD COLUMN given TEXT").rowcount)


def drop_given(database: Database) -> None:
    """All parameters are content, as they were before that column."""

    def drop(c: Connection) -> None:
        for task, text in c.execute("SELECT task, given FROM specs WHERE given IS NOT NULL").fetchall():
            c.execute("UPDATE specs SET parameters = ? WHERE task = ?", (keep(c, text), task))
        c.execute("ALTER TABLE specs DROP COLUMN given")

    database.write_now(drop)


def claim(database: Database, limit: int = 1, *, engine: str = ENGINE, now: float = NOW) -> list[Claim]:
    """Claim with free slots in the only lane."""
    return database.write_now(queue.claim, engine, ALL_FREE, limit, now)


def claim_one(database: Database, *, now: float = NOW) -> Claim:
    """The one task that is first."""
    (claimed,) = claim(database, now=now)
    return claimed


def finish(database: Database, claimed: Claim, result: str = "done", now: float = NOW) -> None:
    """Complete it."""
    database.write_now(queue.complete, claimed.lease, result, now)


def fail(database: Database, claimed: Claim, now: float = NOW, *, status: Status = Status.FAILED) -> None:
    """Fail it for good."""
    database.write_now(queue.fail, claimed.lease, BAD, now, status=status)


def status(database: Database, task: int) -> Status:
    """Where a task is."""
    return database.read_now(views.task, task).status


def statuses(database: Database, submitted: Submitted) -> dict[str, str]:
    """Node id to status."""
    return {name: status(database, id).value for name, id in submitted.tasks.items()}


def said(text: str, *, cost: float | None = 0.01) -> TurnDone:
    """A finished turn that says so much."""
    return TurnDone(Message("assistant", (TextBlock(text),)), "end_turn", Usage(100, 20), "model-1", cost)
