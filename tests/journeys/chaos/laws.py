"""What must hold when everything has settled, whatever was killed before. Each function raises AssertionError."""

import json
import subprocess
from sqlite3 import Connection

from tests.journeys.chaos.world import PROGRAM, World
from tests.waiting import eventually


def check(world: World) -> None:
    """Every law that a user would rely on."""
    sound(world)
    nothing_lost(world)
    nothing_twice(world.database)
    audit_explains_everything(world.database)
    nothing_left_running(world)


def sound(world: World) -> None:
    """The file is whole, by SQLite's own check and by ours."""
    assert world.database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert world.database.execute("PRAGMA foreign_key_check").fetchall() == []
    done = subprocess.run([PROGRAM, "db", "check", "--json"], cwd=world.project, env=world.environment, text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert json.loads(done.stdout)
    counts_are_the_rows(world.database)


def counts_are_the_rows(c: Connection) -> None:
    """What stands counted is what there is."""
    counted = dict(c.execute("SELECT status, sum(tasks) FROM counts GROUP BY status HAVING sum(tasks) > 0"))
    assert counted == dict(c.execute("SELECT status, count(*) FROM tasks GROUP BY status"))


def nothing_lost(world: World) -> None:
    """All that was acknowledged is there, and all that is there is done."""
    known = {f"x{id}" for (id,) in world.read("SELECT id FROM executions")}
    assert set(world.executions) <= known, set(world.executions) - known
    assert not world.read("SELECT id FROM executions WHERE root IS NULL")
    assert not world.read("SELECT id FROM tasks WHERE id NOT IN (SELECT task FROM specs)")
    assert not world.read("SELECT id FROM tasks WHERE status <> 'completed'")
    assert not world.read("SELECT task FROM edges WHERE state = 'open'")


def nothing_twice(c: Connection) -> None:
    """No task was completed twice, no finished turn and no finished pass was made again."""
    assert not rows(c, "SELECT task FROM audit WHERE action = 'task.completed' GROUP BY task HAVING count(*) > 1")
    assert not rows(c, "SELECT task, round, number FROM turns WHERE state = 'done' GROUP BY task, round, number HAVING count(*) > 1")
    assert not rows(c, "SELECT task FROM attempts WHERE outcome = 'completed' GROUP BY task HAVING count(*) > 1")
    assert not rows(c, "SELECT task FROM turns WHERE state = 'open'")


def audit_explains_everything(c: Connection) -> None:
    """Each task's audit is one chain of allowed changes, without a gap, from its submission to its status; every change has a name to it."""
    allowed = set(rows(c, "SELECT from_status, to_status FROM transitions"))
    last: dict[int, tuple[str | None, int]] = {}
    changes = c.execute(
        "SELECT task, from_state, to_state, version, actor, reason FROM audit WHERE action LIKE 'task.%' AND to_state IS NOT NULL ORDER BY id"
    )
    for task, before, after, version, actor, _ in changes:
        status, seen = last.get(task, (None, -1))
        assert before == status, (task, before, status)
        assert version == seen + 1, (task, version, seen)
        assert before is None or (before, after) in allowed, (task, before, after)
        assert actor, task
        last[task] = after, version
    assert {id: (status, version) for id, status, version in c.execute("SELECT id, status, version FROM tasks")} == last


def rows(c: Connection, statement: str) -> list[tuple[str | int | None, ...]]:
    """What a statement finds."""
    return c.execute(statement).fetchall()


def nothing_left_running(world: World) -> None:
    """No engine, guard, agent or grandchild of one outlives the end of all work."""
    left = eventually(lambda: [] if world.processes() else ["nothing"], 10)
    assert left == ["nothing"], world.by_kind()
    assert not world.read("SELECT id FROM engines WHERE ended_at IS NULL")
    assert not world.read("SELECT id FROM agents WHERE state <> 'TERMINATED'")
