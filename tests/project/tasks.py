"""Rows for tests of pure functions over them."""

from dataclasses import replace

from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import Execution, Task

_TASK = Task(
    id=1,
    execution=1,
    parent=None,
    kind=Kind.AGENT,
    name="task",
    template=None,
    template_version=None,
    agent="generalist",
    status=Status.COMPLETED,
    why="",
    progress=None,
    priority=5,
    attempt=1,
    unmet=0,
    depends_on=(),
    tags=(),
    created_at=100.0,
    started_at=101.0,
    finished_at=102.0,
    due_at=None,
    error=None,
    tokens_input=10,
    tokens_output=20,
    cost_usd=0.5,
    instance=1,
    instances=1,
)


def task(id: int, **changes: object) -> Task:
    """A completed task of one second, but for `changes`."""
    return replace(_TASK, id=id, name=f"task {id}", **changes)  # type: ignore[arg-type]


def execution(root: int, status: Status = Status.COMPLETED, finished_at: float | None = 110.0) -> Execution:
    """An execution that was submitted at 100."""
    return Execution(7, root, "text", status, RuntimeChoice(RuntimeName.COMMAND), 100.0, finished_at, "user")
