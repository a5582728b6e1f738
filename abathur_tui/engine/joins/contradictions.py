"""Where members contradict each other: different values for one key, or different lines in one place of one file."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.joins import Conflict
from abathur_tui.domain.leases import Input
from abathur_tui.domain.plan import ConflictRule
from abathur_tui.engine.joins.file_blocks import FileBlock, files_in, without_files
from abathur_tui.engine.joins.file_merge import Hunk, NoMerge, Part, holds, joined, three_way
from abathur_tui.engine.joins.json_text import object_in
from abathur_tui.engine.joins.meeting import Meeting
from abathur_tui.engine.joins.settling import OpenConflict, Option
from abathur_tui.engine.joins.structured import Merging
from abathur_tui.tools.project_files import ProjectFiles, Refused

_LONGEST_BASE = 4_000_000
"""Bytes of a project's file against which versions are merged."""
_MOST_VERSIONS = 50
"""Versions of a file that are merged line by line; of more, one is taken as a whole."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a member's result holds besides prose."""

    member: Input
    object: JsonObject | None
    files: dict[str, FileBlock]

    @property
    def empty(self) -> bool:
        """There is nothing but prose in it."""
        return self.object is None and not self.files


@dataclass(frozen=True, slots=True)
class Version:
    """One text of a file, and who wrote it."""

    block: FileBlock
    members: tuple[Input, ...]


@dataclass
class MergedFile:
    """A file that was made of several versions."""

    block: FileBlock
    conflicts: list[Conflict] = field(default_factory=list)


def content_of(member: Input) -> Content:
    """What the member's result holds."""
    text = member.result or ""
    return Content(member, object_in(without_files(text)), files_in(text))


async def contents_of(members: Sequence[Input]) -> list[Content]:
    """What the members' results hold; long ones are looked through in a thread."""
    return await asyncio.to_thread(lambda: [content_of(member) for member in members])


def open_keys(merging: Merging, members: Sequence[Input]) -> list[OpenConflict]:
    """The differences between the objects of these members."""
    conflicts: list[OpenConflict] = []
    for difference in merging.differences:
        stated = zip(difference.values, difference.members, strict=True)
        options = tuple(Option(value, tuple(members[place] for place in places)) for value, places in stated)
        conflicts.append(OpenConflict("key", difference.where, options))
    return conflicts


def versions_of(contents: Sequence[Content]) -> dict[str, list[Version]]:
    """The different texts of each file, in the order of the members, by path."""
    texts: dict[str, dict[str, list[tuple[Input, FileBlock]]]] = {}
    for content in contents:
        for path, block in content.files.items():
            texts.setdefault(path, {}).setdefault(block.text, []).append((content.member, block))
    return {path: [Version(written[0][1], tuple(member for member, _ in written)) for written in by_text.values()] for path, by_text in texts.items()}


async def contradictions(meeting: Meeting) -> list[Conflict]:
    """The conflicts between the members' results, settled where the join has a rule for them.

    Keys are compared where all members did the same thing or a rule is given: different tasks may well state different values for one key.
    """
    rule = meeting.spec.conflicts
    contents = await contents_of(meeting.members)
    conflicts: list[Conflict] = []
    stated = [(content.member, content.object) for content in contents if content.object is not None]
    if len(stated) > 1 and (rule is not None or all(member.instances > 1 for member, _ in stated)):
        keys = open_keys(Merging([one for _, one in stated]), [member for member, _ in stated])
        if rule is None:
            conflicts += [key.unsettled() for key in keys]
        else:
            decisions = await meeting.choose(keys, rule)
            conflicts += [key.settled(decision, str(rule)) for key, decision in zip(keys, decisions, strict=True)]
    for versions in versions_of(contents).values():
        if len(versions) > 1:
            merged = await merged_file(meeting, versions, rule or ConflictRule.PRIORITY)
            conflicts += merged.conflicts if rule else [Conflict(one.kind, one.where, one.stands) for one in merged.conflicts]
    return conflicts


async def merged_file(meeting: Meeting, versions: Sequence[Version], rule: ConflictRule) -> MergedFile:
    """All versions of a file in one, a conflict settled by the rule wherever two of them changed the same lines."""
    merged = MergedFile(versions[0].block)
    path = merged.block.path
    if len(versions) > _MOST_VERSIONS:
        whole = OpenConflict("lines", path, tuple(Option(version.block.text, version.members) for version in versions))
        (decision,) = await meeting.choose([whole], rule)
        language = next((version.block.language for version in versions if version.block.text == decision.value), merged.block.language)
        return MergedFile(FileBlock(path, language, str(decision.value)), [whole.settled(decision, str(rule))])
    base = await asyncio.to_thread(_base, meeting, path) if len(versions) > 1 else ""
    for version in versions[1:]:
        parts: Sequence[Part]
        try:
            parts = await three_way(meeting.shop.children, meeting.shop.project, base, merged.block.text, version.block.text)
        except NoMerge:
            # Where git cannot help, the versions are still told apart, as a whole.
            parts = [Hunk(1, merged.block.text, version.block.text, "", "")]
        if not base:
            parts = [_united(part) for part in parts]
        conflicts = [_conflict(path, part, versions, version) for part in parts if isinstance(part, Hunk)]
        decisions = await meeting.choose(conflicts, rule)
        merged.conflicts += [conflict.settled(decision, str(rule)) for conflict, decision in zip(conflicts, decisions, strict=True)]
        text = joined(parts, [str(decision.value) for decision in decisions])
        merged.block = FileBlock(path, merged.block.language or version.block.language, text)
    return merged


def _united(part: Part) -> Part:
    """In a file that is new, lines that only one version has contradict nothing."""
    return part.ours or part.theirs if isinstance(part, Hunk) and not (part.ours and part.theirs) else part


def _conflict(path: str, hunk: Hunk, versions: Sequence[Version], last: Version) -> OpenConflict:
    """Who stands for which side of the hunk, those included whose turn comes later; theirs is the side of `last`."""
    theirs = [version for version in versions if version is last or holds(version.block.text, hunk.theirs, hunk)]
    others = [version for version in versions if version not in theirs]
    before = [version for version in others if versions.index(version) < versions.index(last)]
    ours = [version for version in others if holds(version.block.text, hunk.ours, hunk)] or before or [versions[0]]
    sides = ((hunk.ours, ours), (hunk.theirs, theirs))
    options = tuple(Option(lines, tuple(member for version in side for member in version.members)) for lines, side in sides)
    return OpenConflict("lines", f"{path}:{hunk.line}", options)


def _base(meeting: Meeting, path: str) -> str:
    """The project's file of that path, as agents may read it; empty where there is none."""
    try:
        with ProjectFiles(meeting.shop.project).file(path) as (_, file):
            data = file.read(_LONGEST_BASE + 1)
    except (Refused, OSError):
        return ""
    if len(data) > _LONGEST_BASE or b"\0" in data:
        return ""
    return data.decode("utf-8", "replace").replace("\r\n", "\n")
