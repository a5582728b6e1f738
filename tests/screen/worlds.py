"""Projects in a given state: real database files, filled through the queue's and the journal's own operations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from sqlite3 import Connection
from typing import Concatenate, ParamSpec, TypeVar

from abathur_tui.domain.conversation import Message, TextBlock, ToolOutcome, ToolUseBlock, TurnDone, Usage, message_data
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName, SubmitOptions
from abathur_tui.domain.leases import Lease
from abathur_tui.domain.loops import Direction, LoopSpec, Pass, ThresholdCriterion, Verdict
from abathur_tui.domain.plan import Edge, JoinSpec, JoinStrategy, Kind, Need, Plan, PlanNode
from abathur_tui.domain.status import Status, Why
from abathur_tui.domain.tasks import TaskError
from abathur_tui.storage import Database, agents, engines, journal, queue
from abathur_tui.storage.engines import EngineRow

P = ParamSpec("P")
T = TypeVar("T")

NOW = 1_790_000_000.0
"""The moment at which every picture is taken."""
ENGINE = "00000000-0000-4000-8000-000000000001"
RUNTIME = RuntimeChoice(RuntimeName.COMMAND, argv=("/bin/cat",), working_folder="/")
_CRITERION = ThresholdCriterion("latency_ms", 100.0, Direction.MINIMIZE, "./bench.sh")
LOOP = LoopSpec(_CRITERION, 20)
LATENCIES = (360.0, 230.0, 280.0, 190.0, 190.0, 118.0, 160.0)
RESULT = """# Gateway

The gateway *limits* each client **before** it looks at the token.

```python
def limited(request: Request) -> bool:
    return bucket(request.client).take(1)
```

- one bucket per client
- refused requests cost no query

| load | before | after |
|------|--------|-------|
| 100  | 12 ms  | 3 ms  |
"""


def node(name: str, *, agent: str | None = "generalist", kind: Kind = Kind.AGENT, **more: object) -> PlanNode:
    """A node of a plan."""
    template = name.split()[0] if name.split() and name.split()[0].isupper() else None
    defaults: dict[str, object] = {"template": template, "template_version": "1.0.0" if template else None, "parameters": {"prompt": name}}
    return PlanNode(id=str(more.pop("id", name)), name=name, kind=kind, agent=agent, prompt="{{ prompt }}", **(defaults | more))  # type: ignore[arg-type]


@dataclass
class World:
    """A database, and what is at work in it."""

    database: Database
    held: dict[int, Lease] = field(default_factory=dict)
    """Leases of the running tasks."""

    def do(self, operation: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """One of storage's operations, committed."""
        return self.database.write_now(operation, *args, **kwargs)

    def engine(self, limit: int = 10, busy: int = 0) -> None:
        """An engine has registered."""
        self.do(engines.register, EngineRow(ENGINE, 1, "here", NOW - 3600, busy=busy, limit=limit), NOW - 3600)

    def submit(self, *nodes: PlanNode, edges: Sequence[Edge] = (), root: str | None = None, age: float = 240.0, source: str = "") -> dict[str, int]:
        """A plan is queued `age` seconds ago; gives node ids to tasks."""
        plan = Plan(nodes, tuple(edges), root or nodes[-1].id, source)
        return self.do(queue.submit, plan, SubmitOptions(RUNTIME, max_size=1_000_000), NOW - age).tasks

    def claim(self, age: float = 200.0, most: int = 100) -> None:
        """All that is pending is claimed."""
        for claim in self.do(queue.claim, ENGINE, {RUNTIME.lane: most}, most, NOW - age):
            self.held[claim.lease.task] = claim.lease

    def agent(self, task: int, definition: str, *, doing: str = "", turn: int = 0, parent: int | None = None, age: float = 200.0) -> int:
        """An agent works at a running task."""
        lease = self.held[task]
        agent = self.do(agents.spawn, lease, definition, parent, NOW - age)
        self.do(agents.assign, lease, agent, NOW - age)
        self.do(agents.activity, agent, doing, turn, NOW)
        return agent

    def turn(
        self, task: int, agent: int | None, text: str, *, number: int = 1, cost: float | None = 0.02, age: float = 60.0, tokens: int = 400
    ) -> int:
        """A finished turn."""
        lease = self.held[task]
        asked = message_data(Message("user", (TextBlock("go on"),)))
        turn = self.do(journal.begin_turn, lease, number, agent, [asked], NOW - age - 10)
        done = TurnDone(Message("assistant", (TextBlock(text),)), "end_turn", Usage(20 * tokens, tokens), "claude-opus-5", cost)
        self.do(journal.finish_turn, lease, turn, done, NOW - age)
        return turn

    def speaks(self, task: int, agent: int | None, text: str, *, number: int = 1, age: float = 5.0) -> int:
        """A turn that is still going on."""
        lease = self.held[task]
        asked = message_data(Message("user", (TextBlock("go on"),)))
        turn = self.do(journal.begin_turn, lease, number, agent, [asked], NOW - age)
        self.do(journal.append_output, lease, turn, 0, text, NOW - age)
        return turn

    def tool(self, task: int, turn: int, name: str, arguments: dict[str, str], outcome: ToolOutcome, *, age: float = 20.0) -> None:
        """A tool call and what came of it."""
        call = ToolUseBlock(f"call-{name}-{age}", name, dict(arguments))
        self.do(journal.intend_tool, self.held[task], turn, call, NOW - age)
        self.do(journal.finish_tool, self.held[task], turn, call.id, outcome, NOW - age + 1)

    def complete(self, task: int, result: str, age: float = 30.0) -> None:
        """A task is done."""
        self.do(queue.complete, self.held.pop(task), result, NOW - age)

    def fail(self, task: int, code: str, message: str, status: Status = Status.FAILED, age: float = 30.0) -> None:
        """A task has failed for good."""
        self.do(queue.fail, self.held.pop(task), TaskError(code, message), NOW - age, status=status)

    def passes(self, loop: int, values: Sequence[float], *, cost: float | None = 0.13) -> None:
        """A running loop has made passes with these measurements."""
        for number, value in enumerate(values, 1):
            met = _CRITERION.met(value)
            done = Pass(
                number,
                loop,
                f"pass {number}",
                {"latency_ms": value},
                Verdict.CONVERGED if met else Verdict.CONTINUE,
                "",
                900,
                300,
                70.0,
                cost,
                NOW - 700 + 90 * number,
            )
            self.do(journal.finish_pass, self.held[loop], done, NOW - 700 + 90 * number)


def busy(world: World) -> None:
    """Everything that a day has: work of several kinds under way, waiting, paused and done."""
    world.engine(limit=10, busy=5)
    done = world.submit(node("SPEC sign-in with passkeys", agent="architect"), age=3700)
    world.claim(3600)
    spec = done["SPEC sign-in with passkeys"]
    architect = world.agent(spec, "architect", turn=1, age=3600)
    turn = world.turn(spec, architect, "I will look at the gateway first.", cost=0.4, age=3500)
    world.tool(spec, turn, "read_file", {"path": "src/gateway.py"}, ToolOutcome("import os\n" * 3, summary="src/gateway.py (212 lines)"), age=3490)
    world.complete(spec, RESULT, 3400)
    world.do(agents.set_state, architect, "TERMINATING", NOW - 3390)
    world.do(agents.set_state, architect, "TERMINATED", NOW - 3380)
    loop = world.submit(node("OPTIMIZE slow order query", agent="optimizer", kind=Kind.LOOP, loop=LOOP, priority=8), age=720)
    world.claim(700)
    optimize = loop["OPTIMIZE slow order query"]
    world.passes(optimize, LATENCIES)
    world.do(queue.park, world.held[optimize], Why.CHILDREN, NOW - 60)
    house = world.submit(
        node("CODE API gateway", agent="code-generator", priority=9),
        node("REVIEW src/auth.py", agent="reviewer", priority=8, instance=2, instances=3),
        node("TEST load tests", agent="tester", priority=8),
        node("DOCUMENT gateway runbook", agent="documenter", priority=7),
        node("ARCHITECTURE microservices", agent=None, kind=Kind.JOIN, priority=5, join=JoinSpec(JoinStrategy.CONCATENATE, 0.8)),
        edges=[
            Edge("TEST load tests", "CODE API gateway"),
            Edge("TEST load tests", "REVIEW src/auth.py"),
            Edge("DOCUMENT gateway runbook", "CODE API gateway"),
            Edge("ARCHITECTURE microservices", "TEST load tests", Need.SETTLES),
            Edge("ARCHITECTURE microservices", "DOCUMENT gateway runbook", Need.SETTLES),
        ],
    )
    world.claim(230)
    code, review = house["CODE API gateway"], house["REVIEW src/auth.py"]
    coder = world.agent(code, "code-generator", doing="edits src/gateway.py", turn=12)
    reviewer = world.agent(review, "reviewer", doing="reads src/auth.py", turn=4, parent=coder, age=120)
    first = world.turn(code, coder, "I have read the gateway.", number=11, cost=0.21, age=58)
    world.tool(code, first, "read_file", {"path": "src/gateway.py"}, ToolOutcome("…", summary="src/gateway.py (212 lines)"), age=50)
    world.turn(review, reviewer, "Two findings so far:\n1. the token is compared with ==\n2. no limit on tries", number=3, cost=0.08, age=40)
    world.do(journal.log, world.held[code], "warning", "stderr", "41 passed, 1 failed: test_burst_is_refused", NOW - 12)
    world.speaks(
        code, coder, "I will move the rate limiter before the auth check, so that a flood of bad tokens costs us no database call.", number=12
    )
    world.submit(node("CODE service registry", agent="code-generator", priority=6), age=200)
    later = world.submit(node("RESEARCH vector stores", agent="researcher", priority=4), age=7300)
    world.do(queue.pause, [later["RESEARCH vector stores"]], "user", NOW - 7000)


def failed(world: World) -> None:
    """Everything that can go wrong, and what waits for a person."""
    world.engine(limit=10)
    loop = world.submit(node("OPTIMIZE slow order query", agent="optimizer", kind=Kind.LOOP, loop=LOOP, priority=8), age=720)
    world.claim(700)
    optimize = loop["OPTIMIZE slow order query"]
    world.passes(optimize, (180.0, 240.0, 310.0))
    world.fail(optimize, "ABTH-ERR-082", "latency_ms is 180 after 3 passes, and the target is 100.", age=400)
    first = world.submit(
        node("CODE API gateway", agent="code-generator", priority=7),
        node("TEST API gateway", agent="tester", priority=7),
        edges=[Edge("TEST API gateway", "CODE API gateway")],
        age=900,
    )
    world.claim(880)
    code = first["CODE API gateway"]
    coder = world.agent(code, "code-generator", turn=2, age=880)
    world.speaks(code, coder, "I begin with the rou", age=600)
    world.do(journal.log, world.held[code], "error", "stderr", "Traceback (most recent call last): KeyError: 'port'", NOW - 590)
    world.fail(code, "ABTH-ERR-046", "agent.py ended with exit code 3.", Status.DEAD, age=580)
    world.do(agents.set_state, coder, "FAILED", NOW - 570, reason="exit code 3")
    gone = world.submit(node("DEPLOY staging manifests", agent="deployer", priority=6), age=500)
    world.do(queue.cancel, [gone["DEPLOY staging manifests"]], "user", "not today", NOW - 400)
    world.submit(node("RESEARCH rate limiters", agent="researcher", priority=6), node("DOCUMENT public API", agent="documenter"), age=300)
    world.do(queue.hold_lane, RUNTIME.lane, Why.KEY, None, "invalid x-api-key", "engine", NOW - 290)


WORLDS: dict[str, Callable[[World], None]] = {"empty": lambda world: None, "busy": busy, "failed": failed}
