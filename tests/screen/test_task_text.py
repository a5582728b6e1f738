"""A task's details as lines of text."""

from abathur_tui.domain.joins import Conflict, Contribution, JoinReport, Stand
from abathur_tui.domain.plan import JoinStrategy
from abathur_tui.domain.tasks import TaskDetail
from abathur_tui.screen.screens.task_text import conversation, plain
from tests.project.tasks import task


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
