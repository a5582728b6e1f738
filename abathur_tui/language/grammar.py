"""The grammar, read from `grammar.lark`, and the callbacks that make the syntax tree of what the parser has recognised."""

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from sys import intern
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from abathur_tui.language.tree import Argument, Array, Broken, Call, Command, Entry, Literal, Name, Object, Statement, Value

if TYPE_CHECKING:
    from lark import Lark


_Callback: TypeAlias = Callable[[list[Any]], Any]
_Row: TypeAlias = "dict[str, _Row | tuple[str, int, _Callback]]"
"""A state of the automaton. By the type of the next token: the state after it, or what must be reduced first (the rule, the number of its
parts, what is made of them); by a rule that has been reduced: the state after it."""


@cache
def _grammar() -> "Lark":
    from lark import Lark  # 60 ms, and most commands read no document

    text = (files(__package__) / "grammar.lark").read_text("utf-8")
    return Lark(text, parser="lalr", lexer="basic", transformer=Builder(), maybe_placeholders=False)


@cache
def _table() -> tuple[_Row, _Row]:
    """The automaton's first and last state: lark's table, with states, rules and callbacks looked up beforehand."""
    made = _grammar().parse_interactive().parser_state.parse_conf
    rows: dict[int, _Row] = {state: {} for state in made.states}
    for state, row in made.states.items():
        for name, (_, target) in row.items():
            symbol = intern(str(name))  # lark's own are tokens, which compare slowly
            if isinstance(target, int):
                rows[state][symbol] = rows[target]
            else:
                rows[state][symbol] = (intern(str(target.origin.name)), len(target.expansion), made.callbacks[target])
    return rows[made.start_state], rows[made.end_state]


def terminals() -> list[tuple[str, str]]:
    """Name and regular expression of each terminal, in the order in which they are tried."""
    ordered = sorted(_grammar().terminals, key=lambda terminal: -terminal.priority)
    return [(intern(str(terminal.name)), terminal.pattern.to_regexp()) for terminal in ordered]


class Machine:
    """The grammar's automaton, at work on one statement: tokens in, a `Statement` out.

    Lark makes the table; walking it here takes less than half the time of lark's own loop, and can be asked what it would take.
    """

    def __init__(self) -> None:
        """It stands at the beginning of a statement."""
        first, self._last = _table()
        self._rows = [first]
        self._values: list[Any] = []

    def take(self, token: Any) -> bool:
        """Go on by one token; False where the grammar has no place for it. Only its `type` counts here, the callbacks see the rest."""
        rows, values = self._rows, self._values
        kind = token.type
        row = rows[-1]
        while True:
            action = row.get(kind)
            if isinstance(action, dict):
                rows.append(action)
                values.append(token)
                return True
            if action is None:
                return False
            rule, size, callback = action
            if size == 1:
                values[-1] = callback(values[-1:])
                del rows[-1]
            else:
                values[-size:] = (callback(values[-size:]),)
                del rows[-size:]
            row = rows[-1][rule]  # type: ignore[assignment]  # after a rule comes a state
            rows.append(row)

    def finish(self) -> Statement | None:
        """The statement; None where it is not complete."""
        self.take(_END)
        return self._values[-1] if self._rows[-1] is self._last else None

    def takes(self, *types: str) -> bool:
        """Whether tokens of these types, one after the other, would have a place here."""
        rows = list(self._rows)
        return all(_would_take(rows, kind) for kind in types)

    def expected(self) -> set[str]:
        """The types of all tokens that would have a place here."""
        return {kind for kind in self._rows[-1] if kind.isupper() and self.takes(kind)}


def _would_take(rows: list[_Row], kind: str) -> bool:
    while True:
        action = rows[-1].get(kind)
        if action is None:
            return False
        if isinstance(action, dict):
            rows.append(action)
            return True
        del rows[-action[1] :]
        rows.append(rows[-1][action[0]])  # type: ignore[arg-type]  # after a rule comes a state


class _Any(NamedTuple):
    """A token of which only the type counts."""

    type: str


_END = _Any("$END")


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


def _command(children: list[Any], template: Any, version: str | None, last: Any) -> Command:
    arguments = children[-2] if isinstance(children[-2], list) else ()
    return Command(template.value, version, tuple(arguments), children[0].start, children[-1].end, template.start, last.end)
