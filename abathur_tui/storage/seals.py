"""Seals over the audit: a chain of hashes over groups of its rows, so that what was changed, taken out or put in shows.

A seal's hash is SHA-256 over the line `previous,first,last,moment` and the group's rows as `queries/seals.sql` writes them out. It holds against
accidents and against whoever changes rows without making all later seals anew; keep the last hash elsewhere to notice that too.
The chain begins with an empty `previous`, or where retention has taken the oldest seals away with a swept one.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from sqlite3 import Connection

from abathur_tui.storage.sql import named

_SQL = named("seals")

MOST_ROWS = 2000
"""Rows of a group."""
_BEFORE_ALL = -(2**63)


@dataclass(frozen=True, slots=True)
class Seal:
    """A hash over the audit rows `first` to `last`."""

    first: int
    last: int
    previous: str
    """The hash of the seal before; empty for the first one."""
    sha256: str
    sealed_at: float
    swept_at: float | None = None
    """When its rows were taken away, because they had outlived the retention."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a look through all seals found."""

    problem: str | None
    """What is wrong with the first group that is not as it was sealed; None where all are."""
    seals: int
    """Groups that are as they were sealed, up to the first that is not."""
    rows: int
    """Rows in them."""
    swept: int
    """Groups whose rows have outlived the retention."""
    unsealed: int
    """Rows after the last seal."""
    head: str
    """The last good seal's hash."""

    @property
    def ok(self) -> bool:
        """Whether nothing was changed."""
        return self.problem is None


def next_seal(c: Connection, now: float, least: int = 1) -> Seal | None:
    """The seal of the oldest rows that have none; None where fewer than `least` wait for theirs. It only reads: `add_seal` keeps it."""
    after, previous = c.execute(_SQL["newest"]).fetchone() or (0, "")
    if least > 1 and c.execute(_SQL["last_id"]).fetchone()[0] - after < least:
        return None
    (last,) = c.execute(_SQL["end_of_group"], {"after": after, "most": MOST_ROWS}).fetchone()
    if last is None:
        return None
    rows, first, digest = _digest(c, previous, after + 1, last, now)
    return Seal(first, last, previous, digest, now) if rows else None


def add_seal(c: Connection, seal: Seal) -> None:
    """Keep a seal, unless somebody else has sealed its rows meanwhile."""
    (last, _) = c.execute(_SQL["newest"]).fetchone() or (0, "")
    if last < seal.first:
        c.execute(_SQL["add"], (seal.first, seal.last, seal.previous, seal.sha256, seal.sealed_at))


def seal_some(c: Connection, now: float) -> None:
    """Seal the oldest rows that have no seal yet: a group of them."""
    if (seal := next_seal(c, now)) is not None:
        add_seal(c, seal)


def all_seals(c: Connection) -> Iterator[Seal]:
    """All seals, the oldest first."""
    after = -1
    while page := c.execute(_SQL["some"], {"after": after}).fetchall():
        yield from (Seal(*row) for row in page)
        after = page[-1][0]


def verify(c: Connection, known: str | None = None) -> Verified:
    """Look through the audit up to the first group that is not as it was sealed; `known`: the hash that was the last one at some earlier time."""
    before: Seal | None = None
    seals = rows = swept = 0
    is_known = known is None
    for seal in all_seals(c):
        is_known = is_known or seal.sha256 == known
        problem, count = _compare(c, before, seal)
        if problem is not None:
            return Verified(problem, seals, rows, swept, 0, before.sha256 if before else "")
        before, seals, rows, swept = seal, seals + 1, rows + count, swept + (seal.swept_at is not None)
    end = before.last if before else 0
    (unsealed,) = c.execute(_SQL["unsealed"], {"after": end}).fetchone()
    (last,) = c.execute(_SQL["last_id"]).fetchone()
    missing = last - end - unsealed
    problem = None if not missing else f"{missing} of the rows after {end}, which have no seal yet, are missing."
    if last < end:
        problem = f"rows up to {end} were sealed, and the audit's last one is {last}."
    elif stray := c.execute(_SQL["between"], {"after": _BEFORE_ALL, "before": 1}).fetchone():
        problem = f"row {stray[0]} is in no group: it was put in."
    elif untold := c.execute(_SQL["untold"]).fetchone():
        problem = f"rows {untold[0]} to {untold[1]} are marked as swept, and no retention has taken them away."
    elif problem is None and not is_known:
        problem = (
            f"none of its seals is {known}. They were made anew since then, as `abathur db recover` does too, or that one has outlived the retention."
        )
    return Verified(problem, seals, rows, swept, unsealed, before.sha256 if before else "")


def _compare(c: Connection, before: Seal | None, seal: Seal) -> tuple[str | None, int]:
    """What is wrong with a seal and its group, and how many rows it has."""
    begins = before is None and (not seal.previous or seal.swept_at is not None)
    end, previous = (before.last, before.sha256) if before else (0, "")
    if seal.first <= end or (seal.previous != previous and not begins):
        return f"the seal of rows {seal.first} to {seal.last} does not follow the one before it: a seal was changed or is missing.", 0
    stray = c.execute(_SQL["between"], {"after": end, "before": seal.first}).fetchone()
    if stray is not None:
        return f"row {stray[0]} is in no group, and later rows are: it was put in, or a seal is missing.", 0
    count, _, digest = _digest(c, seal.previous, seal.first, seal.last, seal.sealed_at)
    if seal.swept_at is not None:
        return (f"rows {seal.first} to {seal.last} are marked as swept, and {count} of them are there." if count else None), 0
    if digest == seal.sha256:
        return None, count
    missing = seal.last - seal.first + 1 - count
    what = f"{missing} of them are missing" if missing else "a row, or the seal, was changed"
    return f"rows {seal.first} to {seal.last} are not as they were sealed: {what}.", count


def _digest(c: Connection, previous: str, first: int, last: int, now: float) -> tuple[int, int, str]:
    """How many rows there are, the first of them, and the hash over them."""
    rows, found, text = c.execute(_SQL["bytes_of_group"], {"first": first, "last": last}).fetchone()
    head = f"{previous},{found},{last},{int(now * 1_000_000)}\n"
    return rows, found, hashlib.sha256((head + text).encode("utf-8", "surrogatepass")).hexdigest()
