"""Each recipe of `docs/loops.md` is run as it stands there, with an agent that follows a script; each example of ABYSSAL is planned."""

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from abathur_tui.language import PlanContext, plan
from abathur_tui.library import FileRegistry
from tests.cli.program import Program

PAGE = (Path(__file__).parents[2] / "docs" / "loops.md").read_text(encoding="utf-8")
QUERY, FUNCTION, TEXT, BOTH = re.findall(r"```sh\nabathur (.*)\n```", PAGE)

AGENT = """
import json, pathlib, sys

prompt = sys.stdin.read()
judging = "Score the one result" in prompt
answers = json.loads(pathlib.Path("judge.json" if judging else "answers.json").read_text())
count = pathlib.Path("judged" if judging else "passes")
number = int(count.read_text()) if count.exists() else 0
count.write_text(str(number + 1))
print(answers[min(number, len(answers) - 1)])
"""
SLUG_TESTS = """import unittest
from slug import slug

class Slug(unittest.TestCase):
    def test_lower(self): self.assertEqual(slug("Abc"), "abc")
    def test_spaces(self): self.assertEqual(slug("a b"), "a-b")
"""
WRONG = "def slug(text):\n    return text.lower()"
LONG = """def slug(text):
    result = ""
    for one in text.lower():
        if one == " ":
            one = "-"
        result += one
    return result"""
SHORT = 'def slug(text):\n    return text.lower().replace(" ", "-")'


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """A folder with the scripted agent."""
    for name in ("home", "work"):
        (tmp_path / name).mkdir()
    (tmp_path / "agent.py").write_text(AGENT)
    command = json.dumps([sys.executable, str(tmp_path / "agent.py")])
    program = Program(tmp_path / "work", tmp_path / "home", {"ABATHUR_RUNTIMES__COMMAND__ARGV": command, "PYTHONDONTWRITEBYTECODE": "1"})
    yield program
    program("engine", "stop")


def run(program: Program, recipe: str, answers: list[str], judge: list[str] | None = None) -> dict[str, object]:
    """How the loop of a recipe ended."""
    (program.folder / "answers.json").write_text(json.dumps(answers))
    (program.folder / "judge.json").write_text(json.dumps(judge or []))
    answer = program(*shlex.split(recipe), "--json", timeout=60)
    assert answer.code == 0, answer.err
    assert isinstance(answer.data, dict)
    return answer.data


def test_a_query_is_brought_below_100_ms(program: Program) -> None:
    bench = program.folder / "bench.sh"
    bench.write_text("#!/bin/sh\nsed -n 's/.*takes \\([0-9]*\\).*/\\1/p'\n")
    bench.chmod(0o755)

    ended = run(program, QUERY, [f"-- takes {number} ms" for number in (350, 210, 230, 140, 85)])

    assert (ended["ended_because"], ended["best_pass"], ended["passes"]) == ("converged", 5, 5)
    assert "takes 85" in (program.folder / "query.sql").read_text()
    assert [one["metrics"] for one in program("loop", "history", "l1", "--json").data] == [{"latency_ms": ms} for ms in (350, 210, 230, 140, 85)]


def test_a_function_is_written_until_its_tests_pass(program: Program) -> None:
    (program.folder / "test_slug.py").write_text(SLUG_TESTS)

    ended = run(program, FUNCTION, ["def", WRONG, SHORT])

    assert (ended["ended_because"], ended["best_pass"], ended["reason"]) == ("converged", 3, "2 of 2 tests pass")


def test_a_text_is_written_until_a_judge_gives_enough(program: Program) -> None:
    scores = ['{"score": 0.5, "reason": "vague"}', "Much better!", '{"score": 8, "of": 10, "reason": "long"}', '{"score": 0.92, "reason": "clear"}']

    ended = run(program, TEXT, ["draft", "second", "third"], scores)

    assert (ended["ended_because"], ended["best_pass"]) == ("converged", 3)
    assert [one["scores"] for one in program("loop", "history", "l1", "--json").data] == [{"judge": 0.5}, {"judge": 0.8}, {"judge": 0.92}]


def test_two_criteria_must_hold_at_once(program: Program) -> None:
    (program.folder / "test_slug.py").write_text(SLUG_TESTS)

    ended = run(program, BOTH, [WRONG, LONG, SHORT])

    assert (ended["ended_because"], ended["best_pass"]) == ("converged", 3)


@pytest.mark.parametrize("line", re.findall(r"^ABYSSAL.*$", PAGE, re.MULTILINE))
def test_every_example_is_a_loop(line: str) -> None:
    made = plan(line, FileRegistry(None, home=Path("/nonexistent"), environ={}), PlanContext(environ={}))

    assert any(node.loop is not None for node in made.nodes)
