"""What a template may say of commands that run on this machine.

A project's files are whoever's wrote the repository, so none of them may choose what runs: they name no command at all, and hand one on only
as the user gave it. In any file a command is handed on whole, never put together with values, which could be anybody's.
Each new field that names a command, a program or a function belongs here.
"""

import re

from abathur_tui.domain.errors import Detail
from abathur_tui.library.template_table import TemplateTable
from abathur_tui.settings.toml import Key, Source

COMMANDS = ("measure", "command", "criterion", "test_command")
"""The parameters whose values are run after each pass of a loop, or may hold what is."""
JOIN = "join"
"""An object in which `command` is run."""
CRITERIA = "success_criteria"
"""A list in which a text that begins with `$` is run."""
_HANDED_ON = re.compile(r"\{\{\s*(measure|command|criterion|test_command)\s*\}\}")
_WHY = "a project's file cannot choose what runs on your machine"


def executable_mistakes(table: TemplateTable, source: Source, origin: str) -> list[Detail]:
    """Where the file names something that runs, and may not."""
    mistakes: list[Detail] = []
    for name in COMMANDS:
        parameter = table.parameters.get(name)
        if origin == "project" and parameter is not None and parameter.default is not None:
            message = f"`{name}` is a command, and {_WHY}: leave its default out"
            mistakes.append(source.mistake(("parameters", name, "default"), message, "give the command where the template is used"))
    for place, nested in enumerate(table.nested):
        for name in COMMANDS:
            key = ("nested", place, "parameters", name)
            value = nested.parameters.get(name)
            if value is None or (isinstance(value, str) and _handed_on(name, value)):
                continue
            if "{{" in str(value):
                mistakes.append(source.mistake(key, f"`{name}` is a command: it is handed on whole, as {{{{ {name} }}}}"))
            elif origin == "project":
                message = f"`{name}` is a command, and {_WHY}: hand on the user's own, as {{{{ {name} }}}}"
                mistakes.append(source.mistake(key, message))
        if _joins_by_command(nested.parameters.get(JOIN)):
            message = f"`{JOIN}.command` is a command, and a template cannot name one"
            mistakes.append(source.mistake(("nested", place, "parameters", JOIN), message, "give it where the template is used"))
        mistakes += _criteria_mistakes(nested.parameters.get(CRITERIA), ("nested", place, "parameters", CRITERIA), source, origin)
    return mistakes + _criteria_mistakes(table.success_criteria, (CRITERIA,), source, origin)


def _criteria_mistakes(criteria: object, key: Key, source: Source, origin: str) -> list[Detail]:
    if origin == "project" and _has_command(criteria):
        return [source.mistake(key, f"`{CRITERIA}` holds a command, and {_WHY}", "give it where the template is used")]
    if any(text.lstrip().startswith("$") and "{{" in text for text in _texts(criteria)):
        return [source.mistake(key, "a command is handed on whole: `$` stands in what the user gives, not before a placeholder")]
    return []


def _handed_on(name: str, value: str) -> bool:
    found = _HANDED_ON.fullmatch(value)
    return found is not None and found[1] == name


def _joins_by_command(join: object) -> bool:
    return isinstance(join, dict) and join.get("command") is not None


def _has_command(criteria: object) -> bool:
    """Whether a text in it is run, or could be once a placeholder is filled."""
    return any(text.lstrip().startswith(("$", "{{")) for text in _texts(criteria))


def _texts(criteria: object) -> list[str]:
    return [text for text in (criteria if isinstance(criteria, list) else [criteria]) if isinstance(text, str)]
