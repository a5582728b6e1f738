"""A loop's passes: what is written or nested in a loop's command is made anew in each of them, together with its own step.

What stands in the command's subject is what the loop is about: it comes first, once.
"""

from collections.abc import Iterable
from dataclasses import replace

from abathur_tui.domain.plan import OnFailure
from abathur_tui.domain.templates import TemplateKind
from abathur_tui.language.drafts import Draft, Placed
from abathur_tui.language.naming import shortened
from abathur_tui.language.resolved import Given, ResolvedCommand


def brings_along(command: ResolvedCommand) -> bool:
    """Whether a pass of the command is more than its own step."""
    template = command.template
    return bool(template.nested) or template.kind is TemplateKind.FORK or any(_commands_in(_beside_subject(command)))


def alone(command: ResolvedCommand) -> ResolvedCommand:
    """The loop by itself, without what its passes bring along, which its parameters only name."""
    template = replace(command.template, nested=(), join=None, kind=TemplateKind.LOOP)
    subject = template.subject.name if template.subject else None
    parameters = {name: value if name == subject else _mentioned(value) for name, value in command.parameters.items()}
    options = replace(command.options, join=command.options.join if command.options.parallel > 1 else None)
    return replace(command, template=template, parameters=parameters, options=options)


def one_pass(command: ResolvedCommand, loop: Draft) -> ResolvedCommand:
    """One pass of the command; `loop` is its node, which has the results that its subject is made of."""
    options = command.options
    subject = command.template.subject
    about: dict[str, Given] = {}
    if subject is not None and subject.name in command.parameters:
        about[subject.name] = _given(loop.parameters[subject.name])
    once = replace(
        options,
        parallel=1,
        join=None if options.parallel > 1 else options.join,
        after=(),
        expires_in_seconds=None,
        on_failure=OnFailure.FAIL if options.on_failure is OnFailure.FAIL else None,
    )
    template = replace(command.template, fallback=None)  # it is the loop's
    return replace(command, template=template, loop=None, parameters=command.parameters | about, options=once)


def owners_of(drafts: Iterable[Draft]) -> dict[Draft, Draft]:
    """The loop in whose passes each node is made; `drafts` parents first. Each of these loops waits for its pass."""
    owners: dict[Draft, Draft] = {}
    for loop in drafts:
        if loop.body is not None:
            owners |= dict.fromkeys(loop.body.walk(), loop)
            loop.needs[loop.body] = None
    return owners


def _beside_subject(command: ResolvedCommand) -> list[Given]:
    subject = command.template.subject.name if command.template.subject else None
    return [value for name, value in command.parameters.items() if name != subject]


def _commands_in(values: Iterable[Given]) -> Iterable[ResolvedCommand]:
    rest = list(values)
    while rest:
        match rest.pop():
            case ResolvedCommand() as inner:
                yield inner
            case list() as items:
                rest.extend(items)
            case dict() as pairs:
                rest.extend(pairs.values())
            case _:
                pass


def _mentioned(value: Given) -> Given:
    """The value with the names of the commands in it in their place."""
    match value:
        case ResolvedCommand(template=template, parameters=parameters):
            subject = parameters.get(template.subject.name) if template.subject else None
            return shortened(f"{template.name} {subject if isinstance(subject, str) else ''}")
        case list() as items:
            return [_mentioned(item) for item in items]
        case dict() as pairs:
            return {key: _mentioned(item) for key, item in pairs.items()}
        case _:
            return value


def _given(value: Placed) -> Given:
    match value:
        case list() as items:
            return [_given(item) for item in items]
        case dict() as pairs:
            return {key: _given(item) for key, item in pairs.items()}
        case _:
            return value
