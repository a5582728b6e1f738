"""What a document takes in from outside, as it stands there."""

from abathur_tui.language.sources import FUNCTIONS
from abathur_tui.language.tree import Array, Call, Command, Document, Object, Value


def reads_of(document: Document) -> tuple[str, ...]:
    """Each `file("…")`, `env("…")` and `git("…")` once, in written order."""
    found: dict[str, None] = {}
    rest: list[Value] = [statement.command for statement in reversed(document.statements)]
    while rest:
        match rest.pop():
            case Call(function=function, start=start, end=end) if function in FUNCTIONS:
                found[" ".join(document.text[start:end].split())] = None
            case Array(items=items):
                rest.extend(reversed(items))
            case Object(entries=entries):
                rest.extend(entry.value for entry in reversed(entries))
            case Command(arguments=arguments):
                rest.extend(argument.value for argument in reversed(arguments))
            case _:
                pass
    return tuple(found)
