"""`abathur loop`: starting, following, looking at and resuming loops."""

import json

import pytest

from tests.cli.program import Program
from tests.storage.test_checking import lawless

COUNT = "n=$(cat n 2>/dev/null || echo 0); n=$((n + 1)); echo $n > n; echo $n"
"""A measure that gives 1, 2, 3…"""


def test_a_loop_started_runs_by_itself_and_is_followed(project: Program) -> None:
    started = project("loop", "start", "x", "--criterion", f"n>=3: {COUNT}", "--json")
    watched = project("loop", "watch", "l1")
    history = project("loop", "history", "l1", "--json")

    assert (started.code, started.data) == (0, {"execution": "x1", "loop": "l1"})
    assert watched.code == 0
    assert "pass 1  continue  n 1  n 1 is not yet >= 3" in watched.out
    assert "n >= 3, pass 1 to 3" in watched.out
    assert [(one["pass"], one["verdict"], one["metrics"]) for one in history.data] == [
        (1, "continue", {"n": 1}),
        (2, "continue", {"n": 2}),
        (3, "converged", {"n": 3}),
    ]
    assert {"output", "scores", "reason", "tokens", "seconds"} <= history.data[0].keys()


def test_the_options_of_the_contract_make_a_threshold(project: Program) -> None:
    options = ("--criterion", "threshold", "--metric", "n", "--target", "2", "--direction", "maximize", "--measure", COUNT)

    ended = project("loop", "start", "x", *options, "--wait", "--json")

    assert ended.code == 0
    assert (ended.data["loop"], ended.data["ended_because"], ended.data["best_pass"], ended.data["passes"]) == ("l1", "converged", 2, 2)


def test_a_pass_whose_record_is_gone_is_told(project: Program) -> None:
    project("loop", "start", "x", "--criterion", f"n>=2: {COUNT}", "--wait", "--quiet")
    lawless(project.folder / ".abathur", "DELETE FROM passes WHERE number = 2")

    assert project.ask("loop", "status", "l1")["lost_pass"] == 2
    for command in ("status", "history"):
        assert "What was kept of pass 2 is damaged or gone" in project.inside("loop", command, "l1").err


def test_a_raised_limit_lets_a_loop_go_on_where_it_ended(project: Program) -> None:
    first = project("loop", "start", "x", "--criterion", f"n>=3: {COUNT}", "--max-iterations", "2", "--wait", "--json")
    status = project("loop", "status", "l1", "--json")
    refused = project("loop", "resume", "l1", "--json")
    resumed = project("loop", "resume", "l1", "--max-iterations", "unlimited", "--wait", "--json")

    assert (first.code, first.data["ended_because"]) == (1, "iterations")
    assert {"loop": "l1", "status": "failed", "ended_because": "iterations", "passes": 2, "best_pass": 2}.items() <= status.data.items()
    assert status.data["best_output"] is not None
    assert refused.code == 1
    assert "--max-iterations" in refused.error["hint"]
    assert (resumed.code, resumed.data["ended_because"], resumed.data["passes"]) == (0, "converged", 3)
    assert (project.folder / "n").read_text() == "3\n"


def test_a_cancelled_loop_is_resumed_after_its_last_finished_pass(project: Program) -> None:
    project("loop", "start", "x", "--criterion", f"n>=3: test -e go || sleep 60; {COUNT}", "--json")
    assert project("task", "cancel", "t1", "--json").data == [{"id": "t1", "status": "cancelled"}]
    assert project("loop", "status", "t1", "--json").data["reason"] == "It was cancelled in its first pass."
    (project.folder / "go").write_text("")

    resumed = project("loop", "resume", "t1", "--wait", "--json")

    assert (resumed.code, resumed.data["ended_because"]) == (0, "converged")
    assert [one["pass"] for one in project("loop", "history", "x1", "--json").data] == [1, 2, 3]


def test_criteria_come_from_a_file_too_and_any_of_them_may_do(project: Program) -> None:
    (project.folder / "criteria.toml").write_text('[[all]]\ntype = "custom"\ncommand = "exit 1"\n[[all]]\ntype = "test_pass"\ncommand = "true"\n')

    ended = project(
        "loop", "start", "x", "--criterion", "custom", "--command", "true", "--success-criteria", "criteria.toml", "--any", "--wait", "--json"
    )

    assert (ended.code, ended.data["ended_because"], ended.data["passes"]) == (0, "converged", 1)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--criterion", "nonsense"], "ABTH-ERR-115", "nonsense"),
        (["--criterion", "llm_judge>=7"], "ABTH-ERR-115", "0 to 1"),
        (["--metric", "ms", "--measure", "m"], "ABTH-ERR-113", "target"),
        (["--criterion", "test_pass"], "ABTH-ERR-113", "command"),
        (["--criterion", "stability(window=1)"], "ABTH-ERR-115", "window"),
        (["--criterion", '{"any": []}'], "ABTH-ERR-115", "any"),
        (["--budget", "5"], "ABTH-ERR-086", "budget of $5"),
        (["--budget", "nothing"], None, "US dollars"),
        (["--max-iterations", "0"], None, "max-iterations"),
        (["--target", "fast"], None, "target"),
        (["--success-criteria", "nowhere.json"], None, "nowhere.json"),
        (["--success-criteria", "deep.json"], "ABTH-ERR-111", "criteria are nested too deeply"),
        (["--success-criteria", "huge.json"], "ABTH-ERR-115", "takes a number"),
    ],
)
def test_mistakes_are_told_before_anything_is_queued(project: Program, options: list[str], code: str | None, said: str) -> None:
    (project.folder / "deep.json").write_text('{"all": [' * 200 + '"test_pass: true"' + "]}" * 200)
    huge = {"type": "threshold", "metric": "ms", "direction": "minimize", "measure": "m", "target": 10**400}
    (project.folder / "huge.json").write_text(json.dumps(huge))

    answer = project.inside("loop", "start", "x", *options, "--json")

    assert answer.code != 0
    assert code in (None, answer.error["code"])
    assert said in json.dumps(answer.error)
    assert project.inside("loop", "list", "--json").data == []


def test_a_loop_that_is_not_there_is_told(project: Program) -> None:
    assert project.inside("loop", "status", "l9", "--json").code == 3
    assert project.inside("loop", "status", "nine", "--json").error["hint"] == "It looks like l3; `abathur loop list` shows them."
