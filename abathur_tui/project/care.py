"""Looking after a project's database: also where it is damaged, or of another version, so that it cannot be opened as a project."""

import json
import os
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import IO

from abathur_tui.domain.clock import iso
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import ChangeRefused, DatabaseBusy, DatabaseDamaged, NoResult, ProjectNotFound, ProjectNotWritable
from abathur_tui.project.finding import Place
from abathur_tui.storage import Database
from abathur_tui.storage.checking import Checked, check_folder
from abathur_tui.storage.connection import refuse_foreign, roll_back
from abathur_tui.storage.copying import back_up_to, new_file, set_aside, take_place
from abathur_tui.storage.database import refuse_to_begin_anew
from abathur_tui.storage.drafts import draft
from abathur_tui.storage.exporting import records
from abathur_tui.storage.failures import translated
from abathur_tui.storage.files import DATABASE, private_folder, refuse_links, refuse_network
from abathur_tui.storage.locks import living_engines
from abathur_tui.storage.migrations import known_steps, refuse_newer, version_of
from abathur_tui.storage.reading import reading
from abathur_tui.storage.salvage import Salvaged, salvage
from abathur_tui.storage.turnstile import alone
from abathur_tui.storage.vacuum import Vacuumed, vacuum

__all__ = ["Checked", "Recovered", "Vacuumed", "back_up", "check", "export", "recover", "vacuum_file"]

_PIECE = 65_536
"""Characters of an export that are handed over at once."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was saved of a damaged database."""

    salvaged: Salvaged
    file: Path
    """Where it is now."""
    damaged: Path
    """Where the damaged file is now, with its log; nothing of it was changed."""


def check(place: Place) -> Checked:
    """What is wrong with the project's database, if anything; it is only read. Raises ProjectNotFound."""
    _refuse_missing(place)
    return check_folder(place.data)


def back_up(place: Place, target: Path | None = None) -> tuple[Path, list[str]]:
    """A checked copy of the database in one file, by default in `backups/`; gives its path and what `check` finds in it. Works beside an engine.

    Raises ProjectNotFound, ArgumentInvalid where `target` is there, DatabaseDamaged, DiskFull and the like.
    """
    target = None if target is None else Path(os.path.abspath(target))
    with _opened(place) as c, translated((target or place.data).parent):
        if target is None:
            target = private_folder(place.data / "backups") / f"abathur-{time.strftime('%Y%m%d-%H%M%S')}.db"
        return target, back_up_to(c, target)


def vacuum_file(place: Place) -> Vacuumed:
    """Give the space of what was purged and swept back. Raises ProjectNotFound, DatabaseBusy, DiskFull and the like."""
    _refuse_missing(place)
    database = Database.open(place.data)  # a file that is damaged, foreign or newer is refused by that
    database.close()
    if database.read_only:
        raise ProjectNotWritable(f"{place.data} cannot be written; it is open for reading only.")
    with translated(place.data):
        return vacuum(place.data)


def export(place: Place, into: Callable[[str], object] | Path, *, execution: int | None = None) -> int:
    """Write the project, or one execution, as JSON lines to a path that is not there yet, or hand it over in pieces; how many lines there were.

    Raises ProjectNotFound, NotFound, ArgumentInvalid, DatabaseDamaged, DiskFull and the like; `into` gets nothing then.
    """
    if isinstance(into, Path):
        target = Path(os.path.abspath(into))
        with _opened(place) as c, translated(target.parent), new_file(target) as unnamed, unnamed.open("w", encoding="utf-8") as file:
            return _write(_lines(records(c, execution, iso(time.time()) or "")), file)
    # A reader that is slow, such as a pager, must not keep the database open: the log could not be moved into the file for as long. And that
    # it goes away, such as `head`, is no trouble of the database.
    with tempfile.TemporaryFile("w+", encoding="utf-8", prefix="abathur-") as spool:
        with _opened(place) as c:
            count = _write(_lines(records(c, execution, iso(time.time()) or "")), spool)
        spool.seek(0)
        while piece := spool.read(_PIECE):
            into(piece)
    return count


def recover(place: Place, into: Path | None = None) -> Recovered:
    """Save what can be saved of a damaged database: into a new file, or in its place, and the damaged one is kept under another name.

    Raises ProjectNotFound; ChangeRefused where it is well; DatabaseBusy where an engine lives; DatabaseNewer;
    NetworkFileSystem; NoResult where nothing could be saved; ArgumentInvalid where `into` is there; DiskFull and the like.
    """
    _refuse_missing(place)
    path = place.data / DATABASE
    with translated(place.data):
        if living := living_engines(place.data):
            raise DatabaseBusy(f"An engine is at work (process {living[0][1]}).", hint="Stop it with `abathur engine stop`, then try again.")
        if into is None and not path.is_file() and os.path.lexists(path):
            raise ChangeRefused(f"{path} is not an ordinary file.", hint="Move it away; what lies beside it can be recovered then.")
        if into is None:
            refuse_network(place.data)
        # What nobody can write, such as a disk that fails and was mounted for reading, is saved to another one.
        with alone(place.data) if into is None or os.access(place.data, os.W_OK) else nullcontext():
            kept = None if into is not None else set_aside(path, f"{path.stem}-damaged-*.db")
            if into is None and kept is None:
                _refuse_well(place)
            return _recover(path, into, kept)


def _refuse_well(place: Place) -> None:
    found = check_folder(place.data)
    if found.ok:
        raise ChangeRefused("The database is well; there is nothing to recover.", hint="With --into, what can be read is copied all the same.")
    with suppress(sqlite3.Error, OSError), reading(place.data) as connect, closing(connect()) as connection:
        _refuse_others(connection, place)


def _recover(path: Path, into: Path | None, kept: Path | None) -> Recovered:
    """`kept`: where one that was killed at its end has put the damaged file, whose log is no longer beside `path` then."""
    if into is not None:
        target = Path(os.path.abspath(into))
        with new_file(target) as unnamed:
            return Recovered(_saved(path, unnamed), target, path)
    damaged = kept or path.with_name(f"{path.stem}-damaged-{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:4]}.db")
    with draft(path) as unnamed:
        saved = _saved(kept or path, unnamed)
        take_place(unnamed, path, damaged)
    return Recovered(saved, path, damaged)


def _saved(damaged: Path, into: Path) -> Salvaged:
    saved = salvage(damaged, into, time.time())
    if not saved.rows:
        raise NoResult("No task could be found in it.", hint="Look into .abathur/backups: a backup can take its place.")
    return saved


@contextmanager
def _opened(place: Place) -> Iterator[Connection]:
    """A connection that reads one snapshot."""
    _refuse_missing(place)
    refuse_to_begin_anew(place.data)
    refuse_network(place.data)
    refuse_links(place.data, locks=False)  # what is none of ours, such as a pipe, would be waited for
    with translated(place.data), reading(place.data) as connect:
        connection = connect()
        try:
            connection.execute("BEGIN")
            _refuse_others(connection, place)
            if version_of(connection) == 0:
                raise DatabaseDamaged(f"{place.data / DATABASE} is empty.")
            yield connection
        finally:
            roll_back(connection)
            connection.close()


def _refuse_others(c: Connection, place: Place) -> None:
    refuse_foreign(c, place.data / DATABASE)
    refuse_newer(version_of(c), known_steps()[-1].version)


def _refuse_missing(place: Place) -> None:
    if not os.path.lexists(place.data / DATABASE) and not os.path.lexists(place.data / f"{DATABASE}-wal"):
        raise ProjectNotFound(f"{place.data} has no queue yet.", hint="Submit something, or run `abathur init`.")


def _lines(found: Iterable[JsonObject]) -> Iterator[str]:
    for record in found:
        yield json.dumps(record, separators=(",", ":")) + "\n"  # ASCII: whatever takes it, no character is lost


def _write(lines: Iterable[str], file: IO[str]) -> int:
    count = 0
    for line in lines:
        file.write(line)
        count += 1
    return count
