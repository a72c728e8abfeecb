"""One SQLCipher file: checked, migrated, one writer, a few readers.

Knows nothing of what its tables mean; `database` and `blobs` put their tables on top.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from sync.protocol.errors import DatabaseBusy, DatabaseCorrupt, StorageError
from sync.store.connections import inspect_file, open_reader, open_writer
from sync.store.faults import SqliteDriver
from sync.store.library import require_library
from sync.store.making import make_file
from sync.store.migrations import Schema, check_release, migrate
from sync.store.readers import Readers
from sync.store.sql import Connection
from sync.store.writer import Writer

BUSY_MS = 5000
READERS_IDLE_MAX = 2


class EncryptedFile:
    """An open file; close it to move its WAL in and to stop its writer thread."""

    def __init__(
        self,
        path: Path,
        key: bytes,
        schema: Schema,
        *,
        must_exist: bool = False,
        quick_check: bool = True,
        busy_ms: int = BUSY_MS,
        readers_idle_max: int = READERS_IDLE_MAX,
    ) -> None:
        """Open or create the file and bring it to `schema`.

        Shapes: `must_exist` refuses to put an empty file in the place of a lost one.
        Raises: LibraryTooOld, DatabaseCorrupt (also for a wrong key), SchemaTooNew, DiskFull,
        DatabaseBusy, StorageError. An existing file is not changed by a refusal.
        """
        require_library()
        self.path = path
        if path.exists() and path.stat().st_size > 0:
            release = inspect_file(path, key, busy_ms=busy_ms, quick_check=quick_check)
            check_release(release, schema)
        elif must_exist:
            raise DatabaseCorrupt("missing or empty")
        else:
            make_file(path, key, schema, busy_ms=busy_ms)
        connection = open_writer(path, key, busy_ms=busy_ms)
        try:
            migrate(connection, schema)
        except StorageError:
            connection.close()
            raise
        driver = SqliteDriver(lambda: open_writer(path, key, busy_ms=busy_ms))
        self._writer = Writer(connection, driver, f"writer {path.name}")
        self._readers = Readers(
            lambda: open_reader(path, key, busy_ms=busy_ms), driver, idle_max=readers_idle_max
        )

    def write(self) -> AbstractContextManager[Connection]:
        """Lend the writing connection for one block, see `writer`."""
        return self._writer.lend()

    def read(self) -> AbstractContextManager[Connection]:
        """Lend a reading connection for one consistent snapshot, see `readers`."""
        return self._readers.lend()

    def scrub(self) -> None:
        """Rewrite the file from what counts, and empty its WAL."""
        self._writer.alone(_scrub)

    @property
    def bytes_held(self) -> int:
        """Return how large the file is, without what is still in its WAL."""
        return self.path.stat().st_size

    @property
    def keeps_commits(self) -> bool:
        """Return True: `open_writer` has every commit wait for the disk."""
        return True

    @property
    def commits(self) -> int:
        """Return how many times the writer committed since the file was opened."""
        return self._writer.commits

    @property
    def waiting(self) -> int:
        """Return about how many writes wait for the writer."""
        return self._writer.waiting

    def close(self) -> None:
        """Finish what is queued and close every connection. Idempotent."""
        self._readers.close()
        self._writer.close()


def _scrub(connection: Connection) -> None:
    """Leave nothing dropped in the file.

    `secure_delete` zeroes what is freed, but when pages are split it leaves copies of live cells
    between them: of 600 erased texts 1 was still found in the pages, after VACUUM none. VACUUM's
    own temporary file is encrypted with the same key (looked at).
    """
    connection.execute("PRAGMA temp_store = FILE")  # the driver's default would hold it in memory
    connection.execute("VACUUM")
    if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        raise DatabaseBusy("a reader still uses the WAL")
