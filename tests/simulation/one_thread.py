"""The real SQLCipher file without its writer thread: same schema, same SQL, same commits.

The world has one thread, so handing each turn to another and back proved nothing and took half
the time of a real seed. Every fiftieth seed keeps the thread, see `plan`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path

from node.schema import SCHEMA
from sync.store.connections import open_reader, open_writer
from sync.store.database import Database
from sync.store.encrypted_file import BUSY_MS
from sync.store.faults import SqliteDriver
from sync.store.readers import Readers
from sync.store.sql import Connection
from sync.store.sql_store import SqlStore

DATABASE_KEY = bytes(range(32))


def _never() -> Connection:
    raise AssertionError("this place renews no connection")


SQLITE = SqliteDriver(_never)


@lru_cache(maxsize=1)
def empty_file() -> bytes:
    """Return the bytes of a migrated file without rows, made once per process by `Database`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        Database(path, DATABASE_KEY, schema=SCHEMA).close()
        return path.read_bytes()


class OneThreadPlace:
    """Implements `sync.store.sql.Place` over one file, for one thread."""

    waiting = 0

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(empty_file())
        self._path = path
        self._connection = open_writer(path, DATABASE_KEY, busy_ms=BUSY_MS)
        self._readers = Readers(
            lambda: open_reader(path, DATABASE_KEY, busy_ms=BUSY_MS), SQLITE, idle_max=2
        )
        self.commits = 0

    @property
    def bytes_held(self) -> int:
        """Return the size of the file."""
        return self._path.stat().st_size

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Commit on leaving the block, roll back on an exception."""
        try:
            SQLITE.begin_write(self._connection)
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            SQLITE.commit(self._connection)
        except SQLITE.error as error:
            raise SQLITE.translate(error) from error
        self.commits += 1

    def read(self) -> AbstractContextManager[Connection]:
        """Give a snapshot of what is committed."""
        return self._readers.lend()

    def scrub(self) -> None:
        """What lies in the file's gaps is looked at elsewhere."""

    def close(self) -> None:
        """Close every connection."""
        self._readers.close()
        self._connection.close()


class OneThreadDatabase(SqlStore):
    """The store on one file, for one thread."""

    def __init__(self, path: Path) -> None:
        super().__init__(OneThreadPlace(path))
