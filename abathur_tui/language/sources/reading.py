"""`file()`, `env()` and `git()`: what a document takes in from outside when it is submitted, and what it may not."""

import re

from abathur_tui.domain.nearest import nearest
from abathur_tui.domain.protected import is_secret_name
from abathur_tui.language.context import PlanContext
from abathur_tui.language.sources.file import content
from abathur_tui.language.sources.git import difference
from abathur_tui.language.sources.refused import Refused
from abathur_tui.language.strings import HALF

FUNCTIONS = {"file": 'file("src/main.py")', "env": 'env("NAME")', "git": 'git("main..HEAD")'}
"""The functions of the language, each with an example."""
_MOST_IN_ALL = 16
"""How many times `language.max_bytes` all that a document takes in may be long, each use counted."""
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")


class Sources:
    """Reads for one document; the same thing is read once."""

    def __init__(self, context: PlanContext) -> None:
        """Nothing is read yet."""
        self._context = context
        self._known: dict[tuple[str, str], str | Refused] = {}
        self._left = context.max_bytes * _MOST_IN_ALL

    def read(self, function: str, argument: str) -> str:
        """The text. Raises Refused."""
        key = (function, argument)
        if key not in self._known:
            try:
                self._known[key] = self._read(function, argument)
            except Refused as refused:
                self._known[key] = refused
        answer = self._known[key]
        if isinstance(answer, Refused):
            raise answer
        self._left -= len(answer)
        if self._left < 0:
            raise Refused("the document takes in too much text in all", "name fewer or smaller files")
        return answer

    def _read(self, function: str, argument: str) -> str:
        if function == "env":
            text = _variable(argument, self._context)
        elif self._context.folder is None:
            raise Refused(f"`{function}` needs a project, and there is none here", "run `abathur init` in the project's folder")
        elif function == "file":
            text = content(argument, self._context.folder, self._context.max_bytes)
        else:
            text = difference(argument, self._context.folder, self._context.max_bytes)
        if _PRIVATE_KEY.search(text):
            raise Refused(f"{argument} holds a private key, which must never stand in a prompt")
        return text


def _variable(name: str, context: PlanContext) -> str:
    if is_secret_name(name):
        raise Refused(f"{name} looks like a key or password, which must never stand in a prompt", "give it another name if it is none")
    text = context.environ.get(name)
    if text is None:
        meant = nearest(name, (known for known in context.environ if not is_secret_name(known)))
        raise Refused(f"the environment variable {name or '(without a name)'} is not set", f"did you mean {meant}?" if meant else None)
    if len(text) > context.max_bytes:
        raise Refused(f"{name} is longer than {context.max_bytes:,} bytes")
    if HALF.search(text):
        raise Refused(f"{name} is not UTF-8")
    return text
