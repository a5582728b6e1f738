"""What is done to the file: seals, retention, checkpoints, purge, backups, migrations, making and recovering it."""

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from abathur_tui.domain.clock import SystemClock
from abathur_tui.domain.conversation import TurnRequest
from abathur_tui.engine.tidying import purge
from abathur_tui.project import Place, care
from abathur_tui.storage import Database, migrations, retention, seals
from abathur_tui.storage import database as opening
from abathur_tui.storage.migrations import known_steps
from abathur_tui.storage.records import keep
from tests.engine.bench import Bench, node
from tests.journeys.kills.scenario import Scenario, acknowledge, acknowledged, drain
from tests.journeys.kills.scenarios.work import all_completed, rows, statuses
from tests.scripted import Say, say
from tests.scripted import Step as ScriptStep
from tests.waiting import eventually_async

DAY = 86_400.0
FILES = ("fsync", "fdatasync", "link", "unlink", "rename", "pwrite64")
"""What is called where files are made and take another's place."""


# Seals, and what has outlived its time


@dataclass
class Later(SystemClock):
    """The machine's clock, some days further."""

    days: float = 0.0

    def now(self) -> float:
        """Unix time in seconds."""
        return super().now() + self.days * DAY


def go_on_later(project: Bench) -> None:
    project.clock = Later(100.0 if (project.folder / "later").exists() else 0.0)


def work_and_wait(project: Bench) -> None:
    project.submit(node("n1"), node("n2"))
    drain(project)
    assert project.database.read_now(seals.verify).unsealed == 0
    (project.folder / "later").touch()
    project.submit(node("n3"))


def sweep(project: Bench) -> None:
    """An engine that works, and looks for what has outlived its time."""

    def swept() -> bool:
        return bool(rows(project, "SELECT id, '' FROM audit WHERE action = 'audit.swept'"))

    async def work() -> None:
        async with project.running():
            await eventually_async(swept)
            await eventually_async(lambda: not rows(project, "SELECT id, '' FROM tasks WHERE status <> 'completed'"))
            await eventually_async(lambda: project.database.read_now(seals.verify).unsealed == 0)

    asyncio.run(work())


def sweep_again(project: Bench) -> None:
    """Where somebody has died of it, the next one takes it up."""
    sweep(project)
    drain(project)  # also where all was well already, so that whoever died is cleared up after


def check_swept(project: Bench) -> None:
    all_completed(project)
    verified = project.database.read_now(seals.verify)
    assert (verified.ok, verified.unsealed) == (True, 0), verified
    assert rows(project, "SELECT id, '' FROM audit WHERE task IN (1, 2)") == []
    assert rows(project, "SELECT id, '' FROM audit WHERE task = 3 AND action = 'task.completed'")


# A log that is moved into the file


def submit_long(project: Bench) -> None:
    project.submit(*(node(f"n{number}") for number in range(3)))


def check_long(project: Bench) -> None:
    all_completed(project)
    assert {len(project.result(task) or "") for task in statuses(project)} == {900_000}
    assert (project.data / "abathur.db").stat().st_size > 900_000


# Purge


def tell_secrets(request: TurnRequest) -> list[ScriptStep]:
    """Only where there are any."""
    return [Say("plain" if "not a secret" in request.messages[0].text else "the secret result")]


def work_secretly(project: Bench) -> None:
    for _ in range(3):
        project.submit(node("n1", "a secret"), node("n2", "a secret"))
    drain(project)
    project.submit(node("kept", "not a secret"))
    drain(project)


def purge_all(project: Bench) -> None:
    """As `abathur purge` does it."""
    ended = [one.id for one in project.database.read_now(lambda c: list(retention.purgeable(c))) if one.id <= 3]
    asyncio.run(purge(project.database, ended, "me", project.clock.now()))
    acknowledge(project, "purged")


def nothing_is_readable(project: Bench) -> None:
    if acknowledged(project):
        check_purged(project)


def check_purged(project: Bench) -> None:
    # What an engine does once a day, for texts that a killed purge has left.
    left = project.database.read_now(
        lambda c: (
            c.execute("SELECT count(*) FROM content WHERE body IN ('a secret', 'the secret result')").fetchone()[0]
            + c.execute("SELECT count(*) FROM specs WHERE given LIKE '%\"a secret\"%'").fetchone()[0]
        )
    )
    assert left == 0
    assert project.database.read_now(lambda c: c.execute("SELECT count(*) FROM executions WHERE purged_at IS NOT NULL").fetchone()) == (3,)
    assert [
        entry for (entry,) in project.database.read_now(lambda c: c.execute("SELECT execution FROM audit WHERE action = 'execution.purged'"))
    ] == [1, 2, 3]
    assert project.database.read_now(seals.verify).ok


# Backups


def work_twice(project: Bench) -> None:
    project.submit(*(node(f"n{number}") for number in range(5)))
    drain(project)


def back_up(project: Bench) -> None:
    care.back_up(Place(project.folder, project.data), project.folder / "copy.db")
    acknowledge(project, "copied")


def copy_is_whole(project: Bench) -> None:
    copy = project.folder / "copy.db"
    assert copy.exists() or not acknowledged(project)
    if copy.exists():
        whole(copy, tasks=5)
        copy.unlink()
    (project.folder / "acknowledged").unlink(missing_ok=True)


def whole(file: Path, tasks: int) -> None:
    """A database that is well, and has so many tasks."""
    with contextlib.closing(sqlite3.connect(f"file:{file}?immutable=1", uri=True)) as c:
        assert c.execute("PRAGMA integrity_check").fetchall() == [("ok",)], file
        assert c.execute("SELECT count(*) FROM tasks").fetchone() == (tasks,), file


# A file of an older version

TEXTS = 5


def make_older(project: Bench) -> None:
    """A file of the version before, with something in it, in place of what there is; whoever opens it brings it up to date."""
    project.close()
    shutil.rmtree(project.data)
    vars(opening).update(known_steps=lambda: known_steps()[:-1])
    database = Database.open(project.data, create=True)
    for number in range(TEXTS):
        database.write_now(keep, f"text {number}")
    database.close()


def is_up_to_date(project: Bench) -> None:
    """And of each backup that is there, all is there."""
    assert project.database.read_now(migrations.version_of) == known_steps()[-1].version
    assert project.database.read_now(lambda c: c.execute("SELECT count(*) FROM content").fetchone()) == (TEXTS,)
    backups = list((project.data / "backups").glob("*.db"))
    assert backups
    for backup in backups:
        with contextlib.closing(sqlite3.connect(f"file:{backup}?immutable=1", uri=True)) as c:
            assert c.execute("PRAGMA integrity_check").fetchall() == [("ok",)], backup
            assert c.execute("SELECT count(*) FROM content").fetchone() == (TEXTS,), backup
            assert c.execute("PRAGMA user_version").fetchone() == (known_steps()[-2].version,), backup


SCENARIOS: Sequence[Scenario] = (
    Scenario(
        "sweep",
        "seals, and the audit and log that have outlived their time",
        work_and_wait,
        act=sweep,
        again=sweep_again,
        check=check_swept,
        equip=go_on_later,
    ),
    Scenario(
        "checkpoint", "a log that is moved into the file while work goes on", submit_long, script=say("x" * 900_000), check=check_long, stride=29
    ),
    Scenario(
        "purge",
        "content that is purged, texts that are taken away, space that is given back",
        work_secretly,
        act=purge_all,
        lost=nothing_is_readable,
        again=purge_all,
        check=check_purged,
        script=tell_secrets,
    ),
    Scenario(
        "migration",
        "a file of an older version that is brought up to date, after a backup",
        make_older,
        act=is_up_to_date,
        check=is_up_to_date,
        calls=FILES,
        stride=11,
    ),
    Scenario(
        "backup",
        "a copy of the file, beside it",
        work_twice,
        act=back_up,
        lost=copy_is_whole,
        again=back_up,
        check=copy_is_whole,
        calls=FILES,
        stride=5,
    ),
)
