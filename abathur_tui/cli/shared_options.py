"""The options that every command takes, before or after its name: read here, before the command's own are.

Typer would read them too, and take 50 ms for each command to do so (it loads pydantic for anything but a flag).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Form(StrEnum):
    """How an answer is written."""

    HUMAN = "human"
    JSON = "json"
    TABLE = "table"


@dataclass
class Invocation:
    """One call of the program, but for its command."""

    project: Path | None = None
    """None: by ABATHUR_PROJECT, or found from the current folder up."""
    form: Form = Form.HUMAN
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    yes: bool = False
    hushed: bool = False
    """Quiet only because the answer is JSON: see `hush`."""
    mistake: str = ""
    """What is wrong with these options; empty where nothing is."""

    @property
    def json(self) -> bool:
        """True where the answer is one JSON document."""
        return self.form is Form.JSON

    def hush(self) -> None:
        """Keep standard error for the one object that an error is, where the answer is JSON and nobody asked for more."""
        if self.json and not (self.quiet or self.verbose):
            self.quiet = self.hushed = True


HELP = (
    ("--project DIR", "The project's folder, instead of the nearest one from here up."),
    ("--output human|json|table", "How the answer is written."),
    ("--json", "The same as --output json; progress is told with --verbose, or on a terminal."),
    ("-q, --quiet", "Nothing on standard error but errors."),
    ("-v, --verbose", "More on standard error."),
    ("--debug", "Stack traces of errors."),
    ("-y, --yes", "Do not ask before something that cannot be undone."),
)
_FLAGS = {"-q": "quiet", "--quiet": "quiet", "-v": "verbose", "--verbose": "verbose", "--debug": "debug", "-y": "yes", "--yes": "yes"}
_WITH_VALUE = ("--project", "--output")


def read_shared(arguments: Sequence[str]) -> tuple[Invocation, list[str]]:
    """The call, and the arguments that are left for its command. After `--` nothing is an option."""
    call, left = Invocation(), []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        name, has_value, value = argument.partition("=")
        if argument == "--":
            left += [argument, *rest]
            break
        if argument == "--json":
            call.form = Form.JSON
        elif argument in _FLAGS:
            setattr(call, _FLAGS[argument], True)
        elif name not in _WITH_VALUE:
            left.append(argument)
        elif has_value or rest:
            _take(call, name, value if has_value else rest.pop(0))
        else:
            call.mistake = f"Option '{name}' requires an argument."
    return call, left


def _take(call: Invocation, name: str, value: str) -> None:
    if name == "--project":
        call.project = Path(value)
    elif value in tuple(Form):
        call.form = Form(value)
    else:
        call.mistake = f"--output is human, json or table, not {value!r}."
