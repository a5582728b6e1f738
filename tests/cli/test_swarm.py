"""`swarm` and `agent`."""

import time
from pathlib import Path

from abathur_tui.storage import Database, engines, queue, sharing
from abathur_tui.storage.engines import EngineRow
from tests.cli.program import Program
from tests.waiting import eventually

AGENT_KEYS = {
    "id",
    "parent",
    "execution",
    "task",
    "task_name",
    "definition",
    "state",
    "since",
    "reason",
    "activity",
    "turn",
    "tokens",
    "cost_usd",
    "engine",
    "host",
    "started_at",
    "ended_at",
}


def test_a_stopped_swarm_gives_nothing_to_agents_until_it_is_started(project: Program) -> None:
    assert project.ask("swarm", "stop") == {"claiming": False, "changed": True}
    assert project.ask("swarm", "stop") == {"claiming": False, "changed": False}
    submitted = project.ask("task", "submit", "SAY hello")
    project.ask("engine", "start", "--detach")

    status = project.ask("swarm", "status")

    assert (status["claiming"], status["queue"]["why"], status["queue"]["by"]) == (False, "queue", "user")
    assert project.ask("task", "show", submitted["task"])["status"] == "pending"
    assert "paused" in project.inside("swarm", "status").out
    assert project.ask("swarm", "start") == {"claiming": True, "changed": True}
    assert project.ask("swarm", "start") == {"claiming": True, "changed": False}
    eventually(lambda: project.ask("task", "show", submitted["task"])["status"] == "completed")
    assert project.ask("swarm", "status")["claiming"]


def test_a_swarm_is_scaled_at_once_and_for_later_engines(project: Program) -> None:
    first = project.ask("engine", "start", "--detach")["engine"]

    assert project.ask("swarm", "scale", "33") == {"limit": 33}

    assert project.ask("status")["agents"] == {"busy": 0, "limit": 33}
    status = project.ask("swarm", "status")
    assert (status["engine"], status["agents"]["limit"]) == (first["id"], 33)
    project.ask("engine", "stop")
    assert project.ask("status")["agents"]["limit"] == 33
    project.ask("engine", "start", "--detach")
    assert project.ask("swarm", "status")["agents"]["limit"] == 33
    assert any(event["action"] == "swarm.scaled" for event in project.inside("audit", "--json").records)


def test_a_number_out_of_range_is_refused_before_anything_changes(project: Program) -> None:
    for number in ("0", "501", "many"):
        refused = project.inside("swarm", "scale", number)
        assert refused.code == 2, refused
        assert "N" in refused.err
    assert project.ask("swarm", "status")["agents"]["limit"] == 10


def test_agents_are_listed_while_they_work_and_shown_with_what_they_did(project: Program, tmp_path: Path) -> None:
    go = tmp_path / "go"
    submitted = project.ask("task", "submit", f"WAIT {go}")
    project.ask("engine", "start", "--detach")
    [agent] = eventually(lambda: project.ask("agent", "list"))

    assert set(agent) == AGENT_KEYS
    assert (agent["task"], agent["state"], agent["definition"], agent["parent"]) == (submitted["task"], "BUSY", "generalist", None)
    assert "BUSY" in project.inside("agent", "list").out
    assert project.ask("swarm", "status")["agents"]["states"]["BUSY"] == 1
    go.touch()
    eventually(lambda: project.ask("agent", "list")[0]["state"] == "IDLE")
    project.ask("engine", "stop")

    assert project.ask("agent", "list") == []
    [ended] = project.ask("agent", "list", "--all")
    assert (ended["id"], ended["state"]) == (agent["id"], "TERMINATED")
    shown = project.ask("agent", "show", agent["id"])
    assert set(shown) == AGENT_KEYS | {"children", "events"}
    changes = [event["action"] for event in shown["events"] if event["action"].startswith("agent.")]
    assert changes == ["agent.spawning", "agent.idle", "agent.busy", "agent.idle", "agent.terminating", "agent.terminated"]
    assert "TERMINATED" in project.inside("agent", "show", agent["id"]).out


def test_an_agent_that_is_not_there_is_said_so(project: Program) -> None:
    assert project.inside("agent", "show", "a9").code == 3
    assert project.inside("agent", "show", "t9").code == 2


def test_what_agents_share_is_shown_with_who_wrote_last(project: Program) -> None:
    submitted = project.ask("task", "submit", "SAY x")
    database = Database.open(project.folder / ".abathur")
    try:
        database.write_now(engines.register, EngineRow("e", 1, "elsewhere", time.time()), time.time())
        [claim] = database.write_now(queue.claim, "e", {"command:default": 1}, 1, time.time())
        database.write_now(sharing.write, claim.lease, "plan", {"step": 1}, 0, time.time())
        database.write_now(sharing.write, claim.lease, "plan", {"step": 2}, 1, time.time())
    finally:
        database.close()

    [entry] = project.ask("swarm", "state", submitted["execution"])

    assert set(entry) == {"key", "value", "version", "written_by", "written_at"}
    assert (entry["key"], entry["value"], entry["version"], entry["written_by"]) == ("plan", {"step": 2}, 2, submitted["task"])
    assert '{"step": 2}' in project.inside("swarm", "state", submitted["execution"]).out
    assert project.inside("swarm", "state", "x99").code == 3
