"""Joins in which one member's result is chosen: by votes, or by a judge."""

from dataclasses import replace

from abathur_tui.domain.joins import Contribution, Judged, Quality
from abathur_tui.domain.leases import Input
from abathur_tui.engine.asking import Question
from abathur_tui.engine.joins.gathering import concatenate
from abathur_tui.engine.joins.meeting import JUDGE, Joined, Meeting
from abathur_tui.engine.joins.members import gathered, listed, named
from abathur_tui.engine.joins.questions import SCORES, USUAL_CRITERIA, Score, read_scores
from abathur_tui.engine.joins.settling import Decision, OpenConflict, Option, majority
from abathur_tui.engine.joins.voting import answers, normal

NO_ANSWER = "gave an empty answer"
NO_JUDGE = "the embedded model cannot judge"


async def vote(meeting: Meeting) -> Joined:
    """The result of the first of those who agree with most others.

    Of answers with as many votes, the one wins whose voter has the highest priority; of equals, the one that stands first in the plan.
    """
    meeting = _without_the_silent(meeting)
    cast = answers(meeting.members)
    if not cast:
        return Joined("", meeting.report("nobody voted", []))
    place = {member.task: number for number, member in enumerate(meeting.work.inputs)}
    options = tuple(Option(answer.shown, answer.members) for answer in cast)
    choice = majority(options, place)
    winner = cast[choice.option]
    contributions = [Contribution(member.task, answer is winner, f'voted for "{answer.shown}"') for answer in cast for member in answer.members]
    tally = "; ".join(f'{len(answer.members)} for "{answer.shown}" ({listed([member.task for member in answer.members])})' for answer in cast)
    conflicts = (
        [OpenConflict("answer", "the answer", options).settled(Decision(options[choice.option].value, choice.reason), "vote")]
        if len(cast) > 1
        else []
    )
    account = f"of {len(meeting.members)} votes {tally}" + (f"; {choice.reason}" if len(cast) > 1 else "")
    return Joined((winner.members[0].result or "").strip(), meeting.report(account, contributions, conflicts))


async def best(meeting: Meeting) -> Joined:
    """The result to which a judge gives the highest score; of equal scores the first one. Nobody is asked where there is no choice.

    All of them where the runtime cannot judge.
    """
    meeting = _without_the_silent(meeting)
    members = meeting.members
    if not members:
        return Joined("", meeting.report("no result to choose", []))
    if len({normal(member.result or "") for member in members}) == 1:
        alone = "the only result" if len(members) == 1 else "all results are the same"
        contributions = [Contribution(member.task, member is members[0], alone) for member in members]
        return Joined((members[0].result or "").strip(), meeting.report(f"{alone}: {named(members[0].task)}", contributions))
    if not await meeting.has_judge():
        return await _all_of_them(meeting)
    scores = await scored(meeting, members)
    highest = max(range(len(members)), key=lambda place: (scores[place].score, -place))
    chosen, won = members[highest], scores[highest]
    contributions = [
        Contribution(member.task, member is chosen, f"{'chosen, ' if member is chosen else ''}score {score.score:.2f}: {score.reason}")
        for member, score in zip(members, scores, strict=True)
    ]
    quality = Quality(won.score, (Judged(_criteria(meeting), won.score, won.reason),))
    account = f"the best of {len(members)} is {named(chosen.task)} with a score of {won.score:.2f}: {won.reason.rstrip('.')}"
    return Joined((chosen.result or "").strip(), meeting.report(account, contributions, quality=quality))


async def _all_of_them(meeting: Meeting) -> Joined:
    """Where nobody can say which is the best, none is thrown away."""
    joined = await concatenate(meeting)
    account = f'{NO_JUDGE}, so all {len(meeting.members)} results stand here, one after the other; join="vote" would choose one without a judge'
    return Joined(joined.text, replace(joined.report, account=account))


async def scored(meeting: Meeting, members: tuple[Input, ...]) -> list[Score]:
    """What a judge gives each of these members' results."""
    question = Question(
        f"Scores for {meeting.work.task.name}",
        JUDGE,
        SCORES,
        {"task": await meeting.task_of(members), "criteria": _criteria(meeting)},
        tuple(member.task for member in members),
    )
    return await meeting.asker.ask_for(question, lambda text: read_scores(text, len(members)))


def _criteria(meeting: Meeting) -> str:
    return ", ".join(meeting.spec.criteria or USUAL_CRITERIA)


def _without_the_silent(meeting: Meeting) -> Meeting:
    """The same without those whose result is empty. Raises ForkFailed where too few are left."""
    useless = {member.task: NO_ANSWER for member in meeting.members if not normal(member.result or "")}
    return meeting.without(gathered(meeting.work, meeting.spec, useless)) if useless else meeting
