"""The filter language: `status:failed template:CODE priority>=7 age<1h cost>0.5 -tag:old "auth service"`.

All conditions hold together; `-` in front negates one; `status:` may be given several times and means any of them.
"""

import re
from dataclasses import dataclass, replace

from abathur_tui.domain.errors import ArgumentInvalid, Detail
from abathur_tui.domain.filters import Comparison, Operator, Quantity, TaskFilter
from abathur_tui.domain.ids import parse_id
from abathur_tui.domain.nearest import nearest
from abathur_tui.domain.quantities import seconds_of
from abathur_tui.domain.status import Status

_TERM = re.compile(r'(?P<minus>-?)(?:(?P<key>[A-Za-z_]+)(?P<operator>:|<=|>=|<|>|=))?(?P<value>"[^"]*"|(?!")\S*)(?=\s|$)')
_WORDS: tuple[str, ...] = ("status", "template", "agent", "tag", "execution", "parent")
_NUMBERS: dict[str, Quantity] = {"priority": "priority", "age": "age", "cost": "cost", "tokens": "tokens", "attempt": "attempt"}
_OPERATORS: dict[str, Operator] = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "=": "=", ":": "="}
_PRIORITIES = {"low": 2.0, "normal": 5.0, "high": 8.0, "critical": 10.0}
_OPEN = frozenset({Status.WAITING, Status.PENDING, Status.RUNNING, Status.PAUSED, Status.INTERRUPTED})
_STATUSES: dict[str, frozenset[Status]] = {str(status): frozenset({status}) for status in Status} | {
    "open": _OPEN,
    "ended": frozenset(Status) - _OPEN,
}


@dataclass(frozen=True, slots=True)
class _Term:
    key: str
    operator: str
    value: str
    negated: bool
    column: int
    length: int


class _Mistake(Exception):
    """A term that cannot be read: what is wrong with it, and what was probably meant."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion


def parse_filter(text: str) -> TaskFilter:
    """The filter that `text` describes; an empty one lets everything through. Raises ArgumentInvalid with all of its mistakes."""
    found, mistakes = TaskFilter(), []
    for term in _terms(text):
        try:
            found = _negated(found, term) if term.negated else _with(found, term)
        except _Mistake as mistake:
            mistakes.append(Detail(mistake.message, 1, term.column, text, length=term.length, suggestion=mistake.suggestion))
    if mistakes:
        count = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        raise ArgumentInvalid(
            f"The filter has {count}.", hint="For example: status:failed template:CODE priority>=7 age<1h -tag:old", details=mistakes
        )
    return found


def _terms(text: str) -> list[_Term]:
    terms: list[_Term] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = _TERM.match(text, position)
        if match is None:  # a quote that is not closed, or something glued to one
            end = len(text)
            terms.append(_Term("", "broken", text[position:end], False, position + 1, end - position))
        else:
            end = match.end()
            value = match["value"]
            quoted = value.startswith('"')
            terms.append(
                _Term(
                    (match["key"] or "").lower(),
                    match["operator"] or "",
                    value.strip('"') if quoted else value,
                    match["minus"] == "-",
                    position + 1,
                    end - position,
                )
            )
        position = end
    return terms


def _negated(found: TaskFilter, term: _Term) -> TaskFilter:
    return replace(found, without=(*found.without, _with(TaskFilter(), term)))


def _with(found: TaskFilter, term: _Term) -> TaskFilter:
    """The filter with one more condition. Raises _Mistake."""
    if term.operator == "broken":
        raise _Mistake('a quote is not closed, or not followed by a space: "auth service"')
    if not term.value:
        raise _Mistake("there is nothing after it" if term.key else "`-` negates what follows it at once: -tag:old")
    if not term.key:
        return replace(found, words=(*found.words, term.value))
    if term.key in _NUMBERS:
        quantity = _NUMBERS[term.key]
        comparison = Comparison(quantity, _OPERATORS[term.operator], _number(quantity, term.value))
        return replace(found, comparisons=(*found.comparisons, comparison))
    if term.key not in _WORDS:
        known = (*_WORDS, *_NUMBERS)
        raise _Mistake(f"there is no {term.key!r} to filter by ({', '.join(known)}); quote it to look for the text", nearest(term.key, known))
    if term.operator != ":":
        raise _Mistake(f"{term.key} takes a colon: {term.key}:{term.value}")
    return _with_word(found, term)


def _with_word(found: TaskFilter, term: _Term) -> TaskFilter:
    if term.key == "status":
        return replace(found, statuses=found.statuses | _statuses(term.value))
    if getattr(found, term.key) is not None:
        raise _Mistake(f"{term.key} is given twice, and a task has only one" if term.key != "tag" else "one tag at a time")
    match term.key:
        case "execution":
            return replace(found, execution=_id(term.value, "x", "an execution"))
        case "parent":
            return replace(found, parent=_id(term.value, "t", "a task"))
        case "template":
            return replace(found, template=term.value)
        case "agent":
            return replace(found, agent=term.value)
        case _:
            return replace(found, tag=term.value)


def _statuses(value: str) -> frozenset[Status]:
    chosen: frozenset[Status] = frozenset()
    for name in value.lower().split(","):
        if name not in _STATUSES:
            raise _Mistake(f"there is no status {name!r} ({', '.join(_STATUSES)})", nearest(name, _STATUSES))
        chosen |= _STATUSES[name]
    return chosen


def _id(value: str, letter: str, what: str) -> int:
    number = parse_id(value, letter)
    if number is None:
        raise _Mistake(f"{value!r} is no id of {what}, such as {letter}12")
    return number


def _number(quantity: Quantity, value: str) -> float:
    try:
        match quantity:
            case "age":
                return seconds_of(value)
            case "priority" if value.lower() in _PRIORITIES:
                return _PRIORITIES[value.lower()]
            case "cost":
                return float(value.removeprefix("$"))
            case _:
                return float(value)
    except ValueError:
        expected = "a duration such as 30m, 1h or 2d" if quantity == "age" else "a number"
        raise _Mistake(f"{quantity} is compared with {expected}, not {value!r}") from None
