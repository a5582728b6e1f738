"""Whether the database is well: SQLite's own checks, then what must hold among the rows. It only reads, and never raises for what it finds."""

import re
import sqlite3
import stat
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from sqlite3 import Connection

from abathur_tui.domain.data import content_hash
from abathur_tui.storage import collecting, seals, shapes
from abathur_tui.storage.connection import APPLICATION_ID, in_transaction, is_blank, scalar
from abathur_tui.storage.files import DATABASE
from abathur_tui.storage.migrations import known_steps, statements, version_of
from abathur_tui.storage.passes import unfit_passes
from abathur_tui.storage.reading import reading
from abathur_tui.storage.sql import named

_SQL = named("checking") | named("audited") | named("belonging")
"""What must hold among the rows, between them and the audit, and what belongs to what."""

MOST_PROBLEMS = 20
"""Problems of one kind that are told."""
_INVARIANTS = (
    "counts",
    "edge_counts",
    "open_edges",
    "parents",
    "ready_but_waiting",
    "pending_too_early",
    "words",
    "agents",
    "engines",
    "attempts",
    "claims",
    "finished",
    "figures",
    "spent_by_days",
    "json",
    "swarm",
    "specs",
    "roots",
    "said",
    "turns",
    "turns_as_audited",
    "calls_as_audited",
    "passes_as_audited",
    "purges",
    "messages",
    "attempts_as_audited",
    "ends",
    "gone",
    "loops",
    "metrics",
    "agents_belong",
    "lanes_known",
    "requests",
    "changed",
    "submitted",
    "recoveries",
    "ranges",
)


_OF_BOTH = ("spent", "history")
"""Rules of tasks and of agents."""


def rules() -> tuple[str, ...]:
    """The names of the rules that are statements: what must hold among the rows."""
    return (*_INVARIANTS, *_OF_BOTH)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check has found."""

    problems: tuple[str, ...]
    """A sentence each; none where all is well."""

    @property
    def ok(self) -> bool:
        """Whether all is well."""
        return not self.problems


def check_folder(folder: Path) -> Checked:
    """Check the database in the `.abathur` folder, also beside an engine that is at work. `folder` must be there; whatever is wrong is a problem."""
    path = folder / DATABASE
    problem = _not_a_database(path)
    if problem is not None:
        return Checked((problem,))
    try:
        with reading(folder) as connect:
            connection = connect()
            try:
                problems = [*_modes(folder), *check_connection(connection, log_known=not connect.immutable)]
            finally:
                connection.close()
    except (sqlite3.Error, OSError) as error:
        return Checked((f"{path} cannot be opened: {error}.",))
    return Checked(tuple(problems))


def check_connection(c: Connection, *, log_known: bool = True) -> list[str]:
    """The problems of an open database; `log_known` is false of one that need not be in WAL mode, or of which SQLite does not say it."""
    found: list[str] = []
    try:
        in_transaction(c, "BEGIN", lambda: found.extend(_problems(c, log_known=log_known)))
    except (sqlite3.Error, RecursionError) as error:
        found.append(f"It cannot be read: {error}.")
    return found


def damage(c: Connection) -> list[str]:
    """What SQLite's own check finds; an unreadable database is a finding too."""
    try:
        return list(_integrity(c))
    except sqlite3.Error as error:
        return [f"It cannot be read: {error}."]


def _problems(c: Connection, *, log_known: bool) -> Iterator[str]:
    if is_blank(c):
        yield "It is empty; the next command that makes a project here goes on with it."
        return
    if scalar(c, "PRAGMA application_id") != APPLICATION_ID:
        yield "It is a database of another program."
        return
    yield from _tried("SQLite's own check", lambda: _integrity(c))
    yield from _tried("what rows name", lambda: _nameless(c))
    version, known = version_of(c), known_steps()[-1].version
    if version > known:
        yield f"It has version {version}; this Abathur knows versions up to {known}."
        return
    yield from _tried("the settings", lambda: _settings(c, log_known=log_known))
    yield from _tried("the schema", lambda: _schema(c, version))
    if version < known:
        return  # The statements that follow are of today's schema; the file is brought up to it, and checked first, when it is next written.
    facts = _Facts(c)
    for name in _INVARIANTS:
        yield from _tried(f"the rule {name}", partial(_broken, c, _SQL[name], facts))
    for thing, letter, column in (("task", "t", "status"), ("agent", "a", "state")):
        for rule in _OF_BOTH:
            text = _SQL[rule].replace("THING", thing).replace("LETTER", letter).replace("COLUMN", column)
            yield from _tried(f"the rule {rule} of {thing}s", partial(_broken, c, text, facts))
    yield from _tried("the JSON", lambda: shapes.unreadable(c))
    yield from _tried("the letters", lambda: shapes.no_texts(c))
    yield from _tried("who waits for whom", lambda: _circles(c))
    yield from _tried("the ids", lambda: _sequences(c))
    yield from _tried("the texts", lambda: _texts(c))
    yield from _tried("the texts that are needed", lambda: _lost_texts(c, facts))
    yield from _tried("the passes of loops", lambda: (f"pass {number} of t{task} does not fit its checksum." for task, number in unfit_passes(c)))
    yield from _tried("the seals", lambda: _seals(c))


def _tried(what: str, check: Callable[[], Iterator[str]]) -> Iterator[str]:
    """What a check finds, or that it cannot be made: a damaged page must not hide what the other checks can see."""
    try:
        for number, problem in enumerate(check()):
            if number == MOST_PROBLEMS:
                yield f"There is more of this kind in {what}."
                return
            yield problem
    except (sqlite3.Error, ValueError, TypeError, OverflowError) as error:
        yield f"{what[0].upper()}{what[1:]} cannot be checked: {error}."


def _not_a_database(path: Path) -> str | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return f"{path} is gone; `abathur db recover` saves what its log has."
    except OSError as error:
        return f"{path} cannot be looked at: {error.strerror}."
    if not stat.S_ISREG(status.st_mode):
        return f"{path} is not an ordinary file."
    return f"{path} is empty." if status.st_size == 0 else None


def _modes(folder: Path) -> Iterator[str]:
    for path in (folder, folder / DATABASE):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            yield f"{path} is open to other users (mode {mode:o})."


def _integrity(c: Connection) -> Iterator[str]:
    for (finding,) in c.execute(f"PRAGMA integrity_check({MOST_PROBLEMS})"):
        if finding != "ok":
            yield f"SQLite finds: {finding}."


def _nameless(c: Connection) -> Iterator[str]:
    for table, row, target, _ in c.execute("PRAGMA foreign_key_check"):
        yield f"A row of {table} ({row}) names one of {target} that is not there."


def _settings(c: Connection, *, log_known: bool) -> Iterator[str]:
    for name, wanted in (("auto_vacuum", 2), ("encoding", "UTF-8"), *((("journal_mode", "wal"),) if log_known else ())):
        if (got := scalar(c, f"PRAGMA {name}")) != wanted:
            yield f"{name} is {got}; it should be {wanted}."
    if scalar(c, "SELECT count(*) FROM meta WHERE key = 'id'") != 1:
        yield "It does not say which project it is."


def _schema(c: Connection, version: int) -> Iterator[str]:
    """Tables, indexes and laws that are missing or not as they were made, and laws (triggers and unique indexes) that somebody has added."""
    made = _as_made(version)
    wanted, actual = _objects(made), _objects(c)
    for key, text in wanted.items():
        if key not in actual:
            yield f"{' '.join(key)} is missing."
        elif actual[key] != text:
            yield f"{' '.join(key)} is not as it was made."
    for kind, name in sorted(actual.keys() - wanted.keys()):
        if kind == "trigger" or re.match(r"\s*CREATE\s+UNIQUE", actual[kind, name], re.IGNORECASE):
            yield f"{kind} {name} is not Abathur's."
    applied = [(step.version, step.name) for step in known_steps() if step.version <= version]
    if c.execute("SELECT version, name FROM migrations ORDER BY version").fetchall() != applied:
        yield "migrations does not say how the schema came about."
    for table in ("transitions", "agent_transitions"):
        rows = f"SELECT * FROM {table}"
        for before, after in sorted(set(made.execute(rows)) ^ set(c.execute(rows))):
            yield f"{table} does not say of {before} to {after} what it was made with."


def _as_made(version: int) -> Connection:
    empty = sqlite3.connect(":memory:")
    for step in known_steps():
        if step.version <= version:
            for statement in statements(step.text):
                empty.execute(statement)
    return empty


def _objects(c: Connection) -> dict[tuple[str, str], str]:
    rows = c.execute("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
    return {(kind, name): text for kind, name, text in rows}


class _Facts:
    """What rules ask for by name: what has outlived the retention, or was lost with a damaged page, need not be in the audit, nor fit it."""

    def __init__(self, c: Connection) -> None:
        self._c = c

    @cached_property
    def swept(self) -> bool:
        return bool(self._sweep[0])

    @cached_property
    def swept_to(self) -> float:
        return float(self._sweep[1])

    @cached_property
    def recovered(self) -> bool:
        return bool(scalar(self._c, _SQL["recovered"]))

    @cached_property
    def _sweep(self) -> tuple[int, float]:
        swept, until = self._c.execute(_SQL["swept"]).fetchone()
        return swept, until


def _broken(c: Connection, rule: str, facts: _Facts) -> Iterator[str]:
    """A sentence for each place where a rule does not hold."""
    values = {name: getattr(facts, name) for name in ("swept", "swept_to", "recovered") if re.search(f":{name}\\b", rule)}
    for (sentence,) in c.execute(rule, values):
        yield sentence + "."


def _circles(c: Connection) -> Iterator[str]:
    """Tasks that can never begin: those that are left when everybody is taken out, again and again, who waits for nobody.

    Numbers in arrays, in order, so that a million edges take 40 MB.
    """
    waiting, waits = array("q"), array("q")
    for task, edges in c.execute(_SQL["open_edges_by_task"]):
        waiting.append(task)
        waits.append(edges)
    others, tasks, free = array("q"), array("q"), array("q")
    for other, task in c.execute(_SQL["open_edges_by_other"]):
        if (not others or others[-1] != other) and not _has(waiting, other):
            free.append(other)
        others.append(other)
        tasks.append(task)
    while free:
        other = free.pop()
        for place in range(bisect_left(others, other), bisect_right(others, other)):
            at = bisect_left(waiting, tasks[place])
            waits[at] -= 1
            if not waits[at]:
                free.append(waiting[at])
    for at, task in enumerate(waiting):
        if waits[at]:
            yield f"t{task} can never begin: what it waits for goes round in a circle."


def _has(numbers: "array[int]", one: int) -> bool:
    """Whether a number is among others that are in order."""
    at = bisect_left(numbers, one)
    return at < len(numbers) and numbers[at] == one


def _sequences(c: Connection) -> Iterator[str]:
    tables = c.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'").fetchall()
    for (table,) in tables:
        for (problem,) in c.execute(_SQL["sequences"].replace("TABLE", table)):
            yield problem + "."


def _texts(c: Connection) -> Iterator[str]:
    for hash, body in c.execute(_SQL["bodies"]):
        if content_hash(body) != hash:
            yield f"The text with the hash {hash} was changed."


def _lost_texts(c: Connection, facts: _Facts) -> Iterator[str]:
    """Texts that are needed and not there, unless a damaged file has lost some."""
    if not facts.recovered:
        for hash in collecting.lost(c):
            yield f"The text with the hash {hash} is needed, and is not there."


def _seals(c: Connection) -> Iterator[str]:
    found = seals.verify(c)
    if found.problem is not None:
        yield f"The audit does not verify: {found.problem}"
