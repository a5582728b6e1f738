"""What is done instead when a command has failed for good: its template's fallback, with the command's own parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.domain.errors import WrongValue
from abathur_tui.domain.plan import Fallback, OnFailure
from abathur_tui.domain.templates import Template, TemplateKind
from abathur_tui.language.check import find_template
from abathur_tui.language.drafts import Placed, Result
from abathur_tui.language.mistakes import Mistakes
from abathur_tui.language.naming import label
from abathur_tui.language.parameters import Binder
from abathur_tui.language.resolved import Given, ResolvedCommand, Supplied


@dataclass(frozen=True, slots=True)
class Instead:
    """A command's fallback."""

    fallback: Fallback
    several: ResolvedCommand | None
    """Where it nests others: the command whose nodes are its body."""


def fallback_of(command: ResolvedCommand, values: Mapping[str, Placed], binder: Binder, mistakes: Mistakes) -> Instead | None:
    """The command's fallback; None where it has none, or is not to use it. Mistakes are noted."""
    template, wanted = command.template, command.options.on_failure
    if wanted not in (None, OnFailure.FALLBACK):
        return None
    if template.fallback is None:
        if wanted is OnFailure.FALLBACK:
            mistakes.add(WrongValue, command.place, f"{template.name} names no fallback", 'on_failure="retry", "fail" or "skip"')
        return None
    name, _, version = template.fallback.partition("@")
    other = find_template(binder.registry, name, version or None, command.place, mistakes)
    if other is None:
        return None
    takes = _taken(template, other, command.parameters)
    given = [Supplied(mine, command.parameters[theirs], command.place, command.place) for mine, theirs in takes.items()]
    bound = binder.bind(other, (), given, command.place)
    if bound is None:
        return None
    own: JsonObject = {mine: _plain(value) for mine, value in bound.parameters.items() if mine not in takes}
    if template.extra and other.extra:
        declared = {parameter.name for parameter in (*template.parameters, *other.parameters)}
        takes |= {extra: extra for extra in command.parameters if extra not in declared}
    if template.kind is TemplateKind.FORK:  # a fork's join is given no results but its members'
        own |= {mine: _told(values.get(theirs)) for mine, theirs in takes.items()}
        takes = {}
    agent = bound.options.agent or other.agent
    if other.nested or other.kind is TemplateKind.FORK:
        placed = {mine: values.get(theirs) for mine, theirs in takes.items()}
        parameters = bound.parameters | cast("dict[str, Given]", placed) | cast("dict[str, Given]", own)
        several = replace(bound, parameters=parameters)
        return Instead(Fallback(other.name, other.version, agent, "", {}), several)
    return Instead(Fallback(other.name, other.version, agent, other.prompt, own, takes, bound.loop), None)


def _taken(template: Template, other: Template, given: Mapping[str, Given]) -> dict[str, str]:
    """Which of the command's parameters the fallback is given, by its own names: the subject, and those of the same name."""
    takes = {one.name: one.name for one in other.parameters if given.get(one.name) is not None}
    if template.subject is not None and other.subject is not None and given.get(template.subject.name) is not None:
        takes[other.subject.name] = template.subject.name
    return takes


def _plain(value: Given) -> JsonValue:
    """A default, in which no result can stand."""
    match value:
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case bool() | int() | float() | str():
            return value
        case _:
            return None


def _told(value: Placed) -> JsonValue:
    """The value, in which what would be a result is named."""
    match value:
        case Result(draft=draft):
            return label(draft)
        case list():
            return [_told(item) for item in value]
        case dict():
            return {name: _told(item) for name, item in value.items()}
        case _:
            return value
