"""A row that says nothing that could be worked by is told with its place, and keeps nobody else from work."""

import time
from collections.abc import Callable

import pytest

from abathur_tui.domain.errors import Exit
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName, SubmitOptions
from abathur_tui.domain.plan import Plan
from abathur_tui.domain.recurrence import Recurrence
from abathur_tui.domain.status import Status
from abathur_tui.storage import queue
from abathur_tui.storage.checking import check_folder
from tests.engine.bench import Bench, join_node, loop_node, node, settles
from tests.engine.test_life import events
from tests.engine.test_resources import notices
from tests.scripted import Script, say
from tests.storage.test_checking import lawless

Make = Callable[[Script], Bench]
NO_TEXT = "CAST(x'ff41' AS TEXT)"


@pytest.mark.parametrize("runtime", ["''", "'null'", "'5'", "'[1]'", """'{"a": 1}'""", """'{"runtime": "command", "argv": "sh"}'""", NO_TEXT])
async def test_a_lane_that_says_nothing_of_its_runtime_is_run_as_its_tasks_say(bench: Make, runtime: str) -> None:
    project = bench(say("done"))
    odd = project.submit(node())
    even = project.submit(node(), runtime=RuntimeChoice(RuntimeName.LOCAL))
    lawless(project.data, f"UPDATE lanes SET runtime = {runtime} WHERE lane LIKE 'command%'")

    assert any("command:default" in problem for problem in check_folder(project.data).problems)
    assert await project.drain(20) is Exit.DONE

    assert [project.task(task).status for task in odd + even] == [Status.COMPLETED] * 2
    assert "round.broke" not in events(project)


async def test_a_lane_and_its_execution_that_cannot_be_read_are_told_and_the_others_go_on(bench: Make) -> None:
    project = bench(say("done"))
    [odd] = project.submit(node())
    [even] = project.submit(node(), runtime=RuntimeChoice(RuntimeName.LOCAL))
    lawless(project.data, "UPDATE lanes SET runtime = '[]' WHERE lane LIKE 'command%'", "UPDATE executions SET runtime = '[]' WHERE id = 1")

    assert await project.drain(20) is Exit.DONE

    assert project.task(even).status is Status.COMPLETED
    error = project.task(odd).error
    assert error is not None
    assert (error.code, error.message) == ("ABTH-ERR-121", "What is kept of t1 cannot be understood: no RuntimeChoice: [] is no object.")
    assert any("How the lane command:default is run cannot be read. (ABTH-ERR-121)" in text for text in notices(project))


@pytest.mark.parametrize("column", ["given", "refs", "join_spec", "prompt"])
async def test_a_join_of_which_a_text_is_none_fails_alone(bench: Make, column: str) -> None:
    project = bench(say("done"))
    tasks = project.submit(node("m1"), node("m2"), join_node("j"), edges=settles("j", "m1", "m2"))
    [other] = project.submit(loop_node("echo 1", target=1))
    lawless(project.data, f"UPDATE specs SET {column} = {NO_TEXT} WHERE task = {tasks[2]}")

    assert await project.drain(20) is Exit.DONE

    assert project.task(other).status is Status.COMPLETED
    error = project.task(tasks[2]).error
    assert error is not None
    assert error.code == "ABTH-ERR-121"


@pytest.mark.parametrize(
    ("forged", "says"),
    [
        (f"plan = {NO_TEXT}", "What s1 submits cannot be read"),
        ("plan = '{}'", "What s1 submits cannot be read"),
        ("options = 'null'", "What s1 submits cannot be read"),
        (f"timezone = {NO_TEXT}", "utf-8"),
        ("runs = 9223372036854775807", "s1 cannot submit anything"),
        ("cron = ''", "cannot be read"),
        ("""options = json_set(options, '$.actor', 'recover')""", "only a recovery"),
    ],
)
async def test_what_recurs_and_cannot_be_read_keeps_nobody_else_from_work(bench: Make, forged: str, says: str) -> None:
    project = bench(say("done"))
    past = time.time() - 120
    for name in ("odd", "even"):
        options = SubmitOptions(project.choice)
        project.database.write_now(queue.add_schedule, name, Recurrence("* * * * *", "UTC"), Plan((node(name),), (), name), options, past)
    [other] = project.submit(node())
    lawless(project.data, f"UPDATE schedules SET {forged} WHERE id = 1")

    assert await project.drain(20) is Exit.DONE

    assert project.task(other).status is Status.COMPLETED
    odd, even = project.database.read_now(lambda c: c.execute("SELECT error, last_execution FROM schedules ORDER BY id").fetchall())
    assert says in odd[0]
    assert even[0] == ""
    assert even[1] is not None
    assert check_folder(project.data).problems


async def test_a_swarm_without_its_row_works_as_the_settings_say(bench: Make) -> None:
    project = bench(say("done"))
    [task] = project.submit(node())
    lawless(project.data, "DELETE FROM swarm")

    await project.drain(20)

    assert project.task(task).status is Status.COMPLETED
