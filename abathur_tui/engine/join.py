"""Joins: one result of many, as long as enough members completed, with what is missing named."""

from dataclasses import dataclass

from abathur_tui.domain.errors import ForkFailed
from abathur_tui.domain.ids import TaskId, task_text
from abathur_tui.domain.leases import Input, Work
from abathur_tui.domain.plan import JoinSpec, JoinStrategy
from abathur_tui.domain.status import Status


@dataclass(frozen=True, slots=True)
class Joined:
    """What a join has made."""

    text: str
    missing: tuple[str, ...]
    """A line for each member that did not complete."""


def join(work: Work, spec: JoinSpec) -> Joined:
    """The result of the task's members. Raises ForkFailed where too few of them, or not those that must, completed."""
    members = work.inputs
    completed = [member for member in members if member.status is Status.COMPLETED]
    missing = tuple(_named(member) for member in members if member.status is not Status.COMPLETED)
    rate = len(completed) / len(members) if members else 1.0
    # A hair's breadth for shares such as 0.8 of 5, which floats do not hit exactly.
    if rate + 1e-9 < spec.success_threshold:
        counted = f"{len(completed)} of {len(members)} members completed ({rate:.0%}), and {spec.success_threshold:.0%} must"
        raise ForkFailed(f"{counted}. {_sentence(missing)}")
    needed = [member for member in members if member.status is not Status.COMPLETED and (member.required or _leads(member, work, spec))]
    if needed:
        raise ForkFailed(f"A member that must complete did not. {_sentence([_named(member) for member in needed])}")
    match spec.strategy:
        case JoinStrategy.LEAD:
            text = next((member.result or "" for member in members if member.task == work.lead), "")
        case JoinStrategy.CONCATENATE:
            text = _concatenated(completed, alone=len(members) == 1)
    if missing:
        text += "\n\n## Missing\n\n" + "\n".join(f"- {line}" for line in missing)
    return Joined(text.strip(), missing)


def _leads(member: Input, work: Work, spec: JoinSpec) -> bool:
    return spec.strategy is JoinStrategy.LEAD and member.task == work.lead


def _concatenated(members: list[Input], *, alone: bool) -> str:
    if alone:
        return members[0].result or "" if members else ""
    return "\n\n".join(f"## {member.name}\n\n{(member.result or '').strip()}" for member in members)


def _named(member: Input) -> str:
    because = f": {member.error.message}" if member.error is not None else ""
    return f"{member.name} ({task_text(TaskId(member.task))}) is {member.status}{because}"


def _sentence(lines: tuple[str, ...] | list[str]) -> str:
    return "; ".join(lines) + ("" if not lines or lines[-1].endswith(".") else ".")
