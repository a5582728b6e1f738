"""Criteria as people write them: short texts, objects, lists of them; from a command, an option or a file.

    latency_ms<=100: ./bench.sh        a threshold; the command may be given once for all as `measure`
    stability(window=3, similarity=0.95)
    test_pass: pytest -q
    custom: ./check.py                 a command; `checks.py:converged` or `package.checks:converged` is a Python function
    llm_judge>=0.8: is it clear to a newcomer?
    {all: [...]}  {any: [...]}         nested

A list is all-of. A bare `threshold`, `test_pass`, `custom` or `llm_judge` takes the rest from `metric`, `target`, `direction`, `measure`, `command`
and `rubric`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from abathur_tui.domain.criteria import (
    JUDGE_TARGET,
    AllOf,
    AnyOf,
    Criterion,
    CustomCriterion,
    Direction,
    FunctionCriterion,
    JudgeCriterion,
    PassingTestsCriterion,
    StabilityCriterion,
    ThresholdCriterion,
    figure,
    leaves,
)
from abathur_tui.domain.nearest import nearest

USUAL_RUBRIC = "It does what was asked, is correct and complete, and could be used as it is."
"""What a judge scores by where nothing else was said."""
MOST_CRITERIA = 32
_DEEPEST = 8
_KINDS = {
    "threshold": "threshold",
    "stability": "stability",
    "stable": "stability",
    "test_pass": "test_pass",
    "tests": "test_pass",
    "custom": "custom",
    "llm_judge": "llm_judge",
    "judge": "llm_judge",
}
_FIELDS = {
    "threshold": ("metric", "target", "direction", "measure"),
    "stability": ("window", "similarity", "metric", "tolerance", "measure"),
    "test_pass": ("command",),
    "custom": ("command", "function"),
    "llm_judge": ("rubric", "target"),
}
_GROUPS = {"all": AllOf, "all_of": AllOf, "any": AnyOf, "any_of": AnyOf}
_FUNCTION = re.compile(r"(?:[\w./-]+\.py|[^\W\d]\w*(?:\.[^\W\d]\w*)*):[^\W\d]\w*")
"""`file.py:function` or `package.module:function`."""
_COMPARED = re.compile(r"\s*([A-Za-z_][\w.-]*)\s*(<=|>=|<|>)\s*([^\s:]+)\s*(?::\s*(.*))?", re.DOTALL)
_CALLED = re.compile(r"\s*([A-Za-z_]+)\s*(?:\(([^)]*)\))?\s*(?::\s*(.*))?", re.DOTALL)
_HELP = "latency_ms<=100, stability, test_pass: COMMAND, custom: COMMAND, llm_judge>=0.9: RUBRIC, or {all: […]} and {any: […]} of them"


class WrongCriterion(ValueError):
    """A criterion cannot be read; `suggestion` says what may be meant."""

    def __init__(self, message: str, suggestion: str | None = None, *, missing: bool = False) -> None:
        """`missing`: something is not given, rather than wrong."""
        super().__init__(message)
        self.suggestion = suggestion
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a criterion takes where it does not say it itself."""

    metric: str | None = None
    target: float | None = None
    direction: Direction | None = None
    measure: str | None = None
    command: str | None = None
    rubric: str | None = None


def read_criterion(value: object, defaults: Defaults) -> Criterion:
    """The criterion that a text, an object or a list of them says. Raises WrongCriterion."""
    criterion = _read(value, defaults, 1)
    if len(leaves(criterion)) > MOST_CRITERIA:
        raise WrongCriterion(f"there are more than {MOST_CRITERIA} criteria")
    return criterion


def threshold(defaults: Defaults) -> ThresholdCriterion:
    """The threshold that the options alone say. Raises WrongCriterion."""
    return _threshold({}, defaults)


def _read(value: object, defaults: Defaults, depth: int) -> Criterion:
    if depth > _DEEPEST:
        raise WrongCriterion(f"criteria are nested deeper than {_DEEPEST} levels")
    match value:
        case str() if value.lstrip().startswith(("{", "[")):
            try:
                return _read(json.loads(value), defaults, depth + 1)
            except (ValueError, RecursionError) as error:
                if isinstance(error, WrongCriterion):
                    raise
                raise WrongCriterion(f"a criterion is no JSON: {error}") from error
        case str():
            return _text(value, defaults)
        case list() if value:
            return _read(value[0], defaults, depth + 1) if len(value) == 1 else AllOf(_each(value, defaults, depth))
        case dict() if value:
            return _object(value, defaults, depth)
        case _:
            raise WrongCriterion("a criterion is a text, an object or a list of them", _HELP)


def _each(values: Sequence[object], defaults: Defaults, depth: int) -> tuple[Criterion, ...]:
    return tuple(_read(one, defaults, depth + 1) for one in values)


def _object(value: Mapping[str, object], defaults: Defaults, depth: int) -> Criterion:
    for name, group in _GROUPS.items():
        if name in value:
            inner = value[name]
            if len(value) > 1 or not isinstance(inner, list) or not inner:
                raise WrongCriterion(f"`{name}` is alone in its object, and a list of criteria", f"{{{name}: […]}}")
            members = _each(inner, defaults, depth)
            return AllOf(members) if group is AllOf else AnyOf(members)
    said = value.get("type", "threshold" if "metric" in value and "window" not in value else None)
    if said is None:
        raise WrongCriterion("a criterion's object has a `type`", "threshold, stability, test_pass, custom or llm_judge; or {all: […]}, {any: […]}")
    kind = _kind(said)
    for name in value:
        if name != "type" and name not in _FIELDS[kind]:
            near = nearest(str(name), _FIELDS[kind])
            raise WrongCriterion(f"{kind} has no `{name}`", f"did you mean {near}?" if near else ", ".join(_FIELDS[kind]))
    return _of_kind(kind, {name: one for name, one in value.items() if name != "type"}, defaults)


def _text(text: str, defaults: Defaults) -> Criterion:
    if compared := _COMPARED.fullmatch(text):
        name, sign, number, rest = compared.groups()
        target = _number("the target", _read_number(number))
        if _KINDS.get(name.lower()) == "llm_judge":
            return _of_kind("llm_judge", {"target": target, "rubric": rest or None}, defaults)
        direction = (Direction.MINIMIZE if sign.startswith("<") else Direction.MAXIMIZE).value
        return _of_kind("threshold", {"metric": name, "target": target, "direction": direction, "measure": rest or None}, defaults)
    called = _CALLED.fullmatch(text)
    if called is None:
        raise WrongCriterion(f"{_shown(text)} is no criterion", _HELP)
    kind = _kind(called[1])
    given: dict[str, object] = _arguments(kind, called[2] or "")
    rest = (called[3] or "").strip()
    if rest:
        given[{"threshold": "measure", "stability": "measure", "llm_judge": "rubric"}.get(kind, "command")] = rest
    return _of_kind(kind, given, defaults)


def _arguments(kind: str, written: str) -> dict[str, object]:
    """`3, similarity=0.9`: the first without a name is the kind's first field."""
    given: dict[str, object] = {}
    for number, part in enumerate(part.strip() for part in written.split(",") if part.strip()):
        name, equals, value = part.partition("=")
        if not equals and number >= len(_FIELDS[kind]):
            raise WrongCriterion(f"{kind} takes at most {len(_FIELDS[kind])} values")
        field, text = (name.strip(), value.strip()) if equals else (_FIELDS[kind][number], part)
        if field not in _FIELDS[kind]:
            near = nearest(field, _FIELDS[kind])
            raise WrongCriterion(f"{kind} has no `{field}`", f"did you mean {near}?" if near else ", ".join(_FIELDS[kind]))
        number_said = _read_number(text)
        given[field] = text.strip("\"'") if number_said is None else number_said
    return given


def _of_kind(kind: str, given: Mapping[str, object], defaults: Defaults) -> Criterion:
    match kind:
        case "threshold":
            return _threshold(given, defaults)
        case "stability":
            return _stability(given, defaults)
        case "test_pass":
            return PassingTestsCriterion(_needed("test_pass", "command", given.get("command") or defaults.command))
        case "custom":
            return _custom(given, defaults)
        case _:
            target = given.get("target")
            if target is None and defaults.metric is None:
                target = defaults.target
            score = JUDGE_TARGET if target is None else _number("a judge's target", target)
            if not 0 < score <= 1:
                raise WrongCriterion(f"a judge scores from 0 to 1; {score:g} could never be reached, or always", "target=0.9")
            return JudgeCriterion(_needed("llm_judge", "rubric", given.get("rubric") or defaults.rubric or USUAL_RUBRIC), score)


def is_function(text: str) -> bool:
    """Whether a command is a Python function: `module:function` or `file.py:function`."""
    return _FUNCTION.fullmatch(text.strip()) is not None


def _custom(given: Mapping[str, object], defaults: Defaults) -> CustomCriterion | FunctionCriterion:
    if given.get("function") is None:
        command = _needed("custom", "command", given.get("command") or defaults.command)
        return FunctionCriterion(command) if _FUNCTION.fullmatch(command) else CustomCriterion(command)
    if given.get("command") is not None:
        raise WrongCriterion("custom has a `command` or a `function`, not both")
    function = _needed("custom", "function", given["function"])
    if not _FUNCTION.fullmatch(function):
        raise WrongCriterion(f"{_shown(function)} names no Python function", "checks.py:converged, or package.checks:converged")
    return FunctionCriterion(function)


def _threshold(given: Mapping[str, object], defaults: Defaults) -> ThresholdCriterion:
    metric = _needed("a threshold", "metric", given.get("metric") or defaults.metric or ("value" if defaults.measure else None))
    target = given.get("target", defaults.target)
    if target is None:
        raise WrongCriterion("a loop needs `target`", "target=100", missing=True)
    said = given.get("direction", defaults.direction)
    if said is None:
        raise WrongCriterion("a loop needs `direction`", 'direction="minimize" or "maximize"', missing=True)
    measure = given.get("measure") or defaults.measure
    return ThresholdCriterion(
        metric, _number("`target`", target), direction_of(said), None if measure is None else _needed("a threshold", "measure", measure)
    )


def _stability(given: Mapping[str, object], defaults: Defaults) -> StabilityCriterion:
    usual = StabilityCriterion()
    window = _number("`window`", given.get("window", usual.window))
    similarity = _number("`similarity`", given.get("similarity", usual.similarity))
    tolerance = _number("`tolerance`", given.get("tolerance", 0.0))
    if window != int(window) or not 2 <= window <= 100:
        raise WrongCriterion("`window` is a whole number of passes from 2 to 100", "window=3")
    if not 0 < similarity <= 1:
        raise WrongCriterion("`similarity` is a number above 0, up to 1", "similarity=0.95")
    if tolerance < 0:
        raise WrongCriterion("`tolerance` is no less than 0")
    metric = given.get("metric")
    if metric is None:
        return StabilityCriterion(int(window), similarity)
    measure = given.get("measure") or defaults.measure
    text = None if measure is None else _needed("stability", "measure", measure)
    return StabilityCriterion(int(window), similarity, _needed("stability", "metric", metric), tolerance, text)


def direction_of(said: object) -> Direction:
    """`minimize` or `maximize`. Raises WrongCriterion."""
    if isinstance(said, str) and said.lower() in set(Direction):
        return Direction(said.lower())
    meant = nearest(said, [str(one) for one in Direction]) if isinstance(said, str) else None
    raise WrongCriterion("`direction` takes minimize or maximize", f'did you mean "{meant}"?' if meant else None)


def _kind(said: object) -> str:
    kind = _KINDS.get(said.lower().replace("-", "_")) if isinstance(said, str) else None
    if kind is None:
        near = nearest(said, list(_KINDS)) if isinstance(said, str) else None
        raise WrongCriterion(f"{_shown(str(said))} is no criterion", f"did you mean {near}?" if near else _HELP)
    return kind


def _needed(kind: str, name: str, value: object) -> str:
    if value is None:
        raise WrongCriterion(f"{kind} needs `{name}`", f'{name}="…"', missing=True)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise WrongCriterion(f"`{name}` takes a text")
    return value.strip()


def _number(name: str, value: object) -> float:
    number = figure(value)
    if number is None:
        raise WrongCriterion(f"{name} takes a number")
    return number


def _read_number(text: str) -> float | None:
    try:
        return float(text) if text.isascii() and "_" not in text else None
    except ValueError:
        return None


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 60 else line[:59] + "…")
