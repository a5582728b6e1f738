"""What may be written at a place of a text: templates, versions, parameters, values, agents, names. For an editor."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from abathur_tui.domain.errors import AbathurError
from abathur_tui.domain.plan import OnFailure
from abathur_tui.domain.templates import Parameter, ParameterKind, Registry, Template
from abathur_tui.language.extract import is_document
from abathur_tui.language.joining import STRATEGIES
from abathur_tui.language.options import OPTION_NAMES, PRIORITY_WORDS
from abathur_tui.language.sources import FUNCTIONS
from abathur_tui.language.tokens import CLOSING, COMMENT, OPENING, WRONG, Scanner, Token

_COMMAND = "ABYSSAL["
_CALLED = "called"
"""Stands in place of a bracket between `ABYSSAL[NAME]` and its parenthesis."""
_WORD = re.compile(r"[0-9A-Za-z_-]*\Z")
NOT_YET = frozenset({"budget", "repo", "touches"})
"""What every command takes, and this version cannot honour: nobody should be led to it."""
_CHOICES: dict[str, tuple[str, ...]] = {
    "priority": tuple(PRIORITY_WORDS),
    "mode": ("parallel", "sequential"),
    "on_failure": tuple(OnFailure),
    "join": STRATEGIES,
    "direction": ("minimize", "maximize"),
}
"""Values of what every command, or a loop, takes."""


class Completion(NamedTuple):
    """Something that may stand there."""

    text: str
    """What to write, in place of what stands from `start` to the cursor."""
    start: int
    about: str = ""
    """A line that says what it is."""


@dataclass(slots=True)
class _Open:
    """A bracket that is open at the place."""

    bracket: str
    template: str | None = None
    """For a command's parenthesis: the template that it calls."""
    key: str | None = None
    """The named argument, or entry, whose value is being written."""
    given: set[str] = field(default_factory=set)
    positional: int = 0
    """Arguments without a name before this one."""
    fresh: bool = True
    """Nothing of the present argument, item or entry is there yet."""


def complete(text: str, position: int, registry: Registry) -> list[Completion]:
    """What may stand at the offset, of what begins as what stands there does; none in a plain prompt, a comment or a free text.

    Reads the text from its beginning: linear time.
    """
    before = text[:position]
    word = _WORD.search(before)
    start = word.start() if word else position
    if not is_document(text) and not (position - start > 1 and _COMMAND.startswith(before[start:])):
        return []
    tokens = list(Scanner(text).tokens())
    path, last, quote = _at(tokens, position, start)
    if quote is not None and quote.type == COMMENT:
        return []
    found = _inside_text(path, quote, registry) if quote is not None else _outside(path, last, start, tokens, registry)
    begun = text[quote.start : position] if quote is not None else before[start:]
    begin = quote.start if quote is not None else start
    fitting = (one for one in found if one[0].lower().startswith(begun.lower()) and one[0] != begun)
    return [Completion(one, begin, about) for one, about in dict(fitting).items()]


def _at(tokens: Iterable[Token], position: int, start: int) -> tuple[list[_Open], list[Token], Token | None]:
    """The brackets that are open at the place, the last three tokens before it, and the text or comment that it is inside of."""
    path: list[_Open] = []
    last: list[Token] = []
    for token in tokens:
        if token.start >= start and token.start >= position:
            break
        if token.start < position and _is_inside(token, position):
            return path, last, token
        if token.start >= start:
            break
        if token.type != COMMENT:
            _take(path, last, token)
            last = [*last, token][-3:]
    return path, last, None


def _is_inside(token: Token, position: int) -> bool:
    """Whether the place is in a text, closed or not yet, or in a comment."""
    if token.type in ("STRING", "TRIPLE"):
        return position < token.end
    if token.type == WRONG and str(token.value)[:1] in ('"', "'"):
        return position <= token.end or token.value in ('"""', "'''")
    return token.type == COMMENT and position <= token.end


def _take(path: list[_Open], last: list[Token], token: Token) -> None:
    """What a token does to the brackets."""
    called = path.pop().template if path and path[-1].bracket == _CALLED else None
    inner = path[-1] if path else None
    if token.type in OPENING:
        if inner is not None:
            inner.fresh = False
        path.append(_Open(token.type, called if token.type == "LPAR" else None))
    elif token.type in CLOSING:
        if any(one.bracket == CLOSING[token.type] for one in path):
            while path[-1].bracket != CLOSING[token.type]:
                path.pop()
            closed = path.pop()
            if closed.template is not None and token.type == "RSQB":
                path.append(_Open(_CALLED, closed.template))
    elif inner is not None:
        _take_inside(inner, last, token)


def _take_inside(inner: _Open, last: list[Token], token: Token) -> None:
    word = str(last[-1].value).strip("\"'") if last else ""
    if token.type == "NAME" and inner.bracket == "LSQB" and [one.type for one in last[-2:]] == ["ABYSSAL", "LSQB"]:
        inner.template = str(token.value)
    elif token.type == "COMMA":
        inner.positional += inner.key is None
        inner.key, inner.fresh = None, True
    elif token.type == "EQUAL" or (token.type == "COLON" and inner.bracket == "LBRACE"):
        inner.key, inner.fresh = word, True
        inner.given.add(word)
    else:
        inner.fresh = False


def _outside(path: list[_Open], last: list[Token], start: int, tokens: list[Token], registry: Registry) -> Iterator[tuple[str, str]]:
    """What may stand there, where no text is begun."""
    inner = path[-1] if path else None
    types = [one.type for one in last]
    if types[-2:] == ["ABYSSAL", "LSQB"]:
        yield from _templates(registry)
    elif inner is None or inner.bracket == _CALLED:
        if types[-1:] in ([], ["RPAR"], ["EQUAL"]):
            yield _COMMAND, "a command"
    elif inner.fresh and (inner.bracket != "LPAR" or inner.template is not None):
        yield from _argument(path, inner, registry)
        yield from _names(tokens, start)
        key = _key(path)
        if key != "after":
            yield from ((f"{name}(", example) for name, example in FUNCTIONS.items())
        yield _COMMAND, "a command, whose result stands here"


def _argument(path: list[_Open], inner: _Open, registry: Registry) -> Iterator[tuple[str, str]]:
    """Parameters, or the values of one."""
    command = _command(path)
    template = _template(command.template, registry) if command is not None else None
    if command is None:
        return
    object_of_names = path[-2:-1] == [command] and inner.bracket == "LBRACE" and command.key is None
    if inner is not command and not object_of_names:
        return
    if inner.key is not None:
        yield from _values(inner.key, template, registry)
        return
    if inner is command and template is not None and command.positional < len(template.parameters):
        yield from _values(template.parameters[command.positional].name, template, registry)
    sign = "=" if inner is command else ": "
    given = inner.given | command.given | {one.name for one in (template.parameters[: command.positional] if template else ())}
    for parameter in template.parameters if template is not None else ():
        if parameter.name not in given:
            yield f"{parameter.name}{sign}", parameter.description
    yield from ((f"{name}{sign}", "every command takes it") for name in sorted(OPTION_NAMES - NOT_YET - given))


def _inside_text(path: list[_Open], quote: Token, registry: Registry) -> Iterator[tuple[str, str]]:
    """Whole texts that may stand where one is begun."""
    inner, command = path[-1] if path else None, _command(path)
    if inner is None or command is None or not inner.fresh:
        return
    template = _template(command.template, registry)
    key = inner.key
    if key is None and inner is command and template is not None and command.positional < len(template.parameters):
        key = template.parameters[command.positional].name
    mark = str(quote.value)[0]
    for value, about in _values(key, template, registry) if key is not None else ():
        if value.startswith('"'):
            yield f"{mark}{value[1:-1]}{mark}", about


def _values(key: str, template: Template | None, registry: Registry) -> Iterator[tuple[str, str]]:
    declared = next((one for one in template.parameters if one.name == key), None) if template is not None else None
    if declared is not None:
        yield from ((value, declared.description) for value in _declared_values(declared))
    elif key == "agent":
        for name in registry.agent_names():
            definition = registry.agent(name)
            yield f'"{name}"', definition.description if definition is not None else ""
    else:
        yield from ((f'"{choice}"', "") for choice in _CHOICES.get(key, ()))


def _declared_values(parameter: Parameter) -> list[str]:
    if parameter.kind is ParameterKind.BOOLEAN:
        return ["true", "false"]
    texts = parameter.choices or (parameter.suggestions if parameter.kind in (ParameterKind.STRING, ParameterKind.TEXTS) else ())
    return [f'"{text}"' for text in texts if '"' not in text and "\\" not in text]


def _templates(registry: Registry) -> Iterator[tuple[str, str]]:
    for name in registry.template_names():
        template = _template(name, registry)
        yield f"{name}](", template.description if template is not None else ""


def _names(tokens: list[Token], start: int) -> Iterator[tuple[str, str]]:
    """The names that statements bind, but for what is being written."""
    for first, second, third in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if (first.type, second.type, third.type) == ("NAME", "EQUAL", "ABYSSAL") and first.start != start:
            yield str(first.value), "a result"


def _command(path: list[_Open]) -> _Open | None:
    """The innermost command whose arguments are open."""
    return next((one for one in reversed(path) if one.bracket == "LPAR" and one.template is not None), None)


def _key(path: list[_Open]) -> str | None:
    command = _command(path)
    return command.key if command is not None else None


def _template(name: str | None, registry: Registry) -> Template | None:
    try:
        return registry.template(name) if name is not None else None
    except AbathurError:
        return None  # its file is broken, which is told elsewhere
