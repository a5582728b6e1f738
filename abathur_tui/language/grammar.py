"""The grammar, read from `grammar.lark`, and the callbacks that make the syntax tree of what the parser has recognised."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from abathur_tui.language.tree import Argument, Array, Broken, Call, Command, Entry, Literal, Name, Object, Statement, Value

if TYPE_CHECKING:
    from lark import Lark


@dataclass(frozen=True, slots=True)
class _Reduce:
    """What has been read is one `origin` made of the last `size` parts."""

    origin: str
    size: int
    callback: Callable[[list[Any]], Any]


@dataclass(frozen=True, slots=True)
class _Table:
    """Lark's LALR(1) table, with rules and callbacks looked up beforehand."""

    actions: dict[int, dict[str, int | _Reduce]]
    """State and token type to the state after it, or to what must be reduced first."""
    following: dict[int, dict[str, int]]
    """State and rule to the state after it."""
    start: int
    end: int


@cache
def _grammar() -> "Lark":
    from lark import Lark  # 60 ms, and most commands read no document

    text = (files(__package__) / "grammar.lark").read_text("utf-8")
    return Lark(text, parser="lalr", lexer="basic", transformer=Builder(), maybe_placeholders=False)


@cache
def _table() -> _Table:
    made = _grammar().parse_interactive().parser_state.parse_conf
    actions: dict[int, dict[str, int | _Reduce]] = {}
    following: dict[int, dict[str, int]] = {}
    for state, row in made.states.items():
        actions[state], following[state] = {}, {}
        for symbol, (_, target) in row.items():
            if not isinstance(target, int):
                actions[state][symbol] = _Reduce(target.origin.name, len(target.expansion), made.callbacks[target])
            elif symbol.isupper():
                actions[state][symbol] = target
            else:
                following[state][symbol] = target
    return _Table(actions, following, made.start_state, made.end_state)


def terminals() -> list[tuple[str, str]]:
    """Name and regular expression of each terminal, in the order in which they are tried."""
    ordered = sorted(_grammar().terminals, key=lambda terminal: -terminal.priority)
    return [(terminal.name, terminal.pattern.to_regexp()) for terminal in ordered]


class Machine:
    """The grammar's automaton, at work on one statement: tokens in, a `Statement` out.

    Lark makes the table; walking it here takes less than half the time of lark's own loop, and can be asked what it would take.
    """

    def __init__(self) -> None:
        """It stands at the beginning of a statement."""
        table = _table()
        self._actions, self._following, self._end = table.actions, table.following, table.end
        self._states = [table.start]
        self._values: list[Any] = []

    def take(self, token: Any) -> bool:
        """Go on by one token; False where the grammar has no place for it. Only its `type` counts here, the callbacks see the rest."""
        states, values = self._states, self._values
        kind = token.type
        while True:
            action = self._actions[states[-1]].get(kind)
            if action is None:
                return False
            if isinstance(action, int):
                states.append(action)
                values.append(token)
                return True
            size = action.size
            children = values[-size:]
            del values[-size:], states[-size:]
            values.append(action.callback(children))
            states.append(self._following[states[-1]][action.origin])

    def finish(self) -> Statement | None:
        """The statement; None where it is not complete."""
        self.take(_Any("$END"))
        return self._values[-1] if self._states[-1] == self._end else None

    def takes(self, *types: str) -> bool:
        """Whether tokens of these types, one after the other, would have a place here."""
        states = list(self._states)
        return all(self._would_take(states, kind) for kind in types)

    def expected(self) -> set[str]:
        """The types of all tokens that would have a place here."""
        return {kind for kind in self._actions[self._states[-1]] if kind != "$END" and self.takes(kind)}

    def _would_take(self, states: list[int], kind: str) -> bool:
        while True:
            action = self._actions[states[-1]].get(kind)
            if action is None:
                return False
            if isinstance(action, int):
                states.append(action)
                return True
            del states[-action.size :]
            states.append(self._following[states[-1]][action.origin])


class _Any(NamedTuple):
    """A token of which only the type counts."""

    type: str


class Builder:
    """One method for each alternative of the grammar. Children are tokens whose `value` has been read, or what other methods gave."""

    def statement(self, children: list[Any]) -> Statement:
        """`command`."""
        command: Command = children[0]
        return Statement(None, command, command.start, command.end)

    def binding(self, children: list[Any]) -> Statement:
        """`NAME = command`."""
        name, _, command = children
        return Statement(name.value, command, name.start, command.end)

    def command(self, children: list[Any]) -> Command:
        """`ABYSSAL[NAME](…)`."""
        return _command(children, children[2], None, children[2])

    def pinned_command(self, children: list[Any]) -> Command:
        """`ABYSSAL[NAME@version](…)`."""
        return _command(children, children[2], children[3].value[1:], children[3])

    def first(self, children: list[Any]) -> list[Any]:
        """The beginning of a list."""
        return children

    def more(self, children: list[Any]) -> list[Any]:
        """One more element of a list, which grows in place: a tuple each time would take quadratic time."""
        items: list[Any] = children[0]
        items.append(children[2])
        return items

    def arguments(self, children: list[Any]) -> list[Any]:
        """A list with or without its trailing comma."""
        items: list[Any] = children[0]
        return items

    values = entries = arguments

    def positional(self, children: list[Any]) -> Argument:
        """`value`."""
        value: Value = children[0]
        return Argument(None, value, value.start, value.end)

    def named(self, children: list[Any]) -> Argument:
        """`NAME = value`."""
        name, _, value = children
        return Argument(name.value, value, name.start, name.end)

    def text(self, children: list[Any]) -> Literal | Broken:
        """A string; where it cannot be read, nothing."""
        token = children[0]
        return Broken(token.start, token.end) if token.value is None else Literal(token.value, token.start, token.end)

    def number(self, children: list[Any]) -> Literal | Broken:
        """A number."""
        return self.text(children)

    def constant(self, children: list[Any]) -> Literal:
        """true, false or null."""
        token = children[0]
        return Literal({"true": True, "false": False, "null": None}[token.value], token.start, token.end)

    def name(self, children: list[Any]) -> Name:
        """A bare name."""
        token = children[0]
        return Name(token.value, token.start, token.end)

    def call(self, children: list[Any]) -> Call:
        """`NAME(…)`."""
        arguments = children[2] if len(children) == 4 else ()
        return Call(children[0].value, tuple(arguments), children[0].start, children[-1].end)

    def array(self, children: list[Any]) -> Array:
        """`[…]`."""
        items = children[1] if len(children) == 3 else ()
        return Array(tuple(items), children[0].start, children[-1].end)

    def object(self, children: list[Any]) -> Object:
        """`{…}`."""
        entries = children[1] if len(children) == 3 else ()
        return Object(tuple(entries), children[0].start, children[-1].end)

    def nested(self, children: list[Any]) -> Command:
        """A command inside a value."""
        command: Command = children[0]
        return command

    def entry(self, children: list[Any]) -> Entry:
        """`key: value`."""
        key, _, value = children
        return Entry(key.value or "", value, key.start, key.end)

    def bare_key(self, children: list[Any]) -> Any:
        """A key without quotes."""
        return children[0]

    quoted_key = bare_key


def _command(children: list[Any], template: Any, version: str | None, last: Any) -> Command:
    arguments = children[-2] if isinstance(children[-2], list) else ()
    return Command(template.value, version, tuple(arguments), children[0].start, children[-1].end, template.start, last.end)
