"""What a document takes in from outside, as it stands there."""

import json

from abathur_tui.language.sources import FUNCTIONS
from abathur_tui.language.tree import Array, Call, Command, Document, Literal, Object, Value


def reads_of(document: Document) -> tuple[str, ...]:
    """Each `file("…")`, `env("…")` and `git("…")` once, in written order: as `fmt` would write it, whose plan is the same."""
    found: dict[str, None] = {}
    rest: list[Value] = [statement.command for statement in reversed(document.statements)]
    while rest:
        match rest.pop():
            case Call(function=function, arguments=arguments) if function in FUNCTIONS:
                told = (json.dumps(one.value.value, ensure_ascii=False) for one in arguments if isinstance(one.value, Literal))
                found[f"{function}({', '.join(told)})"] = None
            case Array(items=items):
                rest.extend(reversed(items))
            case Object(entries=entries):
                rest.extend(entry.value for entry in reversed(entries))
            case Command(arguments=arguments):
                rest.extend(argument.value for argument in reversed(arguments))
            case _:
                pass
    return tuple(found)
