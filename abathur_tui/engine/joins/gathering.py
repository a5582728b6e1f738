"""Joins that need nobody's judgement: all outputs one after the other, or the output of one."""

from abathur_tui.domain.joins import Conflict, Contribution
from abathur_tui.engine.joins.contradictions import contradictions
from abathur_tui.engine.joins.meeting import Joined, Meeting
from abathur_tui.engine.joins.members import lines_under, named, title


async def concatenate(meeting: Meeting) -> Joined:
    """Each output under its member's name. Conflicts are listed; with a rule, below the outputs, as that rule settles them."""
    members = meeting.members
    if len(meeting.work.inputs) == 1:
        text = members[0].result or "" if members else ""
    else:
        text = "\n\n".join(f"## {title(member)}\n\n{(member.result or '').strip()}" for member in members)
    conflicts = await contradictions(meeting)
    if meeting.spec.conflicts is not None:
        text = text.rstrip() + lines_under("Conflicts", [_line(conflict) for conflict in conflicts])
    text = text.rstrip() + lines_under("Missing", meeting.present.missing)
    contributions = [Contribution(member.task, True, "its whole result") for member in members]
    account = "one result" if len(members) == 1 else f"{len(members)} results, one after the other"
    return Joined(text.strip(), meeting.report(account, contributions, conflicts))


async def lead(meeting: Meeting) -> Joined:
    """The output of the member that leads."""
    leading = next((member for member in meeting.members if member.task == meeting.work.lead), None)
    text = (leading.result or "" if leading else "").rstrip() + lines_under("Missing", meeting.present.missing)
    contributions = [
        Contribution(member.task, member is leading, "the result" if member is leading else "a part beside the result") for member in meeting.members
    ]
    return Joined(text.strip(), meeting.report(f"the result of {named(leading.task)}" if leading else "no result", contributions))


def _line(conflict: Conflict) -> str:
    settled = f"{conflict.settled!s:.200}".strip().replace("\n", " ⏎ ")
    return f"{conflict.where}: {settled} (by {conflict.rule}: {conflict.reason})"
