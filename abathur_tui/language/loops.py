"""The parameters of a loop: when its result is good enough, and what it may take until then."""

from collections.abc import Mapping
from dataclasses import replace

from abathur_tui.domain.criteria import AllOf, Criterion, PassingTestsCriterion, figure
from abathur_tui.domain.errors import AbathurError, MissingParameter, WrongValue
from abathur_tui.domain.loops import PATIENCE, LoopSpec
from abathur_tui.domain.quantities import seconds_of
from abathur_tui.domain.templates import Template, TemplateKind
from abathur_tui.language.criteria import Defaults, WrongCriterion, direction_of, read_criterion, threshold
from abathur_tui.language.mistakes import Mistakes
from abathur_tui.language.resolved import Bound, Given, Lost, Place, ResolvedCommand, Supplied

TEST_COMMAND = "test_command"
COMMAND_NAMES = ("measure", "command", "criterion", TEST_COMMAND)
"""Those that name what runs on this machine."""
BUDGET = "budget"
"""Of a loop its ceiling; other commands cannot honour it yet."""
LOOP_NAMES = (*COMMAND_NAMES, "metric", "target", "direction", "rubric", "max_iterations", "loop_timeout", "patience", BUDGET)
UNLIMITED = "unlimited"
_MOST_ITERATIONS = 10_000
_LONGEST_SECONDS = 31_536_000.0
_DEEPEST = 100
"""Far beyond what criteria may be nested to, which is said where they are read, and far below where Python stops."""


def is_loop(template: Template, supplied: Mapping[str, Supplied]) -> bool:
    """Whether the command is a loop: by its template, or because it says how its result is measured."""
    if template.kind is TemplateKind.LOOP:
        return True
    declared = {parameter.name for parameter in template.parameters}
    return any(name in supplied and name not in declared for name in ("measure", "criterion", TEST_COMMAND))


def read_loop(
    name: str, supplied: Mapping[str, Supplied], parameters: Mapping[str, Given], place: Place, max_iterations: int, mistakes: Mistakes
) -> LoopSpec | None:
    """The rule of the loop `name`, from what was supplied, else from its template's parameters; None where it has mistakes, which are noted.

    Without a criterion, a metric or a measure, a judge says when it is good enough; with a command that runs tests, these must pass (as well).
    """
    before = len(mistakes)
    reader = _Reader(supplied, parameters, place, mistakes)
    criterion = reader.criterion()
    passes = reader.passes(max_iterations)
    seconds, patience, budget = reader.seconds(), reader.patience(), reader.budget()
    if criterion is None or len(mistakes) > before:
        return None
    return LoopSpec(criterion, passes, seconds, patience, budget_usd=budget)


class _Reader:
    """Reads one loop's values; each gives None where there is no usable value, which is noted."""

    def __init__(self, supplied: Mapping[str, Supplied], parameters: Mapping[str, Given], place: Place, mistakes: Mistakes) -> None:
        self._supplied = supplied
        self._parameters = parameters
        self._place = place
        self._mistakes = mistakes

    def value(self, name: str) -> Given:
        """As it was given, else the template's default."""
        return self._supplied[name].value if name in self._supplied else self._parameters.get(name)

    def criterion(self) -> Criterion | None:
        before = len(self._mistakes)
        written = self.value("criterion")
        defaults = Defaults(
            metric=self._text("metric"),
            target=self._number("target"),
            direction=None,
            measure=self._text("measure"),
            command=self._text("command"),
            rubric=self._text("rubric"),
        )
        name = "direction"
        try:
            said = self.value("direction")
            if said is not None:
                defaults = replace(defaults, direction=direction_of(said))
            name = "criterion"
            if len(self._mistakes) > before:
                return None
            tests = self._text(TEST_COMMAND)
            passing = [] if tests is None else [PassingTestsCriterion(tests.strip())]
            if written is not None:
                return _all([*passing, read_criterion(_plain(written), defaults)])
            if defaults.metric is not None or defaults.measure is not None:
                if defaults.target is None and defaults.direction is None:
                    self._wrong("target", "a loop needs `target` and `direction`", 'target=100, direction="minimize"', MissingParameter)
                    return None
                return _all([*passing, threshold(defaults)])
            return passing[0] if passing else read_criterion("llm_judge", defaults)
        except WrongCriterion as wrong:
            named = name if name in self._supplied else "target" if "judge" in str(wrong) else name
            self._wrong(named, str(wrong), wrong.suggestion, MissingParameter if wrong.missing else WrongValue)
            return None

    def passes(self, default: int) -> int | None:
        value = self.value("max_iterations")
        if value is None:
            return default
        if value == UNLIMITED:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and value == int(value) and 1 <= value <= _MOST_ITERATIONS:
            return int(value)
        self._wrong("max_iterations", f"`max_iterations` takes a whole number from 1 to {_MOST_ITERATIONS:,}, or unlimited")
        return None

    def seconds(self) -> float | None:
        value = self.value("loop_timeout")
        if value is None:
            return None
        seconds: float | None = None
        if isinstance(value, str):
            try:
                seconds = seconds_of(value)
            except (ValueError, OverflowError):
                seconds = None
        elif isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value
        if seconds is None or not 0 < seconds <= _LONGEST_SECONDS:
            self._wrong("loop_timeout", "`loop_timeout` takes a duration of at most a year", 'seconds as a number, or "30s", "5m", "2h"')
            return None
        return float(seconds)

    def patience(self) -> int:
        value = self.value("patience")
        if value is None:
            return PATIENCE
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_ITERATIONS:
            return value
        self._wrong("patience", f"`patience` takes a number of passes from 1 to {_MOST_ITERATIONS:,}")
        return PATIENCE

    def budget(self) -> float | None:
        value = self.value(BUDGET)
        dollars = figure(value)
        if dollars is not None and dollars > 0:
            return dollars
        if value is not None:
            self._wrong(BUDGET, "`budget` takes US dollars as a number above 0", "budget=2.50")
        return None

    def _text(self, name: str) -> str | None:
        value = self.value(name)
        if value is None or (isinstance(value, str) and value.strip() and "\0" not in value):
            return value
        self._wrong(name, f"`{name}` takes a text")
        return None

    def _number(self, name: str) -> float | None:
        value = self.value(name)
        if value is None:
            return None
        number = figure(value)
        if number is None:
            self._wrong(name, f"`{name}` takes a number")
        return number

    def _wrong(self, name: str, message: str, suggestion: str | None = None, kind: type[AbathurError] = WrongValue) -> None:
        place = self._supplied[name].value_place if name in self._supplied else self._place
        if not _has_lost(self.value(name)):
            self._mistakes.add(kind, place, message, suggestion)


def _all(criteria: list[Criterion]) -> Criterion:
    return criteria[0] if len(criteria) == 1 else AllOf(tuple(criteria))


def _plain(value: Given, depth: int = 0) -> object:
    """The value as JSON has it. Raises WrongCriterion where it is nested without end, or holds a result, which is not known yet."""
    if depth > _DEEPEST:
        raise WrongCriterion("criteria are nested too deeply")
    match value:
        case list():
            return [_plain(one, depth + 1) for one in value]
        case dict():
            return {name: _plain(one, depth + 1) for name, one in value.items()}
        case None | bool() | int() | float() | str():
            return value
        case Lost():
            raise WrongCriterion("a criterion has a mistake")
        case Bound() | ResolvedCommand() | _:
            raise WrongCriterion("a criterion is written out; a result is not known yet")


def _has_lost(value: Given) -> bool:
    rest = [value]
    while rest:
        match rest.pop():
            case Lost():
                return True
            case list() as inside:
                rest.extend(inside)
            case dict() as inside:
                rest.extend(inside.values())
            case _:
                pass
    return False
