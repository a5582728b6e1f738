"""Without a key the embedded model answers, which cannot judge: what would fail by that is refused before it is queued."""

import importlib.util

import pytest

from tests.cli.program import Program

LOCAL = {"ABATHUR_API__RUNTIME": "local"}

pytestmark = pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp is not installed: the embedded model cannot run")


@pytest.mark.parametrize(
    ("words", "said", "instead"),
    [
        (("run", 'ABYSSAL[OPTIMIZE]("a text")'), "OPTIMIZE a text is a loop that ends by a judge's score", 'criterion="test_pass: pytest -q"'),
        (("run", 'ABYSSAL[FEATURE]("login")'), "is a loop that ends by a judge's score", 'test_command="pytest -q"'),
        (("loop", "start", "x"), "x is a loop that ends by a judge's score", "a measure with metric, target and direction"),
        (("task", "submit", "x", "--success-criteria", "it is short"), "has success criteria that a judge checks", '["$ ./check.sh"]'),
        (("task", "submit", "x", "--confidence", "0.9"), "has success criteria that a judge checks", '["$ ./check.sh"]'),
        (("run", 'ABYSSAL[RESEARCH]("x", parallel=2, join={strategy: "merge", conflicts: "judge"})'), "settles conflicts", 'conflicts: "majority"'),
    ],
)
def test_what_stands_or_falls_with_a_judge_is_refused_with_what_to_write_instead(
    project: Program, words: tuple[str, ...], said: str, instead: str
) -> None:
    answer = project.inside(*words, "--json", env=LOCAL)

    assert (answer.code, answer.out) == (4, "")
    assert answer.error["code"] == "ABTH-ERR-134"
    assert said in answer.error["message"]
    assert instead in answer.error["hint"]
    assert "ANTHROPIC_API_KEY" in answer.error["hint"]
    assert project.inside("task", "list", "--json").data == []


def test_what_needs_no_judge_is_taken(project: Program) -> None:
    for text in ('ABYSSAL[RESEARCH]("x", parallel=2)', 'ABYSSAL[CODE]("x", criterion="test_pass: true")'):
        assert project.inside("task", "submit", text, "--json", env=LOCAL).code == 0
