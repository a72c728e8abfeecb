"""A few reading connections, each lent for one consistent snapshot.

Never waits for another reader: when all idle connections are out, one more is opened and closed
again afterwards, so that nested reads cannot wait for each other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sync.protocol.errors import DatabaseBusy
from sync.store.sql import Connection, Driver


class Readers:
    """Lends reading connections of one database."""

    def __init__(
        self, open_connection: Callable[[], Connection], driver: Driver, *, idle_max: int
    ) -> None:
        self._open = open_connection
        self._driver = driver
        self._idle_max = idle_max
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def lend(self) -> Iterator[Connection]:
        """Give a connection that sees the database as it is now until the block is left.

        Raises: StorageError.
        """
        connection = self._take()
        try:
            self._driver.begin_read(connection)
            yield connection
        except self._driver.error as error:
            raise self._driver.translate(error) from error
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close idle connections now and lent ones when they come back. Idempotent."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> Connection:
        with self._lock:
            if self._closed:
                raise DatabaseBusy("closing")
            if self._idle:
                return self._idle.pop()
        return self._open()

    def _give_back(self, connection: Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except self._driver.error:
            connection.close()  # not fit to be lent again; the error of the block itself goes on
            return
        with self._lock:
            if not self._closed and len(self._idle) < self._idle_max:
                self._idle.append(connection)
                return
        connection.close()
