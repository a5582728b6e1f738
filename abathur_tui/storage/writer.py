"""The writer: one thread that runs what is waiting as one transaction, of which a refused operation takes back only itself."""

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from abathur_tui.domain.errors import AbathurError, ProjectGone
from abathur_tui.storage.checkpoint import Checkpointer
from abathur_tui.storage.connection import roll_back
from abathur_tui.storage.failures import as_ours
from abathur_tui.storage.files import DATABASE, OpenFiles
from abathur_tui.storage.migrations import refuse_newer, version_of
from abathur_tui.storage.turnstile import Turnstile

MOST_IN_GROUP = 500
"""Operations in one transaction."""
LONGEST_SECONDS = 0.1
"""After this a transaction takes no further operation: other processes wait for their turn."""


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
        """`version` is the schema's, which every transaction checks. Nobody else uses the connection until `close`."""
        self._connection = connection
        self._folder = folder
        self._version = version
        self._files = OpenFiles(folder / DATABASE)
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
        """Run what was queued, then end the thread. The connection stays open, for its owner to close last."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._thread.join()
        self._turnstile.close()
        self._checkpointer.close()

    def _work(self) -> None:
        open_for_more = True
        while open_for_more:
            group, open_for_more = self._next_group()
            if group:
                try:
                    self._run_group(group)
                except Exception as error:
                    # Neither turnstile nor rollback should fail; where they do, nothing of what was not told yet is promised.
                    ours = self._translate(error) if isinstance(error, sqlite3.Error | OSError) else error
                    for job in group:
                        job.error = job.error or ours
                _tell(group)
                self._checkpoint()

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
        jobs = [job for job in group if not job.abandoned]
        while jobs:
            jobs = jobs[self._transaction(jobs) :]

    def _transaction(self, jobs: list[Job]) -> int:
        """Run operations as one transaction; gives how many of them, from the first on, are settled: committed, or refused for good.

        Where one is refused, those before it are run again without it, and it is tried once more in a transaction of its own: so it takes
        only itself back. A savepoint for each would do that too, but makes an operation of many statements take time by the square of their
        number: SQLite's journal for savepoints is read from its beginning for each (10,000 tasks of a chain: 5 s instead of 0.7 s).
        """
        refusal: AbathurError | None = None
        try:
            self._turnstile.enter()
            refusal = self._begin()
            ran, error = (0, refusal) if refusal is not None else self._operate_and_commit(jobs)
        finally:
            roll_back(self._connection)
            self._turnstile.leave()
        if error is None:
            return ran
        if refusal is not None:
            for job in jobs:
                job.error = refusal
            return len(jobs)
        if ran == 0 or len(jobs) == 1:
            jobs[0].error = error
            return 1
        # Where the commit itself failed (the disk is full), a smaller one may go through.
        return self._transaction(jobs[: ran if ran < len(jobs) else len(jobs) // 2])

    def _operate_and_commit(self, jobs: list[Job]) -> tuple[int, BaseException | None]:
        """How many operations went well, from the first on, and what the next one, or the commit, raised; None where those are committed."""
        ran, deadline = 0, time.monotonic() + LONGEST_SECONDS
        while ran < len(jobs) and (ran == 0 or time.monotonic() < deadline):
            error = self._operate(jobs[ran])
            if error is not None:
                return ran, error
            ran += 1
        return ran, self._commit()

    def _begin(self) -> AbathurError | None:
        if (lost := self._files.lost()) is not None:
            self._save_log()
            return ProjectGone(f"{lost} was removed or replaced.")
        try:
            roll_back(self._connection)
            self._connection.execute("BEGIN IMMEDIATE")
            refuse_newer(version_of(self._connection), self._version)
        except (sqlite3.Error, OSError) as error:
            return self._translate(error)
        except AbathurError as error:
            return error
        return None

    def _save_log(self) -> None:
        """Where somebody has removed the log, or its index, move what is in it into the database as long as that can be done."""
        if self._files.only_ours():
            with contextlib.suppress(sqlite3.Error):
                roll_back(self._connection)
                # It takes the write lock itself, and leaves a log with nothing in it.
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _operate(self, job: Job) -> BaseException | None:
        """Run it; gives what it raised, which keeps nothing that was read by halves: that would hold this connection to its moment."""
        error = self._outcome(job)
        if error is not None:
            for one in _with_causes(error):
                traceback.clear_frames(one.__traceback__)
        return error

    def _outcome(self, job: Job) -> BaseException | None:
        try:
            job.value = job.run(self._connection)
        except (sqlite3.Error, OSError) as error:
            return self._translate(error)
        except StopIteration as error:
            # No future takes it (PEP 479): raised where the outcomes are told, it would keep the others from theirs.
            stopped = RuntimeError("an operation raised StopIteration")
            stopped.__cause__ = error
            return stopped
        except BaseException as error:
            # The thread belongs to all: whatever one caller's operation raises is that caller's to see.
            return error
        return None

    def _commit(self) -> AbathurError | None:
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            return self._translate(error)
        return None

    def _translate(self, error: sqlite3.Error | OSError) -> AbathurError:
        ours = as_ours(error, self._folder)
        ours.__cause__ = error
        return ours

    def _checkpoint(self) -> None:
        try:
            if self._files.lost() is None:  # else the log that lies there is another file's
                self._checkpointer.after_commit(self._connection, self._turnstile)
        except Exception:
            # A checkpoint that fails loses nothing: the log stays, and the next commit tries again.
            with contextlib.suppress(sqlite3.Error):
                roll_back(self._connection)


def _with_causes(error: BaseException) -> list[BaseException]:
    """An error and all that led to it."""
    found: list[BaseException] = []
    more: list[BaseException | None] = [error]
    while more:
        one = more.pop()
        if one is not None and one not in found:
            found.append(one)
            more += (one.__cause__, one.__context__)
    return found


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
