"""`parallel="auto"`: how many instances of a command fit, and what decided that."""

from collections.abc import Iterable

from abathur_tui.domain.templates import TemplateKind
from abathur_tui.language.context import PlanContext
from abathur_tui.language.drafts import Result
from abathur_tui.language.nesting import after_own_step
from abathur_tui.language.resolved import Bound, Given, ResolvedCommand

AUTO = 0
"""`Options.parallel` where the plan is to find the number."""
MOST = 10


def fitting(context: PlanContext, complexity: int, *, depends: bool) -> tuple[int, str]:
    """How many instances, and why: the least of free slots, half the cores and a tenth of the complexity, halved for what has dependencies."""
    measures = (
        (context.free_slots, f"{context.free_slots} of {context.slots} slots are free"),
        (context.cores // 2, f"half of {context.cores} cores"),
        (complexity // 10, f"a complexity of {complexity}, divided by 10"),
    )
    least, reason = min(measures, key=lambda measure: measure[0])
    found = least // 2 if depends else least
    number = min(max(found, 1), MOST)
    halved = ", halved because it waits for others" if depends else ""
    bounded = f", and {number} is the {'least' if found < 1 else 'most'}" if number != found else ""
    return number, f"{reason}{halved}{bounded}"


def waits(command: ResolvedCommand) -> bool:
    """Whether the command's own step takes in the result of another one, or comes after it."""
    template = command.template
    fed = template.kind is not TemplateKind.FORK and len(after_own_step(template)) < len(template.nested)
    return fed or bool(command.options.after) or _has_result(command.parameters.values())


def _has_result(values: Iterable[Given]) -> bool:
    rest = [*values]
    while rest:
        match rest.pop():
            case Bound() | ResolvedCommand() | Result():
                return True
            case list() as items:
                rest.extend(items)
            case dict() as pairs:
                rest.extend(pairs.values())
            case _:
                pass
    return False
