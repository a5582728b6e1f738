"""The merge: one JSON object of all objects, key by key, and one file of all that stand under the same path."""

import json

from abathur_tui.domain.joins import Conflict, Contribution
from abathur_tui.domain.plan import ConflictRule
from abathur_tui.engine.joins.contradictions import Content, contents_of, merged_file, open_keys, versions_of
from abathur_tui.engine.joins.file_blocks import FileBlock, shown
from abathur_tui.engine.joins.meeting import Joined, Meeting
from abathur_tui.engine.joins.members import gathered
from abathur_tui.engine.joins.structured import Merging, leaves

USELESS = "gave neither a JSON object nor files"


async def merge(meeting: Meeting) -> Joined:
    """The merged object as JSON, the merged files as fenced blocks; what stands around them is left out.

    Raises ForkFailed where too few members gave something that can be merged.
    """
    contents = {content.member.task: content for content in await contents_of(meeting.members)}
    useless = {task: USELESS for task, content in contents.items() if content.empty}
    if useless:
        meeting = meeting.without(gathered(meeting.work, meeting.spec, useless))
    present = [contents[member.task] for member in meeting.members]
    rule = meeting.spec.conflicts or ConflictRule.PRIORITY
    stated = [(content.member, content.object) for content in present if content.object is not None]
    merging = Merging([one for _, one in stated])
    keys = open_keys(merging, [member for member, _ in stated])
    decisions = await meeting.choose(keys, rule)
    conflicts = [key.settled(decision, str(rule)) for key, decision in zip(keys, decisions, strict=True)]
    object = merging.settled([decision.value for decision in decisions])
    files: list[FileBlock] = []
    for versions in versions_of(present).values():
        merged = await merged_file(meeting, versions, rule)
        files.append(merged.block)
        conflicts += merged.conflicts
    text = _text(json.dumps(object, ensure_ascii=False, indent=2) if stated else "", files)
    contributions = [Contribution(content.member.task, True, _note(content, conflicts)) for content in present]
    account = f"merged {_count(leaves(object) if stated else 0, 'value')} and {_count(len(files), 'file')} of {_count(len(present), 'result')}"
    return Joined(text, meeting.report(account, contributions, conflicts))


def _text(object: str, files: list[FileBlock]) -> str:
    if not files:
        return object
    return "\n\n".join([*([f"```json\n{object}\n```"] if object else []), *(shown(file) for file in files)])


def _note(content: Content, conflicts: list[Conflict]) -> str:
    parts = [_count(leaves(content.object), "value")] if content.object is not None else []
    parts += [_count(len(content.files), "file")] if content.files else []
    task = content.member.task
    own = [conflict for conflict in conflicts if any(task in stand.tasks for stand in conflict.stands)]
    if own:
        won = [conflict for conflict in own if any(task in stand.tasks and stand.value == conflict.settled for stand in conflict.stands)]
        parts.append(f"{len(won)} of {_count(len(own), 'conflict')} settled its way")
    return ", ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
