"""A task's details as lines of text."""

from abathur_tui.domain.joins import Conflict, Contribution, JoinReport, Stand
from abathur_tui.domain.plan import JoinStrategy, Kind
from abathur_tui.domain.tasks import TaskDetail
from abathur_tui.project.joined import Left
from abathur_tui.project.results import make_result
from abathur_tui.screen.screens.task_text import conversation, plain, raw
from tests.project.tasks import execution, task


def test_of_a_join_it_is_told_who_contributed_what_and_what_contradicted_what() -> None:
    report = JoinReport(
        JoinStrategy.MERGE,
        "merged 2 values",
        contributions=(Contribution(2, True, "1 value"), Contribution(3, False, "nothing: is \x1b]0;dead")),
        conflicts=(Conflict("key", "port", (Stand(80, (2,)), Stand("a\nb", (3, 4))), "priority", 80, "t2 comes first"),),
    )

    shown = plain(conversation(TaskDetail(task(1), "", {}, "x", "", (), (), (), join=report)))

    assert shown.splitlines() == [
        "joined by merge  merged 2 values",
        "  ✓ t2  1 value",
        "  · t3  nothing: is ␛]0;dead",
        "",
        "contradictions",
        "  port",
        "      80  t2",
        "      a b  t3, t4",
        "      settled by priority: t2 comes first",
    ]


def test_of_the_root_it_is_told_what_its_execution_has_come_to() -> None:
    join = task(3, kind=Kind.JOIN, depends_on=(1, 2))
    report = JoinReport(
        JoinStrategy.MERGE,
        "merged 1 value",
        contributions=(Contribution(1, True, "1 value"), Contribution(2, False, "nothing")),
        conflicts=(Conflict("key", "port", (Stand(80, (1,)), Stand(81, (2,))), "priority", 80, "t1 comes first"),),
    )

    whole = make_result(execution(3), [task(1), task(2), join], "both", 200.0, Left({3: report}))
    shown = plain(raw(TaskDetail(join, "", {}, "x", "", (), (), ()), whole)).splitlines()

    assert shown[0] == "the execution"
    assert shown[1].startswith("summary     All 2 tasks completed in 10.0 s: task 1; task 2. t3 (merge): merged 1 value.")
    assert shown[2:4] == ["conflicts   port, settled by priority", "tokens      20 in, 40 out"]
    assert [line for line in shown if line.startswith(("wall time", "longest", "t1", "t2"))] == [
        "wall time   10 s",
        "longest     t1 → t3",
        "t1          1 value",
        "t2          nothing",
    ]
