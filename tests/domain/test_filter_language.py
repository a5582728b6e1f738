"""The filter language of lists and of the queue pane."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abathur_tui.domain.errors import ArgumentInvalid
from abathur_tui.domain.filter_language import parse_filter
from abathur_tui.domain.filters import Comparison, TaskFilter, admits
from abathur_tui.domain.status import Status
from tests.project.tasks import task


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", TaskFilter()),
        ("  auth   Service ", TaskFilter(words=("auth", "Service"))),
        ('"auth service"', TaskFilter(words=("auth service",))),
        ("status:failed", TaskFilter(statuses=frozenset({Status.FAILED}))),
        ("status:failed status:dead", TaskFilter(statuses=frozenset({Status.FAILED, Status.DEAD}))),
        ("status:failed,dead", TaskFilter(statuses=frozenset({Status.FAILED, Status.DEAD}))),
        ("STATUS:Running", TaskFilter(statuses=frozenset({Status.RUNNING}))),
        ("template:CODE", TaskFilter(template="CODE")),
        ("agent:tester tag:x", TaskFilter(agent="tester", tag="x")),
        ("execution:x12 parent:t3", TaskFilter(execution=12, parent=3)),
        ("priority>=7", TaskFilter(comparisons=(Comparison("priority", ">=", 7.0),))),
        ("priority:high", TaskFilter(comparisons=(Comparison("priority", "=", 8.0),))),
        ("age<1h", TaskFilter(comparisons=(Comparison("age", "<", 3600.0),))),
        ("cost>0.5 cost<=$2", TaskFilter(comparisons=(Comparison("cost", ">", 0.5), Comparison("cost", "<=", 2.0)))),
        ("-status:failed", TaskFilter(without=(TaskFilter(statuses=frozenset({Status.FAILED})),))),
        ("-auth gate", TaskFilter(words=("gate",), without=(TaskFilter(words=("auth",)),))),
        ("-priority<3", TaskFilter(without=(TaskFilter(comparisons=(Comparison("priority", "<", 3.0),)),))),
        ('tag:"two words"', TaskFilter(tag="two words")),
        ("mid-night", TaskFilter(words=("mid-night",))),
    ],
)
def test_what_a_filter_means(text: str, expected: TaskFilter) -> None:
    assert parse_filter(text) == expected


@pytest.mark.parametrize(
    ("text", "column", "part", "suggestion"),
    [
        ("status:faild", 1, "no status 'faild'", "failed"),
        ("auth statu:failed", 6, "no 'statu' to filter by", "status"),
        ("age<soon", 1, "a duration", None),
        ("priority>=high5", 1, "a number", None),
        ("status>failed", 1, "takes a colon", None),
        ("template:", 1, "nothing after", None),
        ("a - b", 3, "negates what follows", None),
        ('say "hello', 5, "quote", None),
        ("template:A template:B", 12, "given twice", None),
        ("execution:t4", 1, "such as x12", None),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, column: int, part: str, suggestion: str | None) -> None:
    with pytest.raises(ArgumentInvalid) as raised:
        parse_filter(text)

    (detail,) = raised.value.details
    assert (detail.line, detail.column, detail.source, detail.suggestion) == (1, column, text, suggestion)
    assert part in detail.message


def test_all_mistakes_are_told_together() -> None:
    with pytest.raises(ArgumentInvalid) as raised:
        parse_filter("status:x age<y ok cost>z")

    assert [detail.column for detail in raised.value.details] == [1, 10, 19]


@given(st.text())
def test_any_text_is_a_filter_or_an_error_of_ours(text: str) -> None:
    columns: list[int | None] = [1]
    try:
        parse_filter(text)
    except ArgumentInvalid as error:
        columns = [detail.column for detail in error.details]

    assert all(column and column <= max(1, len(text)) for column in columns)


MATCHING = task(1, status=Status.FAILED, priority=8, template="CODE", agent="tester", tags=("old", "nightly"), created_at=1000.0, cost_usd=0.75)


@pytest.mark.parametrize(
    ("text", "admitted"),
    [
        ("", True),
        ("TASK 1", True),
        ("nightly", True),
        ("task 2", False),
        ("status:failed,dead", True),
        ("status:open", False),
        ("status:ended", True),
        ("priority>=8", True),
        ("priority>8", False),
        ("priority:high", True),
        ("age<2m", True),
        ("age>2m", False),
        ("cost>0.5", True),
        ("-cost>0.5", False),
        ("tag:old", True),
        ("-tag:old", False),
        ("-tag:new", True),
        ("template:CODE agent:tester tokens=30", True),
        ("template:TEST", False),
        ("parent:t3", False),
    ],
)
def test_what_a_filter_lets_through(text: str, admitted: bool) -> None:
    assert admits(parse_filter(text), MATCHING, now=1060.0) is admitted


def test_an_unknown_cost_meets_no_condition_on_it() -> None:
    unknown = task(1, cost_usd=None)

    assert not admits(parse_filter("cost>0"), unknown, now=0.0)
    assert not admits(parse_filter("cost<=0"), unknown, now=0.0)
