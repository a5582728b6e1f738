"""The writer: one thread that runs what is waiting as one transaction, with a savepoint for each operation."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from abathur_tui.domain.errors import AbathurError, DatabaseBusy, ProjectGone
from abathur_tui.storage.checkpoint import Checkpointer
from abathur_tui.storage.connection import roll_back
from abathur_tui.storage.failures import as_ours
from abathur_tui.storage.files import DATABASE, identity
from abathur_tui.storage.migrations import refuse_newer, version_of
from abathur_tui.storage.turnstile import Turnstile, holder

MOST_IN_GROUP = 500
"""Operations in one transaction: bounds how long other processes wait."""


@dataclass(slots=True)
class Job:
    """An operation that waits for the writer, and where its outcome goes."""

    run: Callable[[Connection], Any]
    future: "Future[Any] | asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop | None = None
    """The event loop of an asyncio future; None for a blocking one."""
    value: Any = None
    error: BaseException | None = None
    abandoned: bool = field(default=False)
    """Whoever wanted it has gone before it ran."""


class Writer:
    """Owns the one connection that writes. It survives whatever an operation or the disk does, and goes on."""

    def __init__(self, connection: Connection, folder: Path, version: int) -> None:
        """`version` is the schema's, which every transaction checks. Takes over the connection."""
        self._connection = connection
        self._folder = folder
        self._version = version
        self._identity = identity(folder / DATABASE)
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._turnstile = Turnstile(folder)
        self._checkpointer = Checkpointer(folder)
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="abathur-writer", daemon=True)
        self._thread.start()

    def put(self, job: Job) -> None:
        """Queue an operation. Raises RuntimeError after `close`."""
        with self._closing:
            if self._closed:
                raise RuntimeError("the database is closed")
            self._jobs.put(job)

    def close(self) -> None:
        """Run what was queued, then end the thread and close its connections."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        open_for_more = True
        while open_for_more:
            group, open_for_more = self._next_group()
            if group:
                self._run_group(group)
                _tell(group)
                self._checkpoint()
        self._turnstile.close()
        self._checkpointer.close()
        self._connection.close()

    def _next_group(self) -> tuple[list[Job], bool]:
        first = self._jobs.get()
        if first is None:
            return [], False
        group = [first]
        while len(group) < MOST_IN_GROUP:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return group, False
            group.append(job)
        return group, True

    def _run_group(self, group: list[Job]) -> None:
        """Run a group as one transaction; where that fails as a whole, each operation in one of its own."""
        jobs = [job for job in group if not job.abandoned]
        failure = self._transaction(jobs)
        if failure is None:
            return
        if len(jobs) == 1:
            jobs[0].error = failure
            return
        for job in jobs:
            job.value = job.error = None
            alone = self._transaction([job])
            if alone is not None:
                job.error = alone

    def _transaction(self, jobs: Sequence[Job]) -> BaseException | None:
        """What undid the whole transaction; None where it is committed (single operations may have failed in it all the same)."""
        try:
            self._turnstile.enter()
            try:
                self._begin()
                for job in jobs:
                    self._operate(job)
                self._connection.execute("COMMIT")
            finally:
                roll_back(self._connection)
                self._turnstile.leave()
        except (sqlite3.Error, OSError) as error:
            return self._translate(error)
        except AbathurError as error:
            return error
        return None

    def _begin(self) -> None:
        if identity(self._folder / DATABASE) != self._identity:
            raise ProjectGone(f"{self._folder / DATABASE} was removed or replaced.")
        self._connection.execute("BEGIN IMMEDIATE")
        refuse_newer(version_of(self._connection), self._version)

    def _operate(self, job: Job) -> None:
        """Run one operation; what it raises takes back only itself, unless SQLite has given up the whole transaction."""
        connection = self._connection
        connection.execute("SAVEPOINT operation")
        try:
            job.value = job.run(connection)
        except sqlite3.Error as error:
            if not connection.in_transaction:
                raise
            connection.execute("ROLLBACK TO operation")
            job.error = self._translate(error)
        except BaseException as error:
            # The thread belongs to all: whatever one caller's operation raises is that caller's to see.
            if not connection.in_transaction:
                raise sqlite3.OperationalError("the transaction ended inside an operation") from error
            connection.execute("ROLLBACK TO operation")
            job.error = error
        connection.execute("RELEASE operation")

    def _translate(self, error: sqlite3.Error | OSError) -> AbathurError:
        ours = as_ours(error, self._folder)
        ours.__cause__ = error
        if isinstance(ours, DatabaseBusy) and (process := holder(self._folder)) is not None:
            ours = DatabaseBusy(f"{ours.message} The last Abathur to write was process {process}.")
            ours.__cause__ = error
        return ours

    def _checkpoint(self) -> None:
        try:
            self._checkpointer.after_commit(self._connection, self._turnstile)
        except (sqlite3.Error, OSError):
            # A checkpoint that fails loses nothing: the log stays, and the next commit tries again.
            roll_back(self._connection)


def _tell(group: list[Job]) -> None:
    """Give each operation's outcome to whoever waits, with one wake-up per event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in group:
        if job.loop is not None:
            by_loop.setdefault(job.loop, []).append(job)
        elif isinstance(job.future, Future) and job.future.set_running_or_notify_cancel():
            _settle(job)
    for loop, jobs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle_all, jobs)
        except RuntimeError:
            # The loop was closed in the meantime: nobody waits any more.
            continue


def _settle_all(jobs: list[Job]) -> None:
    for job in jobs:
        if not job.future.done():
            _settle(job)


def _settle(job: Job) -> None:
    if job.error is not None:
        job.future.set_exception(job.error)
    else:
        job.future.set_result(job.value)
