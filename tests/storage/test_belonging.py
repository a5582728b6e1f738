"""What belongs to what, and what a value says, is a law where that costs nothing, and else found by the check."""

import shutil
from pathlib import Path

import pytest

from abathur_tui.domain.errors import ChangeRefused
from abathur_tui.storage import Database, queue
from abathur_tui.storage.checking import check_folder
from tests.storage.building import ENGINE, NOW, claim_one, node, plan, status, submit
from tests.storage.test_checking import forge, lawless
from tests.storage.test_money import template

__all__ = ["template"]

AGENT = "execution, engine, definition, state, started_at, reason, changed_at"


@pytest.fixture(scope="module")
def open_file(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Database:
    """A filled database of which nothing is changed, because all that is tried is refused."""
    folder = tmp_path_factory.mktemp("refused") / ".abathur"
    shutil.copytree(template, folder)
    return Database.open(folder)


@pytest.mark.parametrize(
    ("statement", "law"),
    [
        ("UPDATE tasks SET epoch = epoch + 1 WHERE status = 'pending'", "raises the epoch by one"),
        (
            "UPDATE tasks SET status = 'running', version = version + 1, epoch = epoch + 2, engine = 'e', actor = 'me', reason = 'r' WHERE id = 8",
            "raises the epoch by one",
        ),
        (
            "UPDATE tasks SET status = 'cancelled', version = version + 1, epoch = epoch + 1, actor = 'me', reason = 'r' WHERE id = 8",
            "raises the epoch by one",
        ),
        ("INSERT INTO audit (at, actor, action) VALUES (1, 'recover', 'database.recovered')", "only a recovery"),
        ("INSERT INTO loops (task) VALUES (1)", "a task of that kind"),
        ("INSERT INTO loop_bodies SELECT 1, hash FROM content LIMIT 1", "only a loop"),
        (
            "INSERT INTO passes SELECT 1, round, 9, pass_task, output, metrics, verdict, reason, 0, 0, 0, 0, 0, '', '{}' FROM passes LIMIT 1",
            "a loop's",
        ),
        ("INSERT INTO metrics (task, round, pass, name, value, at) VALUES (7, 0, 1, 'latency', 1, 1)", "of a round that runs"),
        ("INSERT INTO metrics (task, round, pass, name, value, at) VALUES (7, 9, 1, 'latency', 1, 1)", "of a round that runs"),
        (
            f"INSERT INTO agents ({AGENT}, version) VALUES (1, 'e', 'd', 'SPAWNING', 1, 'r', 1, 3)",
            "has taken nothing",
        ),
        (
            f"INSERT INTO agents ({AGENT}, cost_usd) VALUES (1, 'e', 'd', 'SPAWNING', 1, 'r', 1, 3)",
            "has taken nothing",
        ),
        ("INSERT INTO requests (task, epoch, kind, actor, created_at) VALUES (8, 9, 'cancel', 'me', 1)", "of the task's epoch"),
        ("INSERT INTO requests (task, epoch, kind, actor, created_at) VALUES (8, 0, 'cancel', '', 1)", "names its actor"),
    ],
)
def test_what_belongs_to_nothing_is_refused(open_file: Database, statement: str, law: str) -> None:
    with pytest.raises(ChangeRefused, match=law):
        open_file.write_now(lambda c: c.execute(statement))


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE metrics SET value = 99", "(latency) is 99.0; pass 1 says 3.5"),
        ("UPDATE metrics SET name = 'another'", "(another) is 3.5; pass 1 says nothing of it"),
        ("UPDATE metrics SET round = 9", "in round 9 and pass 1, which never began"),
        ("UPDATE metrics SET value = 9e999", "which is no finite number"),
        ("UPDATE loops SET task = 1", "l1 is the loop of t1, which is no loop"),
        ("INSERT INTO loop_bodies SELECT 1, hash FROM content LIMIT 1", "t1 makes something in each pass, and is no loop"),
        ("UPDATE passes SET round = 9", "of round 9, which t7 never began"),
        ("UPDATE passes SET pass_task = 1", "was done by t1 of another execution"),
        ("UPDATE agents SET execution = 2", "a1 is of x2 and at t1, which is of x1"),
        ("UPDATE agents SET reason = 'another'", "a1 changed at another time or for another reason"),
        ("UPDATE agents SET changed_at = 5", "a1 changed at another time or for another reason"),
        ("UPDATE agents SET started_at = 5", "a1 was spawned at another time or in another engine"),
        ("UPDATE agents SET engine = 'another'", "a1 was spawned at another time or in another engine"),
        ("UPDATE agents SET parent = 1", "a1 was spawned by a1, which came later"),
        ("DELETE FROM lanes", "has tasks, and no row in lanes"),
        ("UPDATE tasks SET changed_at = 5 WHERE id = 1", "t1 changed at another time than its audit says"),
        ("UPDATE executions SET actor = 'another' WHERE id = 1", "x1 was submitted by somebody else"),
        ("UPDATE executions SET created_at = 5 WHERE id = 1", "x1 was submitted by somebody else or at another time"),
        ("INSERT INTO requests (task, epoch, kind, actor, created_at) VALUES (8, 9, 'cancel', 'me', 1)", "is of epoch 9, which never was"),
        ("INSERT INTO requests (task, epoch, kind, actor, created_at) VALUES (8, 0, 'cancel', '', 1)", "names nobody who asks"),
        (
            "INSERT INTO requests (task, epoch, kind, actor, created_at, payload) VALUES (8, 0, 'cancel', 'me', 1, '[]')",
            "requests.payload of request 1",
        ),
        ("INSERT INTO audit (at, actor, action) VALUES (1, 'me', 'database.recovered')", "says that it is of a recovery, by me"),
        ("UPDATE audit SET actor = 'recover' WHERE id = 3", "says that it is of a recovery, by recover"),
        ("UPDATE specs SET timeout_seconds = -1 WHERE task = 8", "t8 is to be done in -1.0 seconds"),
        ("UPDATE tasks SET instance = 9 WHERE id = 8", "t8 is instance 9 of 1"),
        ("UPDATE content SET condemned = 7 WHERE id = 1", "text 1 is condemned as 7"),
        ("UPDATE lanes SET held_until = 1e300", "is held at a time that no calendar has"),
        ("INSERT INTO status_commands (id, audit) VALUES (1, 99999)", "are done up to row 99999 of the audit, which is not there yet"),
        ("UPDATE sqlite_sequence SET seq = 9223372036854775807 WHERE name = 'audit'", "ids of audit have come to their end"),
        ("UPDATE lanes SET runtime = '[]'", "cannot be understood: no RuntimeChoice: [] is no object"),
        ("UPDATE executions SET runtime = '{\"runtime\": 5}' WHERE id = 1", "executions.runtime of x1 cannot be understood"),
        ("UPDATE specs SET loop_spec = '{\"criterion\": 5}' WHERE task = 7", "specs.loop_spec of t7 cannot be understood"),
        ('UPDATE specs SET refs = \'{"/a": "b"}\' WHERE task = 8', "specs.refs of t8 cannot be understood: not an object of tasks"),
        ("UPDATE tasks SET tags = '[1]' WHERE id = 8", "tasks.tags of t8 cannot be understood: not a list of texts"),
        ("UPDATE tasks SET name = CAST(x'ff41' AS TEXT) WHERE id = 8", "tasks.name of the 8. row is no UTF-8: b'\\xffA'"),
        ("UPDATE logs SET text = CAST(x'c3' AS TEXT) WHERE id = 1", "logs.text of the 1. row is no UTF-8"),
    ],
)
def test_what_was_put_where_it_does_not_belong_is_found(template: Path, folder: Path, statement: str, problem: str) -> None:
    shutil.copytree(template, folder)
    lawless(folder, statement)
    found = check_folder(folder).problems
    assert any(problem in one for one in found), found


def test_who_says_that_the_file_was_recovered_hides_nothing(template: Path, folder: Path) -> None:
    shutil.copytree(template, folder)
    lawless(folder, "INSERT INTO audit (at, actor, action) VALUES (1, 'me', 'database.recovered')", "DELETE FROM attempts WHERE task = 1")
    assert any("and has 0 attempts" in problem for problem in check_folder(folder).problems)


def test_a_request_without_a_reason_is_done_all_the_same(database: Database) -> None:
    submit(database, plan(["a", "b", "c"]))
    claims = [claim_one(database) for _ in range(3)]
    for claimed, payload in zip(claims, ("{}", "nonsense", '{"reason": ""}'), strict=True):
        values = f"{claimed.lease.task}, {claimed.lease.epoch}, 'cancel', 'me', '{payload}', 1"
        forge(database.folder, f"INSERT INTO requests (task, epoch, kind, actor, payload, created_at) VALUES ({values})")

    database.write_now(queue.recover, ENGINE, NOW)

    assert [str(status(database, claimed.lease.task)) for claimed in claims] == ["cancelled"] * 3


@pytest.mark.parametrize("number", [1, 0, -1, -1_000_001])
def test_what_a_task_has_made_belongs_to_it_whatever_its_number(database: Database, number: int) -> None:
    """Passes count from 1, a fallback has 0, questions count from -1 down, and sub-agents below a million of them."""
    submit(database, plan(["a"]))
    database.write_now(queue.add_child, claim_one(database).lease, node("made"), NOW, pass_number=number)
    database.close()
    assert not [problem for problem in check_folder(database.folder).problems if "is instance" in problem]
