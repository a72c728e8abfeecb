"""The real SQLCipher file without its writer thread: same schema, same SQL, same commits.

The world has one thread, so handing each turn to another and back proved nothing and took half
the time of a real seed. Every fiftieth seed keeps the thread, see `plan`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from node.schema import SCHEMA
from sync.store.connections import open_reader, open_writer
from sync.store.database import Database
from sync.store.encrypted_file import BUSY_MS
from sync.store.faults import translated
from sync.store.readers import Readers
from sync.store.sqlite_transaction import SqliteTransaction

DATABASE_KEY = bytes(range(32))


@lru_cache(maxsize=1)
def empty_file() -> bytes:
    """Return the bytes of a migrated file without rows, made once per process by `Database`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        Database(path, DATABASE_KEY, schema=SCHEMA).close()
        return path.read_bytes()


class OneThreadDatabase:
    """Implements `sync.protocol.ports.Store` over one file, for one thread."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(empty_file())
        self._connection = open_writer(path, DATABASE_KEY, busy_ms=BUSY_MS)
        self._readers = Readers(
            lambda: open_reader(path, DATABASE_KEY, busy_ms=BUSY_MS), idle_max=2
        )
        self.commits = 0

    @contextmanager
    def write(self) -> Iterator[SqliteTransaction]:
        """Commit on leaving the block, roll back on an exception."""
        with translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield SqliteTransaction(self._connection)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        self.commits += 1

    @contextmanager
    def read(self) -> Iterator[SqliteTransaction]:
        """Give a snapshot of what is committed."""
        with self._readers.lend() as connection:
            yield SqliteTransaction(connection)

    def close(self) -> None:
        """Close every connection."""
        self._readers.close()
        self._connection.close()
