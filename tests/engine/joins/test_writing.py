"""Joins that write something new: by a command, by an agent of two at a time, by an agent of all."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from abathur_tui.domain.conversation import TurnRequest
from abathur_tui.domain.plan import ConflictRule, JoinStrategy
from abathur_tui.domain.status import Status
from abathur_tui.storage import queue
from tests.engine.bench import Bench
from tests.engine.joins.team import answering, report, scores, team
from tests.scripted import Say, Script, Step


async def test_a_command_reduces_all_results(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    sums = "import json, sys; print(sum(int(one['result']) for one in json.load(sys.stdin)))"
    *_, join = team(project, JoinStrategy.REDUCE, "3", "4", command=f'python3 -c "{sums}"')
    await project.drain()

    assert project.result(join) == "7"
    assert len(project.runtime.requests) == 2


@pytest.mark.parametrize(
    ("body", "result", "account"),
    [
        ("return sum(int(one['result']) for one in results)", "7", "2 results, reduced by sums.py:total"),
        ("print('noise')\n    return '+'.join(one['result'] for one in results)", "3+4", "2 results, reduced by sums.py:total"),
    ],
)
async def test_a_python_function_reduces_all_results(bench: Callable[[Script], Bench], body: str, result: str, account: str) -> None:
    project = bench(answering())
    (project.folder / "sums.py").write_text(f"def total(results):\n    {body}\n")
    *_, join = team(project, JoinStrategy.REDUCE, "3", "4", command="sums.py:total")
    await project.drain()

    assert project.result(join) == result
    assert report(project, join)["account"] == account


async def test_a_function_that_raises_fails_the_join(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    (project.folder / "sums.py").write_text("def total(results):\n    raise ValueError('no numbers')\n")
    *_, join = team(project, JoinStrategy.REDUCE, "a", "b", command="sums.py:total")
    await project.drain()

    error = project.task(join).error
    assert error is not None
    assert (error.code, error.message) == ("ABTH-ERR-132", "The function sums.py:total that reduces the results raised ValueError: no numbers.")


async def test_the_command_is_told_who_gave_what(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    one, two, join = team(project, JoinStrategy.REDUCE, "a", "b", command='cat; echo "$ABATHUR_TASK" >&2')
    await project.drain()

    assert json.loads(project.result(join) or "") == [
        {"task": f"t{one}", "name": "n1", "instance": 1, "result": "a"},
        {"task": f"t{two}", "name": "n2", "instance": 2, "result": "b"},
    ]


@pytest.mark.parametrize(
    ("command", "how"),
    [
        ("echo nonsense >&2; exit 3", "ended with exit code 3: nonsense"),
        ("exit 3", "ended with exit code 3."),
        ("kill -9 $$", "was killed by signal 9."),
    ],
)
async def test_a_command_that_fails_fails_the_join(bench: Callable[[Script], Bench], command: str, how: str) -> None:
    project = bench(answering())
    *_, join = team(project, JoinStrategy.REDUCE, "a", "b", command=command)
    await project.drain()

    error = project.task(join).error
    assert error is not None
    assert (error.code, error.message) == ("ABTH-ERR-132", f"The command that reduces the results {how}")


async def test_a_command_that_may_do_better_later_is_run_again(bench: Callable[[Script], Bench], tmp_path: Path) -> None:
    project = bench(answering())
    *_, join = team(project, JoinStrategy.REDUCE, "a", "b", command=f"mkdir {tmp_path}/once 2>/dev/null && exit 75; echo done")
    await project.drain()

    assert project.result(join) == "done"
    assert project.task(join).attempt == 2


async def test_an_agent_reduces_two_at_a_time(bench: Callable[[Script], Bench]) -> None:
    def reduced(prompt: str) -> str:
        first, second = prompt.partition("## Result 1\n\n")[2].split("\n\n## Result 2\n\n")
        return f"({first}+{second.strip()})"

    project = bench(answering(orchestrator=reduced))
    *_, join = team(project, JoinStrategy.REDUCE, "a", "b", "c", "d", "e")
    await project.drain()

    assert project.result(join) == "(((a+b)+(c+d))+e)"
    assert report(project, join)["account"] == "5 results, two at a time, in 4 turns"


async def test_one_result_needs_no_reduction(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    *_, join = team(project, JoinStrategy.REDUCE, "a", instances=False)
    await project.drain()

    assert project.result(join) == "a"


async def test_the_orchestrator_writes_the_synthesis_without_duplicates(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering(orchestrator="All in one."))
    one, two, three, join = team(project, JoinStrategy.SYNTHESIZE, "the first", "The first.", "the third")
    await project.drain()

    assert project.result(join) == "All in one.\n\n## Left out\n\n- n2 (2 of 3) (t2): it is the same as t1"
    assert project.task(join + 1).depends_on == (one, three)
    said: Any = report(project, join)
    assert said["account"] == "t5 wrote one result of t1 and t3"
    assert {entry["task"]: entry["note"] for entry in said["contributions"]} == {
        one: "part of the synthesis",
        two: "left out: it is the same as t1",
        three: "part of the synthesis",
    }


async def test_what_is_below_the_threshold_is_left_out_and_listed(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering(judge=scores(0.9, 0.3, 0.8), orchestrator="Two in one."))
    *_, join = team(project, JoinStrategy.SYNTHESIZE, "one", "two", "three", threshold=0.8)
    await project.drain()

    assert project.result(join) == "Two in one.\n\n## Left out\n\n- n2 (2 of 3) (t2): its score of 0.30 is below 0.80 (reason 2)"
    assert "two" not in project.prompts()[-1]


async def test_where_nobody_is_good_enough_the_join_fails(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering(judge=scores(0.1, 0.2)))
    *_, join = team(project, JoinStrategy.SYNTHESIZE, "one", "two", threshold=0.8)
    await project.drain()

    error = project.task(join).error
    assert error is not None
    assert error.code == "ABTH-ERR-131"
    assert "t1: its score of 0.10 is below 0.80" in error.message


async def test_only_one_that_is_left_stands_as_it_is(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    *_, join = team(project, JoinStrategy.SYNTHESIZE, "one", "one")
    await project.drain()

    assert (project.result(join) or "").startswith("one\n\n## Left out")
    assert len(project.runtime.requests) == 2


async def test_conflicts_are_told_to_who_writes_and_kept(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering(orchestrator="One."))
    *_, open_join = team(project, JoinStrategy.SYNTHESIZE, '{"port": 1}', '{"port": 2}')
    await project.drain()
    assert "- port: 1 (t1); 2 (t2)" in project.prompts()[-1]
    said: Any = report(project, open_join)
    assert [(entry["rule"], entry["settled"], entry["reason"]) for entry in said["conflicts"]] == [("synthesis", None, "t4 decided in what it wrote")]

    *_, join = team(project, JoinStrategy.SYNTHESIZE, '{"port": 1}', '{"port": 2}', conflicts=ConflictRule.PRIORITY)
    await project.drain()
    assert "- port: 1 (t5); 2 (t6). Decided: 1" in project.prompts()[-1]
    said = report(project, join)
    assert [(entry["rule"], entry["settled"]) for entry in said["conflicts"]] == [("priority", 1)]


async def test_an_empty_synthesis_fails_the_join(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering(orchestrator=" "))
    *_, join = team(project, JoinStrategy.SYNTHESIZE, "one", "two")
    await project.drain()

    error = project.task(join).error
    assert error is not None
    assert error.message == "Synthesis for all is empty (t4)."


async def test_a_member_that_failed_is_named_to_who_writes_and_in_the_result(bench: Callable[[Script], Bench]) -> None:
    plain = answering(orchestrator="One.")

    def script(request: TurnRequest) -> Iterable[Step]:
        return [Say(""), RuntimeError("broken")] if "bad" in request.messages[0].text and "member" in request.system else plain(request)

    project = bench(script)
    *tasks, join = team(project, JoinStrategy.SYNTHESIZE, "one", "two", "bad", share=0.5)
    project.write(queue.cancel, [tasks[-1]], "user", "enough")
    await project.drain()

    assert "n3 (3 of 3) (t3) is cancelled" in project.prompts()[-1]
    assert (project.result(join) or "").endswith("## Missing\n\n- n3 (3 of 3) (t3) is cancelled")
    assert project.task(join).status is Status.COMPLETED
