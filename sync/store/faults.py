"""SQLite as the store's driver: how it begins and ends, and how its errors become ours.

Only the stable name of the SQLite result goes into `detail`: a driver's message may quote SQL or
values, and personal data must not reach a log (G10).
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sync.protocol.errors import DatabaseBusy, DatabaseCorrupt, DiskFull, StorageError
from sync.store.library import DriverError
from sync.store.sql import Connection

TURNS_PER_COMMIT_MAX = 256
_PRIMARY_MASK = 0xFF
_PRIMARY: dict[int, type[StorageError]] = {
    5: DatabaseBusy,  # SQLITE_BUSY
    6: DatabaseBusy,  # SQLITE_LOCKED
    11: DatabaseCorrupt,  # SQLITE_CORRUPT
    13: DiskFull,  # SQLITE_FULL
    26: DatabaseCorrupt,  # SQLITE_NOTADB
}
_STICKING = frozenset({1, 7, 8, 10, 11, 14, 26})
"""SQLITE_ERROR, NOMEM, READONLY, IOERR, CORRUPT, CANTOPEN, NOTADB."""
_EXTENDED: dict[int, type[StorageError]] = {
    # SQLITE_IOERR_SHMSIZE: the shared-memory file of the WAL could not grow.
    4874: DiskFull,
}


def translate(error: BaseException) -> StorageError:
    """Return the storage error that stands for a driver's error."""
    code = getattr(error, "sqlite_errorcode", 0)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    kind = _EXTENDED.get(code) or _PRIMARY.get(code & _PRIMARY_MASK, StorageError)
    return kind(str(name))


class SqliteDriver:
    """Implements `sql.Driver` for SQLCipher files."""

    error = DriverError
    turns_per_commit_max = TURNS_PER_COMMIT_MAX

    def __init__(self, reopen: Callable[[], Connection]) -> None:
        """Shapes: `reopen` opens one more writing connection."""
        self._reopen = reopen

    def translate(self, error: BaseException) -> StorageError:
        return translate(error)

    def begin_write(self, connection: Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")

    def begin_read(self, connection: Connection) -> None:
        connection.execute("BEGIN")
        # BEGIN alone fixes nothing; the first read fixes the snapshot.
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()

    def commit(self, connection: Connection) -> None:
        connection.execute("COMMIT")

    def renewed(self, connection: Connection, error: Exception) -> Connection:
        """Return a new connection after an error that sticks to the old one.

        SQLCipher refuses everything on a connection that once could not read a page, though the
        next read would do (found by the I/O fault suite).
        """
        if getattr(error, "sqlite_errorcode", 0) & _PRIMARY_MASK not in _STICKING:
            return connection
        try:
            fresh = self._reopen()
        except StorageError:
            return connection  # the next turn fails as this one did, and tries again
        with suppress(DriverError):
            connection.close()
        return fresh

    def finish(self, connection: Connection) -> None:
        """Move the WAL into the file.

        Where there is no room to move it, the WAL stays beside the file and is read at the next
        start: nothing is lost.
        """
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except DriverError as error:
            fault = translate(error)
            if not isinstance(fault, (DiskFull, DatabaseBusy)):
                raise fault from error


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of driver and system leaving the block into storage errors."""
    try:
        yield
    except DriverError as error:
        raise translate(error) from error
    except OSError as error:
        kind = DiskFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else StorageError
        raise kind(errno.errorcode.get(error.errno or 0, type(error).__name__)) from error
