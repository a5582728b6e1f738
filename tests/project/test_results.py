"""What an execution came to, told without a model."""

from abathur_tui.domain.plan import Kind
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import TaskError
from abathur_tui.project.results import critical_path, make_result
from tests.project.tasks import execution, task


def test_the_critical_path_follows_what_was_done_last() -> None:
    tasks = {
        1: task(1, finished_at=103.0),
        2: task(2, finished_at=109.0),
        3: task(3, finished_at=104.0, depends_on=(1,)),
        4: task(4, kind=Kind.JOIN, finished_at=110.0, depends_on=(2, 3)),
    }

    assert critical_path(tasks[4], tasks) == (2, 4)


def test_the_critical_path_goes_through_the_passes_of_a_loop() -> None:
    tasks = {
        1: task(1, kind=Kind.LOOP, finished_at=110.0),
        2: task(2, parent=1, finished_at=105.0),
        3: task(3, parent=1, finished_at=109.0),
    }

    assert critical_path(tasks[1], tasks) == (2, 3, 1)


def test_what_an_earlier_execution_did_is_not_on_the_path() -> None:
    tasks = {5: task(5, depends_on=(1,))}

    assert critical_path(tasks[5], tasks) == (5,)


def test_joins_are_no_members_and_figures_are_sums() -> None:
    join = task(3, kind=Kind.JOIN, depends_on=(1, 2), cost_usd=None)

    result = make_result(execution(3), [task(1), task(2), join], "both", 200.0)

    assert [member.id for member in result.members] == [1, 2]
    assert (result.tokens_input, result.tokens_output, result.cost_usd, result.seconds) == (20, 40, 1.0, 10.0)
    assert result.summary.startswith("All 2 tasks completed in 10.0 s: task 1; task 2.")


def test_an_unknown_price_makes_an_unknown_cost() -> None:
    result = make_result(execution(2), [task(1, cost_usd=None), task(2)], "x", 200.0)

    assert result.cost_usd is None
    assert "not known" in result.summary


def test_a_failure_is_named_with_its_reason() -> None:
    failed = task(2, status=Status.DEAD, error=TaskError("ABTH-ERR-046", "The command failed."), cost_usd=0.0)

    result = make_result(execution(2, Status.DEAD), [task(1, cost_usd=0.0), failed], None, 200.0)

    assert "1 of 2 tasks completed" in result.summary
    assert "t2 task 2 (The command failed)" in result.summary
    assert result.error == "ABTH-ERR-046: The command failed."


def test_the_summary_is_one_paragraph_that_tells_instances_apart() -> None:
    failed = task(2, status=Status.DEAD, error=TaskError("ABTH-ERR-046", "it ended:\nboom"), instance=2, instances=2)

    result = make_result(execution(2, Status.DEAD), [task(1, instance=1, instances=2), failed], None, 200.0)

    assert "task 1 (1 of 2). Not completed: t2 task 2 (2 of 2) (it ended: boom)." in result.summary


def test_a_running_execution_says_how_far_it_is() -> None:
    running = task(2, status=Status.RUNNING, finished_at=None)

    result = make_result(execution(2, Status.RUNNING, None), [task(1), running], None, 130.0)

    assert "1 of 2 tasks have completed so far, 1 are left" in result.summary
    assert result.seconds == 30.0


def test_its_json_has_all_keys() -> None:
    data = make_result(execution(1), [task(1)], "done", 200.0).data()

    assert set(data) == {
        "execution",
        "key",
        "status",
        "output",
        "quality",
        "conflicts",
        "summary",
        "members",
        "joins",
        "tokens",
        "cost_usd",
        "seconds",
        "critical_path",
        "purged_at",
    }
    assert data["quality"] == {"score": None, "confidence": None, "criteria": []}
    assert data["members"] == [
        {
            "task": "t1",
            "name": "task 1",
            "instance": 1,
            "status": "completed",
            "error": None,
            "seconds": 1.0,
            "tokens": {"input": 10, "output": 20},
            "cost_usd": 0.5,
            "contribution": "the result",
            "fallback": None,
        }
    ]
