"""The template language of prompts: a small part of Jinja in its sandbox, so small that no template can do harm or go on for ever.

There are values, some filters and tests, `if` and `for`. There are no calls, macros, includes, assignments or arithmetic: nothing that makes long
texts of short ones. Steps, time and length are counted. Values are data: they are printed, and never read as template text.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta, nodes, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from abathur_tui.domain.errors import Detail, PromptFailed

MOST_CHARACTERS = 4_000_000
MOST_STEPS = 100_000
MOST_SECONDS = 2.0
"""Of a processor: on a busy machine a prompt may take its time."""

Show: TypeAlias = Callable[[object], str]
"""How a value is printed."""

FILTERS = frozenset(
    {"capitalize", "count", "default", "first", "join", "last", "length", "lower", "round", "sort", "title", "tojson", "trim", "unique", "upper"}
)
_TESTS = frozenset({"boolean", "defined", "eq", "ge", "gt", "in", "le", "lt", "mapping", "ne", "none", "number", "sequence", "string", "undefined"})
_NODES: tuple[type[nodes.Node], ...] = (
    nodes.And,
    nodes.Compare,
    nodes.CondExpr,
    nodes.Const,
    nodes.Filter,
    nodes.For,
    nodes.Getattr,
    nodes.Getitem,
    nodes.If,
    nodes.Keyword,
    nodes.List,
    nodes.Name,
    nodes.Not,
    nodes.Operand,
    nodes.Or,
    nodes.Output,
    nodes.Slice,
    nodes.Template,
    nodes.TemplateData,
    nodes.Test,
    nodes.Tuple,
)
_COUNTED, _LIMITS, _SHOW = "counted", " limits", " show"


class _NotGiven(StrictUndefined):
    """A value that is not there: it may be asked for (`if`) and is unlike all others; to print it is an error."""

    def __bool__(self) -> bool:  # type: ignore[override]
        return False

    def __eq__(self, other: object) -> bool:  # type: ignore[override]
        return False

    def __ne__(self, other: object) -> bool:  # type: ignore[override]
        return True

    __hash__ = None  # type: ignore[assignment]


class _Limits:
    """What one filling may use up."""

    def __init__(self) -> None:
        self._steps = 0
        self._ends = time.thread_time() + MOST_SECONDS

    def counted(self, items: Iterable[object]) -> Iterator[object]:
        """The items, while steps and time are left."""
        for item in items:
            self._steps += 1
            if self._steps > MOST_STEPS or time.thread_time() > self._ends:
                raise PromptFailed(f"A prompt's template goes on for too long: more than {MOST_STEPS} steps or {MOST_SECONDS:g} seconds.")
            yield item


@dataclass(frozen=True, slots=True)
class CompiledPrompt:
    """A template text that is known to be in the language."""

    names: frozenset[str]
    """The values that it asks for from outside."""
    _template: Template
    _parts: tuple[str | nodes.Name, ...] | None
    """Its text and its places, where it has nothing else: most prompts need no Jinja to be filled."""

    def fill(self, values: Mapping[str, object], show: Show) -> str:
        """The text with its values, each printed as `show` has it. Raises PromptFailed."""
        pieces: list[str] = []
        length = 0
        plain = self._parts is not None and self.names <= values.keys()
        try:
            for piece in self._plainly(values, show) if plain else self._template.generate({**values, _LIMITS: _Limits(), _SHOW: show}):
                pieces.append(piece)
                length = _checked_length(length + len(piece))
        except (TemplateError, TypeError, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
            raise PromptFailed(f"A prompt's template failed: {error}.") from error
        return "".join(pieces)

    def _plainly(self, values: Mapping[str, object], show: Show) -> Iterator[str]:
        return (part if isinstance(part, str) else show(values[part.name]) for part in self._parts or ())


@lru_cache(maxsize=256)
def compile_prompt(text: str) -> CompiledPrompt:
    """The template of this text. Raises PromptFailed with the line of what is broken or not allowed."""
    try:
        tree = _ENVIRONMENT.parse(text)
        for node in _all(tree):  # before all else: Jinja works out what is constant while it looks for names
            if (reason := _why_not(node)) is not None:
                raise _refused(text, node.lineno, reason)
        parts = _plain_parts(tree)
        names = frozenset(meta.find_undeclared_variables(tree))
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = nodes.Filter(loop.iter, _COUNTED, [], [], None, None, lineno=loop.lineno)
        template = _ENVIRONMENT.template_class.from_code(_ENVIRONMENT, _ENVIRONMENT.compile(tree), {})
    except TemplateSyntaxError as error:
        raise _refused(text, error.lineno, error.message or "it is broken") from error
    except (TemplateError, RecursionError, SyntaxError, MemoryError, ValueError) as error:
        raise _refused(text, 1, f"it cannot be read: {error}") from error
    return CompiledPrompt(names, template, parts)


def _plain_parts(tree: nodes.Template) -> tuple[str | nodes.Name, ...] | None:
    """A template's text and places in order; None where there is more in it."""
    outputs = [part for output in tree.body if isinstance(output, nodes.Output) for part in output.nodes]
    parts = tuple(part.data if isinstance(part, nodes.TemplateData) else part for part in outputs)
    plain = all(isinstance(output, nodes.Output) for output in tree.body) and all(isinstance(part, str | nodes.Name) for part in parts)
    return tuple(part for part in parts if isinstance(part, str | nodes.Name)) if plain else None


def _all(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _all(child)


def _why_not(node: nodes.Node) -> str | None:
    """Why this part may not stand in a prompt; None where it may."""
    match node:
        case nodes.For(recursive=True):
            return "a loop in a prompt cannot be recursive"
        case nodes.Filter(name=name) if name not in FILTERS:
            return f"there is no filter {name}; there are {', '.join(sorted(FILTERS))}"
        case nodes.Test(name=name) if name not in _TESTS:
            return f"there is no test {name}; there are {', '.join(sorted(_TESTS))}"
        case nodes.List(items=items) | nodes.Tuple(items=items, ctx="load") if not all(isinstance(item, nodes.Const) for item in items):
            return "a list in a prompt holds only texts and numbers"
    if not isinstance(node, _NODES):
        return f"{type(node).__name__.lower()} is not part of the language of prompts: values, filters, if and for"
    return None


def _refused(text: str, line: int, reason: str) -> PromptFailed:
    lines = text.split("\n")
    line = min(max(line, 1), len(lines))
    return PromptFailed(f"A prompt's template is broken in line {line}: {reason}.", details=[Detail(reason, line=line, source=lines[line - 1])])


def _checked_length(length: int) -> int:
    if length > MOST_CHARACTERS:
        raise PromptFailed(f"A prompt grew longer than {MOST_CHARACTERS} characters.")
    return length


@pass_context
def _counted(context: Context, items: Iterable[object]) -> Iterator[object]:
    return context.parent[_LIMITS].counted(items)  # type: ignore[no-any-return]


@pass_context
def _shown(context: Context, value: object) -> str:
    if isinstance(value, _NotGiven):
        return str(value)
    return context.parent[_SHOW](value)  # type: ignore[no-any-return]


def _joined(items: Iterable[object], separator: str = "") -> str:
    parts = [str(item) for item in items]
    _checked_length(sum(map(len, parts)) + len(separator) * len(parts))
    return separator.join(parts)


def _as_json(value: object) -> str:
    if isinstance(value, str):
        _checked_length(len(value))
    return json.dumps(value, ensure_ascii=False, default=str)


def _make_environment() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(undefined=_NotGiven, finalize=_shown, trim_blocks=True, lstrip_blocks=True, cache_size=0)
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in FILTERS} | {"join": _joined, "tojson": _as_json, _COUNTED: _counted}
    environment.tests = {name: environment.tests[name] for name in _TESTS}
    return environment


_ENVIRONMENT = _make_environment()
