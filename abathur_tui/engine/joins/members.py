"""Who takes part in a join: enough members must have completed with something that it can use, and those that are missing are named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from abathur_tui.domain.errors import ForkFailed
from abathur_tui.domain.ids import TaskId, task_text
from abathur_tui.domain.joins import Contribution
from abathur_tui.domain.leases import Input, Work
from abathur_tui.domain.plan import JoinSpec, JoinStrategy
from abathur_tui.domain.status import Status

_NONE_USELESS: Mapping[int, str] = {}


@dataclass(frozen=True, slots=True)
class Present:
    """The members of a join that takes place."""

    members: tuple[Input, ...]
    """Those whose results count, in the plan's order."""
    lost: tuple[Contribution, ...]
    """What is to be said of the others."""
    missing: tuple[str, ...]
    """A line for each of them."""


def gathered(work: Work, spec: JoinSpec, useless: Mapping[int, str] = _NONE_USELESS) -> Present:
    """The members whose results count. `useless`: completed members whose results cannot be used, and why.

    Raises ForkFailed where too few of them, or not those that must, are there.
    """
    members = work.inputs
    lost = {member.task: _reason(member, useless) for member in members if member.status is not Status.COMPLETED or member.task in useless}
    present = tuple(member for member in members if member.task not in lost)
    missing = tuple(_line(member, lost[member.task]) for member in members if member.task in lost)
    rate = len(present) / len(members) if members else 1.0
    # A hair's breadth for shares such as 0.8 of 5, which floats do not hit exactly.
    if rate + 1e-9 < spec.success_threshold:
        how = "completed with something that can be joined" if useless else "completed"
        counted = f"{len(present)} of {len(members)} members {how} ({rate:.0%}), and {spec.success_threshold:.0%} must"
        raise ForkFailed(f"{counted}. {_sentence(missing)}")
    needed = [member for member in members if member.task in lost and (member.required or _leads(member, work, spec))]
    if needed:
        raise ForkFailed(f"A member that must complete did not. {_sentence([_line(member, lost[member.task]) for member in needed])}")
    return Present(present, tuple(Contribution(task, False, f"nothing: {reason}") for task, reason in lost.items()), missing)


def title(member: Input) -> str:
    """What it is, and which of several."""
    return f"{member.heading} ({member.instance} of {member.instances})" if member.instances > 1 else member.heading


def named(task: int) -> str:
    """`t12`."""
    return task_text(TaskId(task))


def listed(tasks: Sequence[int]) -> str:
    """`t2, t3 and t4`."""
    names = [named(task) for task in tasks]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def lines_under(heading: str, lines: Sequence[str]) -> str:
    """A section that lists what is not in the text above it; empty where there is nothing to list."""
    return f"\n\n## {heading}\n\n" + "\n".join(f"- {line}" for line in lines) if lines else ""


def _reason(member: Input, useless: Mapping[int, str]) -> str:
    if member.status is Status.COMPLETED:
        return useless[member.task]
    return f"is {member.status}" + (f": {member.error.message}" if member.error is not None else "")


def _line(member: Input, reason: str) -> str:
    return f"{title(member)} ({named(member.task)}) {reason}"


def _leads(member: Input, work: Work, spec: JoinSpec) -> bool:
    return spec.strategy is JoinStrategy.LEAD and member.task == work.lead


def _sentence(lines: Sequence[str]) -> str:
    return "; ".join(lines) + ("" if not lines or lines[-1].endswith(".") else ".")
