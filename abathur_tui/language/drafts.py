"""Nodes while the plan grows: they know each other directly; numbers and pointers come at the end."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from abathur_tui.domain.loops import LoopSpec
from abathur_tui.domain.plan import Fallback, JoinStrategy, JoinWish, Kind, OnFailure
from abathur_tui.domain.success import Success
from abathur_tui.domain.templates import TemplateUse


@dataclass(frozen=True, slots=True)
class Result:
    """A place in a value that takes a node's result."""

    draft: "Draft"


Placed: TypeAlias = "bool | int | float | str | list[Placed] | dict[str, Placed] | Result | None"
"""JSON, with places for results."""


@dataclass(eq=False, slots=True)
class Draft:
    """A node to be."""

    name: str
    kind: Kind
    depth: int
    parent: "Draft | None" = None
    children: "list[Draft]" = field(default_factory=list)
    """Those whose parent it is, in written order."""
    template: str | None = None
    template_version: str | None = None
    agent: str | None = None
    prompt: str = ""
    parameters: "dict[str, Placed]" = field(default_factory=dict)
    """JSON, with a `Result` wherever another node's result belongs."""
    needs: "dict[Draft, None]" = field(default_factory=dict)
    """What must complete first, each once, in the order of their mention."""
    settles: "dict[Draft, None]" = field(default_factory=dict)
    """What must end first, however: a join's members."""
    priority: int = 5
    tags: tuple[str, ...] = ()
    model: str | None = None
    timeout_seconds: float | None = None
    retries: int | None = None
    on_failure: OnFailure = OnFailure.RETRY
    expires_in_seconds: float | None = None
    memory_bytes: int | None = None
    cores: float | None = None
    loop: LoopSpec | None = None
    body: "Draft | None" = None
    """Of a loop, what is made anew in each pass, where that is more than its own step; it is among the children."""
    fallback: Fallback | None = None
    instead: "Draft | None" = None
    """What the fallback makes, where it nests others; nothing in it is part of the plan."""
    success: Success | None = None
    instance: int = 1
    instances: int = 1
    parallel_because: str = ""
    """Where the plan has found how many instances fit: what decided."""
    strategy: JoinStrategy | None = None
    rule: JoinWish = field(default_factory=JoinWish)
    """How its members are joined, besides the strategy."""
    success_threshold: float = 0.8
    lead: "Draft | None" = None
    steps: "list[Draft]" = field(default_factory=list)
    """Of a join of instances: these."""
    required: "list[Draft]" = field(default_factory=list)
    estimated_seconds: float = 0.0
    complexity: int = 0
    past: TemplateUse | None = None
    """How its template has done, where it was used often enough to say."""

    def adopt(self, child: "Draft") -> None:
        """Become its parent."""
        child.parent = self
        self.children.append(child)

    def walk(self) -> "Iterator[Draft]":
        """The node and all inside it: parents first, in written order."""
        rest = [self]
        while rest:
            draft = rest.pop()
            yield draft
            rest.extend(reversed(draft.children))

    def first_steps(self) -> "list[Draft]":
        """Its own step, and the steps inside it that wait for nothing inside it: what must wait where all of it shall come later."""
        own = self.own_steps()
        inside = dict.fromkeys(self.walk())
        return [draft for draft in inside if draft.kind is not Kind.JOIN and (draft in own or not any(need in inside for need in draft.needs))]

    def own_steps(self) -> "list[Draft]":
        """The step of the command that it stands for: itself, its lead, or the instances of it."""
        own = self.lead or self
        return own.steps or [own]


def results_in(values: Mapping[str, Placed]) -> list[Draft]:
    """The nodes whose results stand in the values, in written order."""
    found: list[Draft] = []
    rest: list[Placed] = list(values.values())[::-1]
    while rest:
        match rest.pop():
            case Result(draft=draft):
                found.append(draft)
            case list() as items:
                rest.extend(reversed(items))
            case dict() as pairs:
                rest.extend(reversed(pairs.values()))
            case _:
                pass
    return found
