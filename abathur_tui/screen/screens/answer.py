"""What tasks ask a person: every contradiction with what its members state, answered in place, one or all at once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from abathur_tui.domain.data import JsonValue
from abathur_tui.domain.ids import TaskId, task_text
from abathur_tui.domain.questions import Given, OfOption, OfValue, Question
from abathur_tui.domain.safe_text import safe, safe_line
from abathur_tui.screen.actions import Where, bindings, key_text, of
from abathur_tui.screen.roles import Line, Role, Span, fit
from abathur_tui.screen.widgets.command_bar import CommandBar
from abathur_tui.screen.widgets.lines import Lines

_MOST_LINES = 6
"""Lines of an offered text that are shown."""


@dataclass
class _Choices:
    """What was chosen so far."""

    questions: Sequence[Question]
    given: dict[int, Given] = field(default_factory=dict)

    def is_chosen(self, question: Question, option: int) -> bool:
        """Whether this option, from 0, is what is to be said."""
        given = self.given.get(question.id)
        return isinstance(given, OfOption) and given.number == option + 1


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the list: a question's own, an option's, or more of an option's text."""

    question: Question | None
    line: Line
    option: int | None = None
    """From 0; None: the cursor passes over it."""


class QuestionLines(Lines, can_focus=True):
    """Questions, and under each of them what is offered; the cursor stands on offers only."""

    BINDINGS = bindings(Where.ANSWERING)

    def __init__(self, questions: Sequence[Question]) -> None:
        """Nothing is chosen."""
        super().__init__(id="questions")
        self._choices = _Choices(questions)
        self._rows: list[_Row] = []
        self._several = False
        """Whether more than one task asks."""

    def on_mount(self) -> None:
        """All lines at once, the cursor on the first offer."""
        self._several = len({question.task for question in self._choices.questions}) > 1
        self._show()
        self._step(1, start=-1)

    def on_resize(self) -> None:
        """Other lengths fit."""
        self._show()

    def row_line(self, index: int) -> Line:
        """As it was laid out, with a mark where the cursor is."""
        return [Span("▌" if index == self.cursor else " ", Role.ACCENT), *self._rows[index].line]

    def offers(self, name: str) -> bool:
        """Whether there is something to be done."""
        return name != "list.copy"

    def action_list_down(self) -> None:
        """To the next offer."""
        self._step(1)

    def action_list_up(self) -> None:
        """To the offer before."""
        self._step(-1)

    def action_list_page_down(self) -> None:
        """To the next question."""
        self._to_question(1)

    def action_list_page_up(self) -> None:
        """To the question before."""
        self._to_question(-1)

    def action_list_top(self) -> None:
        """To the first offer."""
        self._step(1, start=-1)

    def action_list_bottom(self) -> None:
        """To the last one."""
        self._step(-1, start=len(self._rows))

    def action_list_open(self) -> None:
        """Say what was chosen; where nothing was, what the cursor is on."""
        row = self._current
        if not self._choices.given and row is not None and row.question is not None and row.option is not None:
            self._choices.given[row.question.id] = OfOption(row.option + 1)
        self.screen.dismiss(dict(self._choices.given))

    def action_list_back(self) -> None:
        """Say nothing."""
        self.screen.dismiss({})

    def action_answer_choose(self) -> None:
        """This one is right; on to the next question."""
        row = self._current
        if row is None or row.question is None or row.option is None:
            return
        if self._choices.is_chosen(row.question, row.option):
            del self._choices.given[row.question.id]
        else:
            self._choices.given[row.question.id] = OfOption(row.option + 1)
            self._to_question(1)
        self._show()

    def action_answer_all(self) -> None:
        """Whoever states this is right everywhere."""
        row = self._current
        if row is None or row.question is None or row.option is None:
            return
        members = set(row.question.asking.options[row.option].members)
        for question in self._choices.questions:
            for number, option in enumerate(question.asking.options, 1):
                if members & set(option.members):
                    self._choices.given[question.id] = OfOption(number)
                    break
        self._show()

    def action_answer_write(self) -> None:
        """Another value for the question under the cursor."""
        row = self._current
        question = row.question if row is not None else None
        if question is None:
            return

        async def take(text: str) -> str:
            if not text.strip() and question.asking.kind != "lines":
                return "write a value, or press esc"
            self._choices.given[question.id] = OfValue(text if question.asking.kind == "lines" else _value(text))
            self._show()
            self.screen.set_focus(self)
            return ""

        def close(accepted: bool) -> None:
            self.screen.set_focus(self)

        bar = self.screen.query_one(CommandBar)
        bar.ask(" = ", "", accept=take, close=close, placeholder=f"what is right for {safe_line(question.asking.where)}")

    @property
    def _current(self) -> _Row | None:
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def _step(self, step: int, start: int | None = None) -> None:
        index = (self.cursor if start is None else start) + step
        while 0 <= index < len(self._rows):
            if self._rows[index].option is not None:
                self.cursor = index
                self.show_row(max(0, index - 1) if step < 0 else index)
                return
            index += step

    def _to_question(self, step: int) -> None:
        row = self._current
        order = list(self._choices.questions)
        if row is None or row.question is None or row.question not in order:
            return
        place = order.index(row.question) + step
        if 0 <= place < len(order):
            first = next(index for index, one in enumerate(self._rows) if one.question == order[place] and one.option is not None)
            self.cursor = first

    def _show(self) -> None:
        width = max(20, self.scrollable_content_region.width)
        self._rows = [row for question in self._choices.questions for row in self._rows_of(question, width)]
        self.border_title = self.content([Span(" ● ", Role.PERSON), Span(f"{self._title(width)} ", Role.STRONG)])
        done, count = len(self._choices.given), len(self._choices.questions)
        self.border_subtitle = self.content([Span(f" {done} of {count} chosen ", Role.ACCENT if done else Role.DIM)])
        self.set_count(len(self._rows))

    def _title(self, width: int) -> str:
        questions = self._choices.questions
        tasks = {question.task: question.task_name for question in questions}
        who = "; ".join(f"{task_text(TaskId(task))} {safe_line(name)}" for task, name in tasks.items())
        what = "1 contradiction" if len(questions) == 1 else f"{len(questions)} contradictions"
        return f"{fit(who, max(12, width - 40)).rstrip()} {'ask' if self._several else 'asks'} you: {what}"

    def _rows_of(self, question: Question, width: int) -> list[_Row]:
        who = f"  {task_text(TaskId(question.task))} {safe_line(question.task_name)}" if self._several else ""
        rows = [_Row(question, [Span(safe_line(question.asking.where), Role.STRONG), Span(who, Role.DIM)])]
        for place, option in enumerate(question.asking.options):
            chosen = self._choices.is_chosen(question, place)
            mark = Span("  ● " if chosen else "  ○ ", Role.ACCENT if chosen else Role.DIM)
            members = ", ".join(task_text(TaskId(task)) for task in option.members)
            members = fit(members, min(len(members), max(8, width // 3)))
            first, *more = shown(option.value)
            text = fit(first, max(8, width - 7 - len(members)))
            rows.append(_Row(question, [mark, Span(text, Role.INK), Span(f" {members}", Role.DIM)], place))
            rows += [_Row(question, [Span("    "), Span(line)]) for line in more]
        given = self._choices.given.get(question.id)
        if isinstance(given, OfValue):
            first, *more = shown(given.value)
            rows.append(_Row(question, [Span("  ● ", Role.ACCENT), Span(first), Span("  as you wrote", Role.DIM)]))
            rows += [_Row(question, [Span("    "), Span(line)]) for line in more]
        return [*rows, _Row(None, [])]


class AnswerScreen(ModalScreen[Mapping[int, Given]]):
    """Opens over the panes; gives what was chosen by the questions' ids, empty where nothing is to be said."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, questions: Sequence[Question]) -> None:
        """At least one."""
        super().__init__(classes="dialog")
        self._questions = questions

    def compose(self) -> ComposeResult:
        """The questions, and the keys."""
        with Vertical(id="answer-box"):
            yield QuestionLines(self._questions)
            yield _Keys()
            yield CommandBar()


class _Keys(Lines, can_focus=False):
    """One line of keys."""

    def __init__(self) -> None:
        super().__init__(id="answer-keys")

    def on_mount(self) -> None:
        """It never changes."""
        self.set_count(1)

    @property
    def shows_cursor(self) -> bool:
        """It is no list."""
        return False

    def row_line(self, index: int) -> Line:
        """The keys of this place."""
        line: list[Span] = [Span(" ")]
        for action in of(Where.ANSWERING):
            line += [Span(key_text(action.keys[0]), Role.ACCENT), Span(f" {action.title}   ", Role.DIM)]
        return [*line, Span("enter", Role.ACCENT), Span(" answer   ", Role.DIM), Span("esc", Role.ACCENT), Span(" back", Role.DIM)]


def shown(value: JsonValue) -> list[str]:
    """A value as lines, made safe; a long one's end is left out."""
    text = value.removesuffix("\n") if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    lines = [line.replace("\t", "    ") for line in safe(text).split("\n")]
    return lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], f"… {len(lines) - _MOST_LINES + 1} lines more"]


def _value(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text.strip()
    return value


def _no_constant(name: str) -> JsonValue:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's
