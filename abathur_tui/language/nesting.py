"""How what is nested in a command stands to the command's own step: before it, or after it."""

from collections.abc import Sequence

from abathur_tui.domain.templates import Nested, Nesting, Template, TemplateKind
from abathur_tui.language.resolved import Given, ResolvedCommand


def has_followers(command: ResolvedCommand) -> bool:
    """Whether anything inside the command comes after its step."""
    template = command.template
    if after_own_step(template):
        return True
    if template.nesting is not Nesting.PARTS:
        return False
    subject = template.subject.name if template.subject else None
    rest: list[Given] = [value for name, value in command.parameters.items() if name != subject]
    while rest:
        match rest.pop():
            case ResolvedCommand():
                return True
            case list() as items:
                rest.extend(items)
            case dict() as pairs:
                rest.extend(pairs.values())
            case _:
                pass
    return False


def after_own_step(template: Template) -> frozenset[str]:
    """The names of the nested templates that come after the template's own step."""
    if template.kind is TemplateKind.FORK:
        return frozenset()
    if template.nesting is Nesting.PARTS:
        return frozenset(nested.name for nested in template.nested)
    late: set[str] = {template.name}
    for nested in in_order(template.nested) or ():
        if not late.isdisjoint(nested.depends_on):
            late.add(nested.name)
    return frozenset(late - {template.name})


def in_order(nested: Sequence[Nested]) -> list[Nested] | None:
    """In an order in which each comes after those that it depends on; None where they depend on each other in a circle."""
    names = {one.name for one in nested}
    placed: set[str] = set()
    order: list[Nested] = []
    rest = list(nested)
    while rest:
        ready = [one for one in rest if all(other in placed or other not in names for other in one.depends_on)]
        if not ready:
            return None
        order += ready
        placed.update(one.name for one in ready)
        rest = [one for one in rest if one.name not in placed]
    return order
