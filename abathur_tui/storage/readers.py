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
        self._idle: queue.LifoQueue[Connection] = queue.LifoQueue()
        self._all: list[Connection] = []
        self._making = threading.Lock()

    @contextmanager
    def lend(self) -> Iterator[Connection]:
        """A connection that nobody else uses meanwhile. Raises sqlite3.Error where it must be made and cannot."""
        connection = self._take()
        try:
            yield connection
        finally:
            self._idle.put(connection)

    def close(self) -> None:
        """Close them all; none may be lent any more."""
        with self._making:
            for connection in self._all:
                connection.close()
            self._all.clear()

    def _take(self) -> Connection:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            pass
        with self._making:
            if len(self._all) < self._most:
                connection = self._connect()
                self._all.append(connection)
                return connection
        return self._idle.get()
