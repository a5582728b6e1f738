"""The schema's versions: each `.sql` file in `schema/` once, in order, with its record, all that are missing in one transaction; a backup first."""

import hashlib
import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from sqlite3 import Connection

from abathur_tui.domain.errors import DatabaseBusy, DatabaseDamaged, DatabaseNewer
from abathur_tui.storage.connection import in_transaction, scalar, schema_as_rows
from abathur_tui.storage.drafts import draft
from abathur_tui.storage.files import private_folder, sync
from abathur_tui.storage.locks import living_engines


@dataclass(frozen=True, slots=True)
class Step:
    """One version of the schema."""

    version: int
    name: str
    text: str


def known_steps() -> tuple[Step, ...]:
    """The steps that this program knows, from version 1 on without a gap."""
    names = sorted(entry.name for entry in files("abathur_tui.storage").joinpath("schema").iterdir() if entry.name.endswith(".sql"))
    steps = tuple(
        Step(int(name[:4]), name[5:].removesuffix(".sql"), files("abathur_tui.storage").joinpath("schema", name).read_text("utf-8")) for name in names
    )
    if [step.version for step in steps] != list(range(1, len(steps) + 1)):
        raise ValueError(f"the schema's files have gaps: {names}")
    return steps


def version_of(connection: Connection) -> int:
    """The file's version; 0 where it is still empty."""
    version = scalar(connection, "PRAGMA user_version")
    assert isinstance(version, int)
    return version


def migrate(connection: Connection, folder: Path, steps: Sequence[Step]) -> None:
    """Bring the file up to the last of `steps`. The caller keeps other writers out.

    Raises DatabaseNewer where it is beyond that, DatabaseBusy where an engine lives, DatabaseDamaged where its check, or that of its backup, fails.
    Where a step fails the file stays as it was, so that the program that made it can still open it.
    """
    version = version_of(connection)
    refuse_newer(version, steps[-1].version)
    if version < 0:
        raise DatabaseDamaged(f"{folder / 'abathur.db'} says that it has version {version}.")
    missing = [step for step in steps if step.version > version]
    if not missing:
        return
    if version == 0:
        if scalar(connection, "SELECT count(*) FROM sqlite_schema") != 0:
            raise DatabaseDamaged(f"{folder / 'abathur.db'} has tables, but no version.")
    else:
        if living := living_engines(folder):
            raise DatabaseBusy(
                f"The database must be brought up to date, and an engine is at work (process {living[0][1]}).",
                hint="Stop it with `abathur engine stop`, then try again.",
            )
        check(connection)
        back_up(connection, folder, version)

    def apply_all() -> None:
        for step in missing:
            _apply(connection, step)

    with schema_as_rows(connection):
        in_transaction(connection, "BEGIN IMMEDIATE", apply_all)


def refuse_newer(version: int, known: int) -> None:
    """Raise DatabaseNewer where the file's version is higher than what this program knows."""
    if version > known:
        raise DatabaseNewer(f"The database has version {version}; this Abathur knows versions up to {known}.")


def check(connection: Connection) -> None:
    """Raise DatabaseDamaged where SQLite's quick check finds something."""
    findings = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
    if findings != ["ok"]:
        raise DatabaseDamaged("SQLite's check finds: " + "; ".join(findings))


def back_up(connection: Connection, folder: Path, version: int) -> Path:
    """A copy of the whole file in `backups/`, made by SQLite's backup interface and checked; gives its path.

    Raises DatabaseDamaged where the copy is not well, sqlite3.Error or OSError; what was copied so far does not stay then.
    """
    target = private_folder(folder / "backups") / f"abathur-v{version}-{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}.db"
    with draft(target) as unnamed:
        copy = sqlite3.connect(unnamed, isolation_level=None)
        try:
            connection.backup(copy)
            check(copy)
        finally:
            copy.close()
        sync(unnamed)
        unnamed.rename(target)
        sync(target.parent)
    return target


def statements(text: str) -> Iterator[str]:
    """The statements of a script, one by one (`executescript` would commit before it begins)."""
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if ";" in line and sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if any(line.strip() and not line.strip().startswith("--") for line in statement.splitlines()):
        raise ValueError(f"a statement without its end: {statement[:80]!r}")


def _apply(connection: Connection, step: Step) -> None:
    for statement in statements(step.text):
        connection.execute(statement)
    if step.version == 1:
        connection.execute("INSERT INTO meta (key, value) VALUES ('id', ?)", (str(uuid.uuid4()),))
    connection.execute(
        "INSERT INTO migrations (version, name, sha256, applied_at) VALUES (?, ?, ?, ?)",
        (step.version, step.name, hashlib.sha256(step.text.encode()).hexdigest(), time.time()),
    )
    connection.execute(f"PRAGMA user_version = {step.version}")
