"""A few connections that read, each made when it is first needed."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from sqlite3 import Connection


class Readers:
    """Lends connections; whoever comes when all are lent waits for the next one that comes back."""

    def __init__(self, connect: Callable[[], Connection], most: int) -> None:
        """`connect` makes one; there are never more than `most`."""
        self._connect = connect
        self._most = most
        self._idle: queue.LifoQueue[Connection | None] = queue.LifoQueue()
        """None: the place of one that was given up."""
        self._all: list[Connection] = []
        self._places = 0
        self._making = threading.Lock()

    @contextmanager
    def lend(self) -> Iterator[Connection]:
        """A connection that nobody else uses meanwhile. Raises sqlite3.Error where it must be made and cannot."""
        connection = self._take()
        try:
            yield connection
        except BaseException:
            # As long as anybody keeps the error, what was read by halves is kept with it, and this connection would see no later moment.
            self._give_up(connection)
            raise
        self._idle.put(connection)

    def close(self) -> None:
        """Close them all; none may be lent any more."""
        with self._making:
            for connection in self._all:
                connection.close()
            self._all.clear()

    def _take(self) -> Connection:
        try:
            found = self._idle.get_nowait()
        except queue.Empty:
            with self._making:
                may_make = self._places < self._most
                self._places += may_make
            found = None if may_make else self._idle.get()
        return self._make() if found is None else found

    def _make(self) -> Connection:
        try:
            connection = self._connect()
        except BaseException:
            self._idle.put(None)
            raise
        with self._making:
            self._all.append(connection)
        return connection

    def _give_up(self, connection: Connection) -> None:
        with self._making:
            self._all.remove(connection)
        connection.close()
        self._idle.put(None)
