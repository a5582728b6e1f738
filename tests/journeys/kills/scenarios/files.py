"""Files that are made or take another's place: recovering, vacuum, exports, a new project, templates; and the commands themselves."""

import asyncio
import contextlib
import json
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from abathur_tui.cli import app, db, init, purge, template_files
from abathur_tui.domain.conversation import TurnRequest
from abathur_tui.domain.data import content_hash
from abathur_tui.domain.errors import ChangeRefused
from abathur_tui.domain.status import Status
from abathur_tui.engine import tidying
from abathur_tui.project import Place, care
from abathur_tui.storage import retention
from abathur_tui.storage.checking import check_folder
from tests.cli.program import Program
from tests.engine.bench import Bench, node
from tests.journeys.kills.scenario import Scenario, Told, acknowledge, acknowledged, drain, nothing
from tests.journeys.kills.scenarios.upkeep import FILES, whole, work_twice
from tests.journeys.kills.scenarios.work import all_completed, statuses
from tests.scripted import Say, Step

WARM = (app, db, init, purge, template_files)
"""What commands load at their first need is there before one of them is forked."""
_CHANGES = ("fdatasync", "fsync", "ftruncate", "link", "openat", "pwrite64", "rename")
"""What may fail where files are made. That something cannot be taken away is no reason to fail."""
_PAGE = 4096


def place(project: Bench) -> Place:
    """The project, for what needs no engine."""
    return Place(project.folder, project.data)


# A damaged file


def damage(project: Bench) -> None:
    """A log that nobody has moved into the file, which has a task more, and then an index of the file is nonsense."""
    work_twice(project)
    project.close()
    child = os.fork()
    if child == 0:
        Bench(project.folder, project.runtime).submit(node("late"))
        os._exit(0)  # nobody closes the database
    assert os.waitpid(child, 0)[1] == 0
    assert (project.data / "abathur.db-wal").stat().st_size > 0
    with contextlib.closing(sqlite3.connect(f"file:{project.data / 'abathur.db'}?immutable=1", uri=True)) as c:
        [(page,), *_] = c.execute("SELECT rootpage FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'turns' AND sql IS NOT NULL").fetchall()
    with (project.data / "abathur.db").open("r+b") as file:
        file.seek((page - 1) * _PAGE)
        file.write(b"\xaa" * _PAGE)
    assert check_folder(project.data).problems


def recover(project: Bench) -> None:
    saved = care.recover(place(project))
    assert saved.salvaged.problems == ()
    acknowledge(project, "recovered")


def is_damaged_or_well(project: Bench) -> None:
    """Never away, and what is there is told to be damaged, or has all in it."""
    assert (project.data / "abathur.db").is_file()
    if acknowledged(project):
        assert check_folder(project.data).problems == ()


def recover_again(project: Bench) -> None:
    with contextlib.suppress(ChangeRefused):  # it is well
        care.recover(place(project))
    drain(project)


def check_recovered(project: Bench) -> None:
    assert list(statuses(project).values()) == [Status.COMPLETED] * 6
    assert [project.result(task) for task in statuses(project)] == ["done"] * 6
    assert len(list(project.data.glob("abathur-damaged-*.db"))) == 1
    care.back_up(place(project), project.data / "after.db")
    assert no_drafts(project.data)


def no_drafts(folder: Path) -> bool:
    """What a killed one was making has been taken away by the next."""
    return not [name for name in os.listdir(folder) if name.endswith((".tmp", ".abathur-draft"))]


def recover_into(project: Bench) -> None:
    care.recover(place(project), project.folder / "copy.db")
    acknowledge(project, "copied")


def recovered_copy_is_whole(project: Bench) -> None:
    copy = project.folder / "copy.db"
    assert copy.exists() or not acknowledged(project)
    if copy.exists():
        whole(copy, tasks=6)
        copy.unlink()
    (project.folder / "acknowledged").unlink(missing_ok=True)


def check_recovered_copy(project: Bench) -> None:
    recovered_copy_is_whole(project)
    assert check_folder(project.data).problems  # nothing was changed
    recover_again(project)
    check_recovered(project)


# Space that is given back


def tell_much(request: TurnRequest) -> list[Step]:
    """For each prompt another text."""
    return [Say((content_hash(request.messages[0].text) * 10_000)[:200_000])]


def leave_holes(project: Bench) -> None:
    """Texts that were purged, whose pages are free."""
    for number in range(2):
        project.submit(node("n1", f"of {number}"))
    drain(project)
    project.write(retention.purge, [1], "me")
    asyncio.run(tidying.collect(project.database))
    assert free_pages(project) > 30, free_pages(project)


def free_pages(project: Bench) -> int:
    return int(project.database.read_now(lambda c: c.execute("PRAGMA freelist_count").fetchone()[0]))


def vacuum(project: Bench) -> None:
    assert care.vacuum_file(place(project)).whole
    acknowledge(project, "vacuumed")


def vacuum_beside_an_engine(project: Bench) -> None:
    async def work() -> None:
        async with project.running():
            [task] = project.submit(node("late"))
            done = await asyncio.to_thread(care.vacuum_file, place(project))
            assert not done.whole
            acknowledge(project, "vacuumed")
            await project.until(task, Status.COMPLETED)

    asyncio.run(work())


def vacuum_again(project: Bench) -> None:
    drain(project)
    project.close()
    vacuum(project)


def check_vacuumed(project: Bench) -> None:
    assert free_pages(project) == 0
    all_completed(project)
    assert {len(project.result(task) or "") for task in statuses(project) if task > 1} == {200_000}


# An export


def export(project: Bench) -> None:
    care.export(place(project), project.folder / "export.jsonl")


def export_is_whole(project: Bench) -> None:
    file = project.folder / "export.jsonl"
    if file.exists():
        records = [json.loads(line) for line in file.read_text().splitlines()]
        assert len([one for one in records if one["table"] == "tasks"]) == 5
        assert len(records) > 50
        file.unlink()


def check_exported(project: Bench) -> None:
    assert (project.folder / "export.jsonl").exists()
    export_is_whole(project)
    care.back_up(place(project), project.folder / "after.db")
    assert no_drafts(project.folder)


# Commands


def run(project: Bench, *words: str) -> None:
    """A command that says that all is well. Raises Told where it says otherwise, as it should."""
    home = project.folder / "home"
    home.mkdir(exist_ok=True)
    answer = Program(project.folder, home, {"ABATHUR_DATA_DIR": str(project.data)}).inside(*words, "--json")
    assert "Traceback" not in answer.err, answer
    if answer.code:
        assert answer.error["code"] != "ABTH-ERR-199", answer
        raise Told(f"{words}: {answer.error}")


TEMPLATE = """
name = "STORY"
version = "1.0.0"
description = "A story"
prompt = "Write {{ subject }}."

[parameters.subject]
type = "string"
required = true
description = "What it is about"
"""


def write_template(project: Bench) -> None:
    (project.folder / "story.toml").write_text(TEMPLATE)


def init_and_register(project: Bench) -> None:
    """A project that is made, and a template for it."""
    run(project, "init")
    acknowledge(project, "made")
    run(project, "template", "register", "story.toml")
    acknowledge(project, "kept")


def made_is_there(project: Bench) -> None:
    told, templates = acknowledged(project), list(project.data.glob("templates/*.toml"))
    for name in ("config.toml", ".gitignore"):
        file = project.data / name
        assert file.read_text().endswith("\n") if file.exists() else "made" not in told, name
    assert "kept" not in told or len(templates) == 1
    for file in templates:
        assert "Write {{ subject }}." in file.read_text()


def check_made(project: Bench) -> None:
    made_is_there(project)
    run(project, "template", "remove", "STORY", "--yes")
    assert not list(project.data.glob("templates/*.toml"))
    project.submit(node())
    drain(project)
    all_completed(project)


COMMANDS: tuple[tuple[str, ...], ...] = (
    ("task", "submit", "one"),
    ("task", "submit", "two"),
    ("task", "submit", "three"),
    ("task", "pause", "t3"),
    ("task", "reprioritize", "t2", "--priority", "9"),
    ("task", "cancel", "t1"),
    ("task", "resume", "t3"),
    ("db", "backup", "copy.db"),
    ("db", "export", "export.jsonl"),
    ("purge", "--all", "--yes"),
    ("db", "vacuum"),
)


def give_commands(project: Bench) -> None:
    """One after the other, until one is refused."""
    for words in COMMANDS:
        run(project, *words)
        acknowledge(project, " ".join(words))


def given_is_there(project: Bench) -> None:
    told, found = set(acknowledged(project)), statuses(project)
    seen = {
        "task submit one": 1 in found,
        "task submit three": 3 in found,
        "task reprioritize t2 --priority 9": 2 in found and project.task(2).priority == 9,
        "task cancel t1": found.get(1) is Status.CANCELLED,
        "task resume t3": found.get(3) is Status.PENDING,
    }
    assert {name for name, is_there in seen.items() if name in told and not is_there} == set()
    if (project.folder / "copy.db").exists():
        whole(project.folder / "copy.db", tasks=len(found))


def work_off(project: Bench) -> None:
    for task, status in statuses(project).items():
        if status is Status.PAUSED:
            run(project, "task", "resume", f"t{task}")
    drain(project)


SCENARIOS: Sequence[Scenario] = (
    recovery := Scenario(
        "recover",
        "saving what can be saved of a damaged file, which its log and a new file take part in",
        damage,
        act=recover,
        lost=is_damaged_or_well,
        again=recover_again,
        check=check_recovered,
        calls=FILES,
        fallible=_CHANGES,
        stride=23,
        opens_late=True,
    ),
    replace(
        recovery,
        name="salvage",
        what="saving what can be saved of a damaged file into another one",
        act=recover_into,
        lost=recovered_copy_is_whole,
        again=recover_into,
        check=check_recovered_copy,
    ),
    Scenario(
        "vacuum",
        "a file that is written anew without holes",
        leave_holes,
        act=vacuum,
        again=vacuum_again,
        check=check_vacuumed,
        script=tell_much,
        calls=("fdatasync", "ftruncate", "pwrite64"),
        stride=11,
    ),
    Scenario(
        "release",
        "free pages that are given back while an engine works",
        leave_holes,
        act=vacuum_beside_an_engine,
        again=vacuum_again,
        check=check_vacuumed,
        script=tell_much,
        calls=("fdatasync", "ftruncate", "pwrite64"),
        stride=5,
    ),
    Scenario(
        "export",
        "all that is kept, as lines of JSON in a file",
        work_twice,
        act=export,
        lost=export_is_whole,
        again=export,
        check=check_exported,
        calls=("fsync", "link", "unlink", "write"),
        fallible=(*_CHANGES, "write"),
    ),
    Scenario(
        "making",
        "a new project, and a template that is kept in it",
        write_template,
        act=init_and_register,
        lost=made_is_there,
        again=init_and_register,
        check=check_made,
        opens_late=True,
        calls=(*FILES, "write"),
        fallible=(*_CHANGES, "write"),
    ),
    Scenario(
        "given",
        "commands: submit, pause, reprioritize, cancel, resume, backup, export, purge, vacuum",
        nothing,
        act=give_commands,
        lost=given_is_there,
        again=work_off,
        check=nothing,
        calls=FILES,
        fallible=_CHANGES,
    ),
)
