"""`init`, `status`, `engine`, `template`, `audit`, `config`, `plan`, `fmt` and `extract`."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from abathur_tui.domain.status import Status
from tests.cli.program import Program
from tests.waiting import eventually

NODE_KEYS = {"id", "name", "template", "version", "agent", "kind", "depth", "parent", "depends_on", "priority", "parameters"}
TEMPLATE_KEYS = {"name", "version", "category", "description", "parameters", "uses", "success_rate", "mean_seconds", "mean_cost_usd"}
BUILT_IN = {"ROADMAP", "CODE", "AGENT", "TEST", "ARCHITECTURE", "RESEARCH", "OPTIMIZE", "DEPLOY", "DOCUMENT"}


def test_init_makes_a_project_and_again_changes_nothing(program: Program) -> None:
    first = program("init", "--json")
    data = program.folder / ".abathur"
    before = {path.name: path.read_bytes() for path in data.iterdir() if path.suffix in (".toml", ".db") or path.name == ".gitignore"}
    second = program("init", "--json")

    assert first.data == {"project": str(program.folder), "data": str(data), "created": True}
    assert second.data == {**first.data, "created": False}
    assert set(before) == {"config.toml", "abathur.db", ".gitignore"}
    assert {name: (data / name).read_bytes() for name in before} == before
    assert data.stat().st_mode & 0o777 == 0o700
    assert (data / "abathur.db").stat().st_mode & 0o777 == 0o600


def test_a_command_that_writes_makes_the_project_at_the_top_of_the_repository(program: Program) -> None:
    subprocess.run(["git", "init", "-q"], cwd=program.folder, check=True)
    (program.folder / "src").mkdir()
    inside = Program(program.folder / "src", program.home)

    submitted = inside.inside("task", "submit", "hello")

    assert submitted.code == 0
    assert f"Made a project in {program.folder}." in submitted.err
    assert inside.ask("status")["project"] == str(program.folder)


def test_a_project_is_named_by_option_and_by_variable(project: Program, tmp_path: Path) -> None:
    project.ask("task", "submit", "hello")
    elsewhere = Program(tmp_path, project.home)

    assert len(elsewhere.ask("task", "list", "--project", str(project.folder))) == 1
    assert len(elsewhere.ask("--project", str(project.folder), "task", "list")) == 1
    assert len(elsewhere.ask("task", "list", env={"ABATHUR_PROJECT": str(project.folder)})) == 1
    assert elsewhere.inside("task", "list").code == 3
    assert elsewhere.inside("task", "list", "--project", str(tmp_path / "nowhere")).code == 3


def test_status_counts_every_status(project: Program) -> None:
    project.ask("task", "submit", "hello")

    status = project.json("status")

    assert set(status) == {"project", "engine", "tasks", "agents", "today", "queue", "asking", "alerts"}
    assert status["tasks"] == {**dict.fromkeys(map(str, Status), 0), "pending": 1}
    assert (status["engine"], status["alerts"]) == (None, [])
    assert status["agents"] == {"busy": 0, "limit": 10}
    assert set(status["today"]) == {"tokens", "cost_usd"}
    assert "1 pending" in project("status").out
    assert project.ask("status", env={"ABATHUR_SWARM__MAX_AGENTS": "3"})["agents"]["limit"] == 3


def test_an_engine_starts_is_seen_and_stops(project: Program) -> None:
    started = project.json("engine", "start", "--detach")
    seen = project.ask("status")["engine"]

    assert started["started"]
    assert set(seen) == {"pid", "host", "since"}
    assert seen["pid"] == started["engine"]["pid"] == project.ask("engine", "status")["engine"]["pid"]
    assert not project.ask("engine", "start", "--detach")["started"]
    assert project.ask("engine", "stop") == {"stopped": True}
    assert project.ask("engine", "stop") == {"stopped": False}
    assert project.ask("engine", "status")["engine"] is None


def test_an_engine_is_restarted_and_its_task_goes_on_in_the_next_one(project: Program, tmp_path: Path) -> None:
    project.ask("task", "submit", f"WAIT {tmp_path / 'gate'}; SAY done")
    first = project.json("engine", "start", "--detach")["engine"]
    eventually(lambda: project.ask("task", "show", "t1")["status"] == "running")

    second = project.json("engine", "restart")

    assert second["started"]
    assert second["engine"]["id"] != first["id"]
    (tmp_path / "gate").touch()
    eventually(lambda: project.ask("task", "show", "t1")["status"] == "completed")
    task = project.ask("task", "show", "t1")
    assert (task["attempt"], [attempt["outcome"] for attempt in task["attempts"]]) == (1, ["released", "completed"])


def test_draining_works_off_the_queue_and_ends(project: Program) -> None:
    for number in range(3):
        project.ask("task", "submit", f"SAY {number}")
    project.ask("task", "submit", "later", "--in", "2h")

    drained = project("engine", "start", "--drain", "--json", "-v")

    assert drained.code == 0, drained.err
    assert (drained.data["tasks"]["completed"], drained.data["tasks"]["pending"]) == (3, 1)
    assert project.ask("engine", "status")["engine"] is None
    told = drained.err.splitlines()
    assert [sum(line.startswith(f"✓ t{number + 1} SAY ") and "  completed in " in line for line in told) for number in range(3)] == [1, 1, 1]


def test_draining_beside_an_engine_ends_too(project: Program) -> None:
    project.ask("engine", "start", "--detach")
    project.ask("task", "submit", "SAY hello")

    assert project("engine", "start", "--drain").code == 0
    assert project.ask("task", "show", "t1")["status"] == "completed"
    assert project.ask("engine", "status")["engine"] is not None


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_engine_in_the_foreground_and_gives_its_tasks_back(project: Program, number: signal.Signals, code: int) -> None:
    project.ask("task", "submit", "SAY begun; WAIT never")
    running = project.start("engine", "start")
    eventually(lambda: project.ask("task", "show", "t1")["partial"])

    running.send_signal(number)
    _, err = running.communicate(timeout=60)

    assert running.returncode == code
    assert "Ctrl-C stops it" in err
    assert "Traceback" not in err
    assert project.ask("engine", "status")["engine"] is None
    task = project.ask("task", "show", "t1")
    assert (task["status"], task["error"]) == ("pending", None)


def test_an_engine_in_the_foreground_stands_by_for_another(project: Program, tmp_path: Path) -> None:
    first = project.ask("engine", "start", "--detach")["engine"]["pid"]
    said = tmp_path / "said"
    with said.open("w") as stderr:
        running = project.start("engine", "start", stderr=stderr)
    eventually(lambda: "stands by" in said.read_text())

    project.ask("engine", "stop")
    taken_over = eventually(lambda: project.ask("engine", "status")["engine"])

    assert taken_over["pid"] != first
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert project.ask("engine", "status")["engine"] is None


def test_templates_are_listed_and_shown_without_a_project(program: Program) -> None:
    listed = program.json("template", "list")
    shown = program.json("template", "show", "CODE")

    assert {template["name"] for template in listed} >= BUILT_IN
    assert all(set(template) >= TEMPLATE_KEYS for template in listed)
    assert set(shown) >= TEMPLATE_KEYS
    assert shown["parameters"][0]["required"]
    assert program.ask("template", "show", f"CODE@{shown['version']}")["version"] == shown["version"]
    unknown = program.inside("template", "show", "CODEE", "--json")
    assert (unknown.code, unknown.error["code"]) == (3, "ABTH-ERR-006")
    assert "CODE" in unknown.error["hint"]
    assert not (program.folder / ".abathur").exists()


def test_a_template_knows_how_it_has_done(project: Program) -> None:
    assert project("run", 'ABYSSAL[RESEARCH]("SAY found")', "--quiet").code == 0

    record = project.ask("template", "show", "RESEARCH")

    assert (record["uses"], record["success_rate"]) == (1, 1.0)
    assert record["mean_seconds"] > 0


def test_the_audit_is_one_object_a_line(project: Program) -> None:
    project.ask("task", "submit", "one")
    project.ask("task", "submit", "two")
    project.ask("task", "cancel", "t1")

    events = project("audit", "--json").records
    assert all(set(event) >= {"at", "actor", "action", "task", "agent", "detail"} for event in events)
    assert {event["task"] for event in events} == {"t1", "t2"}
    of_one = project.inside("audit", "--json", "--task", "t1").records
    assert [event["action"] for event in of_one] == ["task.pending", "task.cancelled"]
    assert [event["actor"] for event in of_one] == ["user", "user"]
    assert len(project.inside("audit", "--limit", "2").out.splitlines()) == 2


def test_an_audit_can_be_followed(project: Program, tmp_path: Path) -> None:
    said = tmp_path / "said"
    with said.open("w") as stdout:
        following = project.start("audit", "--follow", "--json", stdout=stdout)
    project.ask("task", "submit", "one")
    eventually(lambda: said.read_text().endswith("\n"))
    project.ask("task", "submit", "two")
    eventually(lambda: said.read_text().count("\n") == 2)

    following.send_signal(signal.SIGINT)
    _, err = following.communicate(timeout=60)

    assert [json.loads(line)["task"] for line in said.read_text().splitlines()] == ["t1", "t2"]
    assert (following.returncode, err) == (130, "")


def test_what_an_agent_changes_is_its_own_in_the_audit(project: Program) -> None:
    project.ask("task", "submit", "from inside", env={"ABATHUR_AGENT": "a7"})

    assert project.inside("audit", "--json").records[0]["actor"] == "a7"


def test_settings_are_shown_with_their_origin(project: Program) -> None:
    (project.folder / ".abathur" / "config.toml").write_text("[queue]\nmax_size = 77\n")

    shown = project.json("config", "show")
    origins = project.ask("config", "show", "--origin")

    assert shown["queue"]["max_size"] == 77
    assert origins["queue.max_size"]["value"] == 77
    assert origins["queue.max_size"]["origin"].endswith("config.toml:2")
    assert origins["swarm.max_agents"]["origin"] == "default"
    assert "queue.max_size" in project.inside("config", "show").out
    assert project.inside("config", "path").out.strip().endswith("config.toml")


def test_what_a_project_may_not_choose_is_told(project: Program) -> None:
    (project.folder / ".abathur" / "config.toml").write_text('[api]\nbase_url = "http://elsewhere.example"\n')

    answer = project.inside("task", "submit", "hello")

    assert answer.code == 0
    assert "api.base_url does not count" in answer.err
    assert "config.toml:2" in answer.err


def test_a_plan_is_shown_and_nothing_is_made(program: Program) -> None:
    document = 'a = ABYSSAL[RESEARCH]("x")\nABYSSAL[CODE](a)\nABYSSAL[TEST]("y")'

    plan = program.json("plan", document)

    assert set(plan) == {"nodes", "depth", "width", "order", "estimate", "permissions"}
    assert all(set(node) >= NODE_KEYS for node in plan["nodes"])
    assert sorted(id for level in plan["order"] for id in level) == sorted(node["id"] for node in plan["nodes"])
    assert plan["width"] == max(map(len, plan["order"]))
    assert set(plan["estimate"]) >= {"seconds", "tokens", "cost_usd"}
    assert any(node["kind"] == "join" for node in plan["nodes"])
    assert "RESEARCH" in program.inside("plan", document).out
    assert program.ask("plan", "just a prompt")["nodes"][0]["kind"] == "agent"
    assert not (program.folder / ".abathur").exists()


def test_a_formatted_document_stays_as_it_is(program: Program) -> None:
    document = "x=ABYSSAL[CODE]('auth',   language='go',)\n# why\nABYSSAL[TEST](x)"

    once = program("fmt", document)
    twice = program("fmt", "-", input=once.out)

    assert once.code == 0
    assert twice.out == once.out
    assert "# why" in once.out
    assert program.ask("plan", once.out)["nodes"] == program.ask("plan", document)["nodes"]


def test_commands_are_found_in_prose(program: Program) -> None:
    (program.folder / "notes.md").write_text('# Notes\n\nThen run `ABYSSAL[CODE]("x")` and\n\n    ABYSSAL[TEST](\n  "y")\n')

    found = program.json("extract", "notes.md")

    assert [(one["line"], one["column"]) for one in found] == [(3, 11), (5, 5)]
    assert found[0]["text"] == 'ABYSSAL[CODE]("x")'
    assert "notes.md:3:11:" in program.inside("extract", "notes.md").out
    assert program.inside("extract", "missing.md").code == 3


@pytest.mark.parametrize("form", ["human", "table"])
def test_every_list_and_detail_has_its_forms(project: Program, form: str) -> None:
    project.ask("task", "submit", 'ABYSSAL[CODE]("x")')

    for command in (
        ["status"],
        ["task", "list"],
        ["task", "show", "t1"],
        ["template", "list"],
        ["config", "show"],
        ["plan", 'ABYSSAL[CODE]("x")'],
        ["audit"],
    ):
        answer = project.inside(*command, "--output", form)
        assert (answer.code, answer.err) == (0, ""), command
        assert answer.out.strip()


@pytest.mark.parametrize("command", [["task", "list"], ["task", "dlq", "list"], ["agent", "list"], ["audit"]])
def test_a_limit_beyond_all_numbers_is_told(project: Program, command: list[str]) -> None:
    answer = project.inside(*command, "--limit", "9" * 23, "--json")

    assert (answer.code, answer.error["code"]) == (2, "ABTH-ERR-063")


def test_a_plan_says_which_results_stand_for_the_nulls_among_its_parameters(program: Program) -> None:
    nodes = program.inside("plan", 'a = ABYSSAL[RESEARCH]("x")\nABYSSAL[DOCUMENT](a)', "--json").data["nodes"]
    research, document = (next(node for node in nodes if node["template"] == name) for name in ("RESEARCH", "DOCUMENT"))

    [(place, task)] = document["results"].items()
    assert (document["parameters"][place.removeprefix("/")], task) == (None, research["id"])
    assert research["results"] == {}
