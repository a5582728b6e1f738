"""What the user is told of the library's files: those that have changed, and those that do not count."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from abathur_tui.domain.errors import Detail
from abathur_tui.domain.notices import Notice, NoticeKind
from abathur_tui.domain.templates import AgentDefinition, Template
from abathur_tui.library.folder import Change, Entry, Folder
from abathur_tui.library.shelf import Layer

T = TypeVar("T")


def of_templates(folder: Folder[Template], layer: Layer) -> Iterator[Notice]:
    """What is the matter with a folder of templates."""
    yield from _problems(folder)
    for path, entry in folder.entries.items():
        if entry.mistakes:
            yield _broken_template(str(path), entry)
    for template in layer.doubles:
        text = f"{template.file}: left out: another file of this folder holds {template.name} {template.version} already."
        yield Notice(NoticeKind.LEFT_OUT, text, template.file)


def of_agents(folder: Folder[AgentDefinition]) -> Iterator[Notice]:
    """What is the matter with a folder of agent definitions."""
    yield from _problems(folder)
    for path, entry in folder.entries.items():
        if entry.mistakes:
            yield _broken_agent(str(path), entry)


def template_changed(change: Change[Template]) -> Notice:
    """What has become of a template's file."""
    if change.after is not None and change.after.mistakes:
        return _broken_template(str(change.path), change.after)
    said = _said(change)
    return _changed(change, f"{said.name} {said.version}" if said else "A file")


def agent_changed(change: Change[AgentDefinition]) -> Notice:
    """What has become of an agent definition's file."""
    if change.after is not None and change.after.mistakes:
        return _broken_agent(str(change.path), change.after)
    said = _said(change)
    return _changed(change, f"The agent {said.name}" if said else "A file")


def _said(change: Change[T]) -> T | None:
    """What the file says now, else what it said."""
    return next((entry.value for entry in (change.after, change.before) if entry is not None and entry.value is not None), None)


def _changed(change: Change[T], what: str) -> Notice:
    if change.after is None:
        happened = "is gone"
    elif change.before is None:
        happened = "is there"
    elif change.before.mistakes:
        happened = "is mended, and counts again"
    else:
        happened = "has changed, and counts from now on"
    return Notice(NoticeKind.CHANGED, f"{what} {happened} ({change.path}).", str(change.path))


def _broken_template(file: str, entry: Entry[Template]) -> Notice:
    last = entry.value
    meanwhile = f"{last.name} {last.version} stays as it was before" if last else "it cannot be used until that is mended"
    return Notice(NoticeKind.BROKEN, f"{_first(file, entry.mistakes)}; {meanwhile}.", file, entry.mistakes[0].line, entry.mistakes)


def _broken_agent(file: str, entry: Entry[AgentDefinition]) -> Notice:
    first = entry.mistakes[0]
    if entry.value is not None:
        text = f"{_first(file, entry.mistakes)}; the agent {entry.value.name} stays as it was before."
        return Notice(NoticeKind.BROKEN, text, file, first.line, entry.mistakes)
    return Notice(NoticeKind.LEFT_OUT, f"{_place(file, first)}: left out as an agent: {first.message}.", file, first.line, entry.mistakes)


def _problems(folder: Folder[T]) -> Iterator[Notice]:
    for problem in folder.problems:
        yield Notice(NoticeKind.LEFT_OUT, problem, str(folder.place.path))


def _first(file: str, mistakes: Iterable[Detail]) -> str:
    """The first mistake with its place, and how many there are besides."""
    first, *others = mistakes
    meant = f" ({first.suggestion})" if first.suggestion else ""
    more = "" if not others else " (and another mistake)" if len(others) == 1 else f" (and {len(others)} more mistakes)"
    return f"{_place(file, first)}: {first.message}{meant}{more}"


def _place(file: str, mistake: Detail) -> str:
    return file if mistake.line is None else f"{file}:{mistake.line}"
