"""Reading a common parameter's value."""

from collections.abc import Mapping, Sequence

from abathur_tui.domain.errors import AbathurError, WrongValue
from abathur_tui.domain.nearest import nearest
from abathur_tui.language.resolved import Given


class Mistake(Exception):
    """A value is wrong; `kind` is the error class that says how."""

    def __init__(self, message: str, suggestion: str | None = None, kind: type[AbathurError] = WrongValue) -> None:
        """`suggestion`: what would be right."""
        super().__init__(message)
        self.suggestion = suggestion
        self.kind = kind


def one_of(name: str, value: Given, choices: tuple[str, ...]) -> str:
    """The choice that the value is, whatever its case. Raises Mistake."""
    if isinstance(value, str) and value.lower() in choices:
        return value.lower()
    raise Mistake(f"`{name}` takes {', '.join(choices[:-1])} or {choices[-1]}", nearest_of(value, choices))


def nearest_of(value: Given, choices: Mapping[str, int] | tuple[str, ...]) -> str | None:
    """The suggestion of a choice that was probably meant."""
    meant = nearest(value, choices) if isinstance(value, str) else None
    return f'did you mean "{meant}"?' if meant else None


def texts(items: Sequence[Given]) -> bool:
    """Whether all of them are texts."""
    return all(isinstance(item, str) for item in items)
