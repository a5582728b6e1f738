"""Checkpoints, so that none ever happens at the same instant as a write: SQLite before 3.51.3 can damage the file then.

A passive one runs on a connection of its own while the writer's connection holds the write lock. Where readers keep the log from starting anew
and it has grown, a restarting one, which takes the write lock itself, behind the turnstile.
"""

import os
from pathlib import Path
from sqlite3 import Connection

from abathur_tui.storage.connection import LOG_BYTES, connect, refuse_unwritable, roll_back
from abathur_tui.storage.files import DATABASE
from abathur_tui.storage.locks import active_engine_process
from abathur_tui.storage.turnstile import Turnstile

RESTART_BYTES = 4 * 1024 * 1024
ANYBODY_BYTES = 4 * RESTART_BYTES
"""Beyond this a writer does it even where an engine should have."""
_RESTART_MILLISECONDS = 200


class Checkpointer:
    """Moves the log into the file when it is due: the engine's work, or that of any writer that finds no engine."""

    def __init__(self, folder: Path) -> None:
        """Opens its connection when it is first needed."""
        self._folder = folder
        self._log = folder / f"{DATABASE}-wal"
        self._connection: Connection | None = None
        self._next_bytes = LOG_BYTES

    def after_commit(self, writer: Connection, turnstile: Turnstile) -> None:
        """Checkpoint if the log has grown enough and it is this process's turn. Raises sqlite3.Error or OSError."""
        size = self._size()
        if size <= LOG_BYTES:
            self._next_bytes = LOG_BYTES
        if size <= self._next_bytes:
            return
        whole = False
        if size >= ANYBODY_BYTES or active_engine_process(self._folder) in (None, os.getpid()):
            whole = self.checkpoint(writer, turnstile, restart=size >= RESTART_BYTES)
        # A log that a reader keeps, or that is the engine's to move, is looked at again when it has grown some more.
        self._next_bytes = LOG_BYTES if whole else size + LOG_BYTES // 4

    def checkpoint(self, writer: Connection, turnstile: Turnstile, *, restart: bool) -> bool:
        """Move the log over now, `writer` being in no transaction; whether all of it was moved. Raises sqlite3.Error."""
        if self._connection is None:
            connection = connect(self._folder / DATABASE)
            try:
                connection.execute(f"PRAGMA busy_timeout = {_RESTART_MILLISECONDS}")
                refuse_unwritable(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        turnstile.enter()
        try:
            if restart:
                answer = self._connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
            else:
                writer.execute("BEGIN IMMEDIATE")
                try:
                    answer = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                finally:
                    roll_back(writer)
        finally:
            turnstile.leave()
        busy, frames, moved = answer
        return not busy and frames == moved

    def close(self) -> None:
        """Close its connection."""
        if self._connection is not None:
            self._connection.close()

    def _size(self) -> int:
        try:
            return self._log.stat().st_size
        except FileNotFoundError:
            return 0
