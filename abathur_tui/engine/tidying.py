"""Taking away what nobody needs any more, in small steps, so that nobody who writes waits long."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from abathur_tui.engine.patient import PatientDatabase
from abathur_tui.storage import Database, collecting, retention
from abathur_tui.storage.vacuum import free_some

_TEXTS_AT_ONCE = 200
_EXECUTIONS_AT_ONCE = 20
_BREATH_SECONDS = 0.005
"""Between steps, so that others have their turn."""


@dataclass(frozen=True, slots=True)
class Collected:
    """Texts that were taken away."""

    texts: int
    bytes: int


async def sweep(database: PatientDatabase, before: float, now: float) -> tuple[int, int]:
    """Take audit groups and lines of the log away that are from before a moment; how many rows of each."""
    rows = lines = 0
    while some := await database.write(retention.sweep_group, before, now):
        rows += some
        await asyncio.sleep(_BREATH_SECONDS)
    while some := await database.write(retention.drop_old_logs, before):
        lines += some
        await asyncio.sleep(_BREATH_SECONDS)
    return rows, lines


async def collect(database: Database | PatientDatabase) -> Collected:
    """Take texts away that nothing needs any more."""
    for some in _parts(await database.read(collecting.unneeded), _TEXTS_AT_ONCE):
        await database.write(collecting.condemn, some)
    marked = await database.read(collecting.condemned)
    if not marked:
        return Collected(0, 0)
    still = set(await database.read(collecting.unneeded))
    await database.write(collecting.spare, [id for id in marked if id not in still])
    freed = 0
    going = [id for id in marked if id in still]
    for some in _parts(going, _TEXTS_AT_ONCE):
        freed += await database.write(collecting.take_away, some)
        await asyncio.sleep(_BREATH_SECONDS)
    return Collected(len(going), freed)


async def purge(database: Database, executions: Sequence[int], actor: str, now: float) -> Collected:
    """Take the content of executions away that have ended, and give its space back."""
    for some in _parts(executions, _EXECUTIONS_AT_ONCE):
        await database.write(retention.purge, some, actor, now)
    collected = await collect(database)
    await give_back(database)
    return collected


async def give_back(database: Database | PatientDatabase) -> None:
    """Give the pages that are free back to the file system."""
    while await database.write(free_some):
        continue  # each step is a transaction of its own: others have their turn in between


def _parts(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
