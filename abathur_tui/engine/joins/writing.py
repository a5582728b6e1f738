"""Joins in which something new is made of the results: by a command, by an agent of two at a time, or by an agent of all."""

import asyncio
import json
import os
import sys

from abathur_tui.domain.conversation import FailureKind
from abathur_tui.domain.errors import CommandFailed, ForkFailed, JoinFailed
from abathur_tui.domain.ids import ExecutionId, TaskId, execution_text, task_text
from abathur_tui.domain.joins import Conflict, Contribution
from abathur_tui.domain.leases import Input
from abathur_tui.engine.asking import Question
from abathur_tui.engine.criteria import calling
from abathur_tui.engine.joins.contradictions import contradictions
from abathur_tui.engine.joins.judging import scored
from abathur_tui.engine.joins.meeting import ORCHESTRATOR, Joined, Meeting, told
from abathur_tui.engine.joins.members import lines_under, listed, named, title
from abathur_tui.engine.joins.questions import REDUCTION, SYNTHESIS
from abathur_tui.engine.joins.voting import normal
from abathur_tui.language.criteria import is_function

_LONGEST_OUTPUT = 4_000_000
"""Bytes that a reducing command may print."""
_NEVER_PASSED_ON = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")
_TRY_AGAIN = 75
"""The exit code by which a program says that it may do better later (EX_TEMPFAIL)."""


async def reduce(meeting: Meeting) -> Joined:
    """What the command makes of all results, or an agent of two at a time until one is left."""
    return await _by_command(meeting, meeting.spec.command) if meeting.spec.command is not None else await _pairwise(meeting)


async def synthesize(meeting: Meeting) -> Joined:
    """What an agent writes of all results, but for those that repeat another one and those below the threshold."""
    kept, left_out = await _selected(meeting)
    notes = [Contribution(task, False, f"left out: {why}") for task, why in left_out.items()]
    missing = meeting.present.missing
    conflicts: list[Conflict] = []
    if len(kept) < 2:
        text = kept[0].result or "" if kept else ""
        account = f"only {named(kept[0].task)} was left, and stands as it is" if kept else "no result"
    else:
        conflicts = await contradictions(meeting.only(kept))
        question = Question(
            f"Synthesis for {meeting.work.task.name}",
            ORCHESTRATOR,
            SYNTHESIS,
            {"task": meeting.work.task.name, "conflicts": told(conflicts), "missing": "\n".join(f"- {line}" for line in missing)},
            tuple(member.task for member in kept),
        )
        answer = await meeting.asker.ask(question)
        if not answer.text.strip():
            raise JoinFailed(f"{question.name} is empty ({named(answer.task)}).")
        text = answer.text
        account = f"{named(answer.task)} wrote one result of {listed([member.task for member in kept])}"
        conflicts = _settled_by(conflicts, "synthesis", answer.task)
    names = {member.task: title(member) for member in meeting.work.inputs}
    text = text.rstrip() + lines_under("Left out", [f"{names[task]} ({named(task)}): {why}" for task, why in left_out.items()])
    text = text.rstrip() + lines_under("Missing", missing)
    notes += [Contribution(member.task, True, "part of the synthesis") for member in kept]
    return Joined(text.strip(), meeting.report(account, notes, conflicts))


async def _selected(meeting: Meeting) -> tuple[tuple[Input, ...], dict[int, str]]:
    """Those of whom the synthesis is made, and why others are not among them."""
    first: dict[str, int] = {}
    left_out: dict[int, str] = {}
    for member in meeting.members:
        text = normal(member.result or "")
        if not text:
            left_out[member.task] = "it is empty"
        elif text in first:
            left_out[member.task] = f"it is the same as {named(first[text])}"
        else:
            first[text] = member.task
    kept = tuple(member for member in meeting.members if member.task not in left_out)
    threshold = meeting.spec.threshold
    if threshold is None or not kept:
        return kept, left_out
    unknown = tuple(member for member in kept if member.quality is None)
    given = {member.task: (member.quality, "as it was judged before") for member in kept}
    if unknown:
        scores = await scored(meeting, unknown)
        given |= {member.task: (score.score, score.reason) for member, score in zip(unknown, scores, strict=True)}
    for member in kept:
        score, reason = given[member.task]
        if score is not None and score < threshold:
            left_out[member.task] = f"its score of {score:.2f} is below {threshold:.2f} ({reason})"
    left = tuple(member for member in kept if member.task not in left_out)
    if not left:
        lines = "; ".join(f"{named(task)}: {why}" for task, why in left_out.items())
        raise ForkFailed(f"None of the results is good enough for the synthesis. {lines}.")
    return left, left_out


async def _pairwise(meeting: Meeting) -> Joined:
    """Two neighbours become one, all pairs of a level side by side; an odd one goes on as it is."""
    conflicts = await contradictions(meeting)
    written: list[tuple[int, str]] = [(member.task, member.result or "") for member in meeting.members]
    turns = 0
    while len(written) > 1:
        pairs = [(written[place], written[place + 1]) for place in range(0, len(written) - 1, 2)]
        questions = [
            Question(
                f"Reduction {turns + number} for {meeting.work.task.name}",
                ORCHESTRATOR,
                REDUCTION,
                {"conflicts": told(conflicts)},
                (first[0], second[0]),
            )
            for number, (first, second) in enumerate(pairs, 1)
        ]
        turns += len(questions)
        try:
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(meeting.asker.ask(question)) for question in questions]
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        odd = written[-1:] if len(written) % 2 else []
        written = [(answer.task, answer.text) for answer in (task.result() for task in asked)] + odd
    contributions = [Contribution(member.task, True, "reduced with the others") for member in meeting.members]
    text = written[0][1] if written else ""
    account = f"{len(meeting.members)} results, two at a time, in {turns} turns" if turns else "one result, which stands as it is"
    settled = _settled_by(conflicts, "reduction", written[0][0]) if turns else conflicts
    return Joined((text.rstrip() + lines_under("Missing", meeting.present.missing)).strip(), meeting.report(account, contributions, settled))


async def _by_command(meeting: Meeting, command: str) -> Joined:
    """The command gets a JSON array of `task`, `name`, `instance` and `result` on standard input, in the plan's order."""
    shop, work = meeting.shop, meeting.work
    given = [
        {"task": named(member.task), "name": member.name, "instance": member.instance, "result": member.result or ""} for member in meeting.members
    ]
    own = {name: value for name, value in os.environ.items() if not any(word in name.upper() for word in _NEVER_PASSED_ON)}
    environment = {
        **(dict(work.runtime.environment) or own),
        "ABATHUR_PROJECT": str(shop.project),
        "ABATHUR_EXECUTION": execution_text(ExecutionId(work.task.execution)),
        "ABATHUR_TASK": task_text(TaskId(work.task.id)),
    }
    function = command.strip() if is_function(command) else None
    # -P: the engine's own folder must not stand before the project's modules.
    argv = ["/bin/sh", "-c", command] if function is None else [sys.executable, "-P", calling.__file__, function, "reduce"]
    slot = await shop.slots.acquire(work.task.priority)
    try:
        ran = await shop.children.run(
            argv,
            cwd=shop.project,
            env=environment,
            stdin=json.dumps(given, ensure_ascii=False).encode("utf-8", "replace"),
            timeout_seconds=work.timeout_seconds,
            output_limit=_LONGEST_OUTPUT,
        )
    finally:
        slot.release()
    said = (ran.stderr.strip() or ran.stdout.strip())[-500:]
    if ran.timed_out:
        raise JoinFailed(f"The command that reduces the results took longer than {work.timeout_seconds:g} seconds.")
    how = f"was killed by signal {-ran.exit_code}" if ran.exit_code < 0 else f"ended with exit code {ran.exit_code}"
    failed = f"The command that reduces the results {how}{f': {said}' if said else '.'}"
    if ran.exit_code == _TRY_AGAIN:
        raise CommandFailed(failed, kind=FailureKind.TRANSIENT)
    if ran.exit_code != 0:
        raise JoinFailed(failed)
    what = "a command" if function is None else function
    text = ran.stdout if function is None else _said_by(function, ran.stdout)
    contributions = [Contribution(member.task, True, f"given to {'the command' if function is None else function}") for member in meeting.members]
    return Joined(text.strip(), meeting.report(f"{len(meeting.members)} results, reduced by {what}", contributions))


def _said_by(function: str, printed: str) -> str:
    """What the function made of the results. Raises JoinFailed."""
    try:
        said = json.loads(printed)
        return str(said["result"])
    except (ValueError, KeyError, TypeError) as error:
        reason = said["reason"] if isinstance(error, KeyError) and "reason" in said else "gave nothing that could be read"
        raise JoinFailed(f"The function {function} that reduces the results {reason}.") from None


def _settled_by(conflicts: list[Conflict], how: str, task: int) -> list[Conflict]:
    """The conflicts that no rule has settled are settled by whoever wrote the result."""
    return [
        conflict if conflict.rule else Conflict(conflict.kind, conflict.where, conflict.stands, how, None, f"{named(task)} decided in what it wrote")
        for conflict in conflicts
    ]
