"""A plan: what a text expands to before anything is queued. Pure data; `storage.queue` turns it into rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.loops import LoopSpec
from abathur_tui.domain.success import Success


class Kind(StrEnum):
    """What a task is."""

    AGENT = "agent"
    """A prompt for an agent."""
    LOOP = "loop"
    """A prompt that is run again and again until a criterion says that it converged."""
    JOIN = "join"
    """One result made of other tasks' results."""


class Need(StrEnum):
    """What an edge asks of the task that it points to."""

    NEEDS = "needs"
    """It must complete."""
    SETTLES = "settles"
    """It must end, however (joins, `ignore_dependency_failure`)."""


class OnFailure(StrEnum):
    """What happens when a task has failed for good."""

    RETRY = "retry"
    """Transient errors are tried again, as the queue's settings say (the default)."""
    FAIL = "fail"
    """No attempt but the first."""
    SKIP = "skip"
    """Its dependents go on without its result."""
    FALLBACK = "fallback"
    """Its template's fallback is done instead, as it is where nothing is said."""


class JoinStrategy(StrEnum):
    """How a join makes one result of many."""

    CONCATENATE = "concatenate"
    """The members' outputs one after the other, each under its name."""
    MERGE = "merge"
    """One JSON object of the members' objects, key by key, and one file of those that stand under the same path."""
    REDUCE = "reduce"
    """What a command makes of all of them, or an agent of two at a time."""
    VOTE = "vote"
    """The output of those who agree with most others."""
    BEST = "best"
    """The output to which a judge gives the highest score."""
    SYNTHESIZE = "synthesize"
    """What an agent writes of all of them."""
    LEAD = "lead"
    """The output of one member, the `lead`; the others are members only (a template's `parts`)."""


class ConflictRule(StrEnum):
    """Who is right where members contradict each other."""

    PRIORITY = "priority"
    """The member with the highest priority, the first one of equals."""
    MAJORITY = "majority"
    """What most of those say who say anything of it; of equals, as `PRIORITY`."""
    NEWEST = "newest"
    """The member that was done last."""
    JUDGE = "judge"
    """What a judge says, with a reason."""
    ASK = "ask"
    """What a person says: the join waits until somebody has answered."""


@dataclass(frozen=True, slots=True)
class JoinWish:
    """How results are to be joined, as far as a command or a template says it; None: as it is usual there."""

    strategy: JoinStrategy | None = None
    success_threshold: float | None = None
    conflicts: ConflictRule | None = None
    command: str | None = None
    threshold: float | None = None
    criteria: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JoinSpec:
    """A join's rule. Its members are the tasks to which it has edges."""

    strategy: JoinStrategy
    success_threshold: float
    """The share of members (0 to 1) that must complete, else the join fails."""
    lead: str | None = None
    """The node whose output is the join's, for `LEAD`."""
    required: tuple[str, ...] = ()
    """Members whose failure fails the join whatever the share."""
    conflicts: ConflictRule | None = None
    """None: the strategy's own way, which for `MERGE` is `PRIORITY`."""
    command: str | None = None
    """For `REDUCE`, a shell command that the user wrote; None: an agent does it."""
    threshold: float | None = None
    """For `SYNTHESIZE`: members to which a judge gives less (0 to 1) are left out; None: nobody judges them."""
    criteria: tuple[str, ...] = ()
    """What a judge scores by; empty: the usual."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """What an agent does instead when a node has failed for good."""

    template: str
    version: str
    agent: str
    prompt: str
    parameters: JsonObject
    """Its own; those that it takes of the node are not among them."""
    takes: Mapping[str, str] = field(default_factory=dict)
    """Its parameters that are the node's, by the names that they have there."""
    loop: LoopSpec | None = None
    """Where it is a loop: its rule."""
    body: "LoopBody | None" = None
    """Where it nests others: what is made of it, which has all of its parameters; None where it is a single task."""


@dataclass(frozen=True, slots=True)
class Edge:
    """`node` waits for `needs`."""

    node: str
    needs: str
    need: Need = Need.NEEDS


@dataclass(frozen=True, slots=True)
class Reference:
    """A place in a node's parameters that takes another node's result when the task starts."""

    pointer: str
    """JSON Pointer into the parameters; the place holds null until then."""
    node: str


@dataclass(frozen=True, slots=True)
class Start:
    """A task is not to be started before a moment."""

    at: float
    """Unix seconds."""
    on_the_clock: bool
    """That moment was named (`at`), and stays when the clock is set; else it is a time from when it was submitted (`in`)."""


@dataclass(frozen=True, slots=True)
class PlanNode:
    """A task to be."""

    id: str
    """Unique within the plan: `n1`, `n2`…, in the order of submission."""
    name: str
    """What lists show: `CODE auth service`."""
    kind: Kind
    template: str | None
    """None for a plain prompt and for joins."""
    template_version: str | None
    agent: str | None
    """The agent definition's name; None for joins."""
    prompt: str
    """A Jinja text over the parameters, rendered when the task starts; a plain prompt is `{{ prompt }}`."""
    parameters: JsonObject
    references: tuple[Reference, ...] = ()
    parent: str | None = None
    """The node inside which this one was written or nested."""
    depth: int = 1
    priority: int = 5
    tags: tuple[str, ...] = ()
    model: str | None = None
    """None: the execution's."""
    timeout_seconds: float | None = None
    retries: int | None = None
    """Attempts after the first; None: the queue's setting."""
    on_failure: OnFailure = OnFailure.RETRY
    expires_in_seconds: float | None = None
    start: Start | None = None
    memory_bytes: int | None = None
    """What it declares that it needs: it starts only when that still fits."""
    cores: float | None = None
    instance: int = 1
    instances: int = 1
    loop: LoopSpec | None = None
    join: JoinSpec | None = None
    fallback: Fallback | None = None
    in_passes_of: str | None = None
    """The loop that makes this node anew in each of its passes; its result, or what it is part of, is the pass's."""
    success: Success | None = None
    """What its result must meet; None: it counts as it is."""
    parallel_because: str | None = None
    """Where the plan has found how many instances fit (of this node, or of a join's members): what decided."""
    estimated_seconds: float = 30.0
    """Of a loop, one pass; all of it where it was measured."""
    complexity: int = 50
    measured: bool = False
    """The estimate is the mean of its template's past runs, not the template's own guess."""
    estimated_tokens: float | None = None
    """The mean of past runs; None where there are too few."""
    estimated_cost_usd: float | None = None
    """The mean of past runs; None where there are too few, or they cost nothing."""


@dataclass(frozen=True, slots=True)
class LoopBody:
    """What a loop makes anew in each of its passes: the commands that were written or nested in it, and its own step among them.

    Also what a node's fallback makes, once: then the node is what is called the loop here.
    """

    loop: str
    """The loop's own node, which is not among `nodes`."""
    face: str
    """The node whose result is the pass's."""
    nodes: tuple[PlanNode, ...]
    """In the plan's order; those of loops among them are theirs, by `in_passes_of`."""
    edges: tuple[Edge, ...]
    """Of these nodes, also to those outside."""
    outside: dict[str, int] = field(default_factory=dict)
    """Nodes outside that these wait for, and the tasks that they are."""

    @property
    def own(self) -> str | None:
        """The loop's own step; None for a fork, which has none."""
        face = next(node for node in self.nodes if node.id == self.face)
        return face.id if face.join is None else face.join.lead


@dataclass(frozen=True, slots=True)
class Amount:
    """What a plan may take."""

    seconds: float | None
    """Along the longest path; None where a loop has no limit."""
    tokens: int | None
    """None where a loop has no limit."""
    cost_usd: float | None
    """None where the price is not known, or a loop has no limit."""


UNKNOWN = Amount(None, None, None)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan is expected to take; a guess unless `measured`."""

    seconds: float
    """Along the longest path."""
    tokens: int
    cost_usd: float | None
    """None where the price is not known."""
    measured: bool = False
    low: Amount = UNKNOWN
    """Where each loop converges in its first pass, and nothing is tried again."""
    worst: Amount = UNKNOWN
    """Where each loop goes to its limit, and everything is tried as often as it may be."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Nodes in submission order, edges between them, and the node that is the execution's result."""

    nodes: tuple[PlanNode, ...]
    edges: tuple[Edge, ...]
    root: str
    source: str = ""
    """The text that it was made of."""
    estimate: Estimate = field(default_factory=lambda: Estimate(0.0, 0, None))
    reads: tuple[str, ...] = ()
    """What the text took in from outside: `file("src/main.py")`."""
    templates: Mapping[str, str] = field(default_factory=dict)
    """`NAME@version` to the text of each template that it was made of, as far as whoever made it has kept them."""

    def possible(self) -> Iterator[PlanNode]:
        """The nodes, each followed by those that its fallback would make."""
        for node in self.nodes:
            yield node
            if node.fallback is not None and node.fallback.body is not None:
                yield from node.fallback.body.nodes

    def levels(self) -> list[list[str]]:
        """Node ids by level: each node one level after the last of those that it waits for. In the plan's order within a level."""
        needs: dict[str, list[str]] = {node.id: [] for node in self.nodes}
        for edge in self.edges:
            needs[edge.node].append(edge.needs)
        level: dict[str, int] = {}
        order = self._topological(needs)
        for node in order:
            level[node] = 1 + max((level[other] for other in needs[node]), default=-1)
        rows: list[list[str]] = [[] for _ in range(1 + max(level.values(), default=-1))]
        for plan_node in self.nodes:
            rows[level[plan_node.id]].append(plan_node.id)
        return rows

    def _topological(self, needs: dict[str, list[str]]) -> list[str]:
        open_edges = {node: len(others) for node, others in needs.items()}
        dependents: dict[str, list[str]] = {node: [] for node in needs}
        for node, others in needs.items():
            for other in others:
                dependents[other].append(node)
        ready = [node for node, count in open_edges.items() if count == 0]
        for node in ready:
            for dependent in dependents[node]:
                open_edges[dependent] -= 1
                if open_edges[dependent] == 0:
                    ready.append(dependent)
        if len(ready) < len(needs):
            raise ValueError("a plan has no cycles")
        return ready
