"""What a template may say of commands that run on this machine.

A project's files are whoever's wrote the repository, so none of them may choose what runs: they name no command at all, and hand one on only
as the user gave it. In any file a command is handed on whole, never put together with values, which could be anybody's.
Each new field that names a command, a program or a function belongs here.
"""

import re

from abathur_tui.domain.errors import Detail
from abathur_tui.library.template_table import TemplateTable
from abathur_tui.settings.toml import Source

MEASURE = "measure"
"""The parameter whose value is run after each pass of a loop."""
CRITERIA = "success_criteria"
"""A list in which a text that begins with `$` is run."""
_HANDED_ON = re.compile(r"\{\{\s*measure\s*\}\}")
_WHY = "a project's file cannot choose what runs on your machine"


def executable_mistakes(table: TemplateTable, source: Source, origin: str) -> list[Detail]:
    """Where the file names something that runs, and may not."""
    mistakes: list[Detail] = []
    measure = table.parameters.get(MEASURE)
    if origin == "project" and measure is not None and measure.default is not None:
        message = f"`{MEASURE}` is a command, and {_WHY}: leave its default out"
        mistakes.append(source.mistake(("parameters", MEASURE, "default"), message, "give the command where the template is used"))
    for place, nested in enumerate(table.nested):
        key = ("nested", place, "parameters", MEASURE)
        value = nested.parameters.get(MEASURE)
        if isinstance(value, str) and not _HANDED_ON.fullmatch(value):
            if "{{" in value:
                mistakes.append(source.mistake(key, f"`{MEASURE}` is a command: it is handed on whole, as {{{{ {MEASURE} }}}}"))
            elif origin == "project":
                message = f"`{MEASURE}` is a command, and {_WHY}: hand on the user's own, as {{{{ {MEASURE} }}}}"
                mistakes.append(source.mistake(key, message))
        if origin == "project" and _has_command(nested.parameters.get(CRITERIA)):
            message = f"`{CRITERIA}` holds a command, and {_WHY}"
            mistakes.append(source.mistake(("nested", place, "parameters", CRITERIA), message, "give it where the template is used"))
    return mistakes


def _has_command(criteria: object) -> bool:
    """Whether a text in it is run, or could be once a placeholder is filled."""
    texts = criteria if isinstance(criteria, list) else [criteria]
    return any(isinstance(text, str) and text.lstrip().startswith(("$", "{{")) for text in texts)
