"""Teams whose members answer as a test says, and the join that they meet in."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from abathur_tui.domain.conversation import TurnRequest
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.domain.leases import Input, Work
from abathur_tui.domain.plan import JoinSpec, JoinStrategy, Kind, OnFailure
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import Task, TaskError
from tests.engine.bench import Bench, join_node, node, settles
from tests.scripted import Say, Script, Step

TASK = Task(
    id=9, execution=1, parent=None, kind=Kind.JOIN, name="join", template=None, template_version=None, agent=None, status=Status.RUNNING, why="",
    progress=None, priority=5, attempt=1, unmet=0, depends_on=(), tags=(), created_at=0, started_at=0, finished_at=None, due_at=None, error=None,
    tokens_input=0, tokens_output=0, cost_usd=None, instance=1, instances=1,
)  # fmt: skip
WORK = Work(TASK, "", {}, {}, RuntimeChoice(RuntimeName.LOCAL), None, 60, 3, 0, OnFailure.RETRY, None, None, None, (), 1, None)


def done(task: int, text: str = "text", **changes: object) -> Input:
    """A member that completed."""
    return replace(Input(task, f"CODE {task}", Status.COMPLETED, text, None, False), **changes)  # type: ignore[arg-type]


def failed(task: int, *, required: bool = False) -> Input:
    """A member that did not."""
    return Input(task, f"CODE {task}", Status.DEAD, None, TaskError("ABTH-ERR-042", "no such model"), required)


def spec(strategy: JoinStrategy = JoinStrategy.CONCATENATE, share: float = 0.8, **changes: object) -> JoinSpec:
    """A join's rule; `share` is that of its members who must complete."""
    return replace(JoinSpec(strategy, share), **changes)  # type: ignore[arg-type]


def team(bench: Bench, strategy: JoinStrategy, *members: str, priorities: Sequence[int] = (), instances: bool = True, **rule: object) -> list[int]:
    """Queue members that are asked `member 1`, `member 2`…, and their join; the tasks' ids, the join's last.

    The members' answers are in the texts: a script made by `answering` gives them.
    """
    nodes = [
        node(
            f"n{number}",
            text,
            priority=priorities[number - 1] if priorities else 5,
            instance=number if instances else 1,
            instances=len(members) if instances else 1,
        )
        for number, text in enumerate(members, 1)
    ]
    meeting = replace(join_node("all"), join=spec(strategy, **rule))  # type: ignore[arg-type]
    return bench.submit(*nodes, meeting, edges=settles("all", *(one.id for one in nodes)))


def answering(**others: Callable[[str], str] | str) -> Script:
    """Members answer with their own prompt's first part, other agents (`judge`, `orchestrator`) as it is given for them."""

    def script(request: TurnRequest) -> Iterable[Step]:
        prompt = request.messages[-1].text
        who = request.system.removeprefix("You are ").removesuffix(".")
        answer = others.get(who)
        if answer is None:
            return [Say(prompt.partition("\n\nYou are ")[0])]
        return [Say(answer if isinstance(answer, str) else answer(prompt))]

    return script


def scores(*values: float) -> str:
    """A judge's answer."""
    return json.dumps({"scores": [{"result": number, "score": value, "reason": f"reason {number}"} for number, value in enumerate(values, 1)]})


def choices(*options: int) -> str:
    """A judge's decisions."""
    return json.dumps({"choices": [{"contradiction": number, "option": one, "reason": "better founded"} for number, one in enumerate(options, 1)]})


def report(bench: Bench, join: int) -> Mapping[str, object]:
    """What the join has left beside its result."""
    found = bench.detail(join).join
    assert found is not None
    return found.data()
