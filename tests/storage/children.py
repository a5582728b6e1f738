"""What other processes do in tests: `python -m tests.storage.children WHAT FOLDER …`. Each line that they print was true when they printed it."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from abathur_tui.domain.errors import AbathurError
from abathur_tui.domain.execution import SubmitOptions
from abathur_tui.storage import Database, engines, queue
from tests.storage.building import LANE, NOW, RUNTIME, plan

OPTIONS = SubmitOptions(RUNTIME, max_size=10_000_000)


def say(text: object) -> None:
    """One line, in one write, so that a kill leaves no half of it."""
    os.write(1, f"{text}\n".encode())


def submit_forever(folder: Path, *_: str) -> None:
    """Submit, and say which task is on disk."""
    database = Database.open(folder)
    while True:
        say(database.write_now(queue.submit, plan(["a"]), OPTIONS, NOW).root)


def work_forever(folder: Path, engine: str, *_: str) -> None:
    """Claim and complete, and say what was acknowledged."""
    database = Database.open(folder)
    while True:
        for claimed in database.write_now(queue.claim, engine, {LANE: 3}, 3, NOW):
            say(f"claimed {claimed.lease.task} {claimed.lease.epoch}")
            database.write_now(queue.complete, claimed.lease, f"result of {claimed.lease.task}", NOW)
            say(f"completed {claimed.lease.task}")


def work(folder: Path, engine: str, *_: str) -> None:
    """Claim and complete until nothing is left."""
    database = Database.open(folder)
    while claims := database.write_now(queue.claim, engine, {LANE: 5}, 5, NOW):
        for claimed in claims:
            database.write_now(queue.complete, claimed.lease, "done", NOW)
            say(claimed.lease.task)
    database.close()


def make(folder: Path, *_: str) -> None:
    """Open, making what is not there, and say the project's id."""
    database = Database.open(folder, create=True)
    say(database.id)
    database.close()


def submit_until_refused(folder: Path, *_rest: str) -> None:
    """Submit large plans, forty at most, until three are refused; say what is on disk and what each refusal was, then what can be read."""
    database = Database.open(folder)
    refused = 0
    for _ in range(40):
        if refused == 3:
            break
        try:
            say(f"stored {database.write_now(queue.submit, plan([f'n{i}' for i in range(200)]), OPTIONS, NOW).root}")
        except AbathurError as error:
            refused += 1
            say(f"refused {error.code}")
    say(f"read {len(database.read_now(lambda c: c.execute('SELECT id FROM executions').fetchall()))}")


def live(folder: Path, engine: str, *_: str) -> None:
    """Be the active engine until the end."""
    life, active = engines.hold_life_lock(folder, engine), engines.hold_engine_lock(folder, engine)
    say("lives" if life and active else "refused")
    time.sleep(60)


def hold_transaction(folder: Path, *_: str) -> None:
    """Hold SQLite's write lock without the turnstile, as a foreign tool would."""
    import sqlite3

    connection = sqlite3.connect(folder / "abathur.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    say("held")
    time.sleep(60)


def write_for_ever(folder: Path, *_: str) -> None:
    """Be in the middle of a write, with its turn, until the end."""

    def write(_: object) -> None:
        say("writing")
        time.sleep(60)

    Database.open(folder).write_now(write)


def read_as(folder: Path, user: str, *_: str) -> None:
    """As another user, who cannot write: read, then try to write."""
    os.setgroups([])
    os.setgid(int(user))
    os.setuid(int(user))
    try:
        database = Database.open(folder)
        names = database.read_now(lambda c: [name for (name,) in c.execute("SELECT name FROM tasks")])
        say(f"read {names} {'read only' if database.read_only else 'writable'}")
        database.write_now(queue.submit, plan(["b"]), OPTIONS, NOW)
        say("written")
    except AbathurError as error:
        say(f"refused {error.code}")


CHILDREN: dict[str, Callable[..., None]] = {
    one.__name__: one for one in (submit_forever, work_forever, work, make, submit_until_refused, live, hold_transaction, write_for_ever, read_as)
}

if __name__ == "__main__":
    CHILDREN[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
