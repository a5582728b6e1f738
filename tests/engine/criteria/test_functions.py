"""Python functions as criteria: called in a process of their own, and believed only where they say yes or no."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from abathur_tui.domain.criteria import CustomCriterion, FunctionCriterion
from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.loops import EndedBecause, LoopSpec, Verdict
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.status import Status
from abathur_tui.language.criteria import Defaults, WrongCriterion, read_criterion
from abathur_tui.storage import views
from tests.engine.bench import Bench, node
from tests.engine.clocks import HandClock, let_pass
from tests.scripted import ScriptedRuntime, say
from tests.waiting import eventually_async

Make = Callable[[str], Bench]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, ScriptedRuntime(say("draft")))
    yield made
    made.close()


async def ended(project: Bench, source: str, name: str = "checks.py:f", *, most: int = 5) -> LoopSeries:
    """The loop by this function, at its end."""
    (project.folder / "checks.py").write_text(source)
    [task] = project.submit(replace(node("n1"), kind=Kind.LOOP, loop=LoopSpec(FunctionCriterion(name), most)))
    await project.drain()
    return project.database.read_now(views.loop, task)


async def test_it_is_given_the_pass_and_the_history(project: Bench) -> None:
    source = """
def f(result, history):
    print("noise")
    return len(history) == 2, f"{result['pass']} {result['output']} {[one['verdict'] for one in history]}"
"""
    loop = await ended(project, source)

    assert (loop.ended_because, len(loop.passes)) == (EndedBecause.CONVERGED, 3)
    assert [done.reason for done in loop.passes] == ["1 draft []", "2 draft ['continue']", "3 draft ['continue', 'continue']"]
    assert [done.scores for done in loop.passes] == [{"custom": 0.0}, {"custom": 0.0}, {"custom": 1.0}]


async def test_a_module_of_the_project_is_found_and_its_neighbours_too(project: Bench) -> None:
    (project.folder / "package").mkdir()
    (project.folder / "package" / "__init__.py").touch()
    (project.folder / "package" / "limits.py").write_text("MOST = 5\n")
    source = "from package.limits import MOST\ndef f(result, history): return len(result['output']) <= MOST"
    (project.folder / "package" / "inside.py").write_text(source)

    loop = await ended(project, "", "package.inside:f")

    assert loop.ended_because is EndedBecause.CONVERGED


async def test_it_runs_in_another_process_in_the_projects_folder(project: Bench) -> None:
    loop = await ended(
        project, "import os, sys\ndef f(result, history): return True, f'{os.getpid()} {os.getcwd()} {\"abathur_tui\" in sys.modules}'"
    )

    pid, folder, engine = loop.passes[0].reason.split()
    assert int(pid) != os.getpid()
    assert (folder, engine) == (str(project.folder), "False")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def f(result, history): raise ValueError('broken\\nhere')", "checks.py:f raised ValueError: broken here"),
        ("def f(result, history): return 0.7", "gave back 0.7, not True, False"),
        ("def f(result, history): return None", "gave back None"),
        ("def f(result): return True", "raised TypeError"),
        ("def g(result, history): return True", "raised AttributeError"),
        ("this is no python", "raised SyntaxError"),
        ("import os\ndef f(result, history): os._exit(7)", "its process ended with exit code 7"),
        ("import sys\ndef f(result, history): sys.exit('bye')", "its process ended with exit code 1: bye"),
        ("def f(result, history): return [0] * 10_000_000", "gave back"),
        ("async def f(result, history): return True", "gave back <coroutine"),
    ],
)
async def test_three_in_a_row_that_say_nothing_end_the_loop(project: Bench, source: str, reason: str) -> None:
    loop = await ended(project, source)

    assert [done.verdict for done in loop.passes] == [Verdict.INCONCLUSIVE] * 3
    assert loop.ended_because is EndedBecause.FAILED
    assert reason in loop.passes[0].reason


async def test_one_that_hangs_is_ended_with_the_loops_time(project: Bench) -> None:
    begun, clock = project.folder / "begun", HandClock()
    project.clock = clock
    (project.folder / "checks.py").write_text(f"def f(result, history):\n    open({str(begun)!r}, 'w').close()\n    while True: pass")
    [task] = project.submit(replace(node("n1"), kind=Kind.LOOP, loop=LoopSpec(FunctionCriterion("checks.py:f"), 5, timeout_seconds=60)))
    async with project.running():
        await eventually_async(begun.exists)
        clock.forward(61)
        let_pass(61)
        await project.until(task, Status.FAILED)

    loop = project.database.read_now(views.loop, task)
    assert loop.ended_because is EndedBecause.TIMEOUT
    assert "checks.py:f took longer than " in loop.passes[0].reason


def test_a_function_is_told_from_a_command() -> None:
    functions = ["checks.py:converged", "a.b:c", "src/check-it.py:f", "../x.py:f"]
    commands = ["./checks.py converged", "make test", "python -c 'a:b'", "echo a:b", "a.b:c d", "check.sh:x/y", ":"]

    assert [read_criterion(f"custom: {name}", Defaults()) for name in functions] == [FunctionCriterion(name) for name in functions]
    assert [read_criterion(f"custom: {name}", Defaults()) for name in commands] == [CustomCriterion(name) for name in commands]
    assert read_criterion({"type": "custom", "function": "a:b"}, Defaults()) == FunctionCriterion("a:b")
    assert read_criterion("custom", Defaults(command="a.py:b")) == FunctionCriterion("a.py:b")
    for wrong in ({"type": "custom", "function": "no function"}, {"type": "custom", "function": "a:b", "command": "true"}):
        with pytest.raises(WrongCriterion):
            read_criterion(json.loads(json.dumps(wrong)), Defaults())
