"""The border at which the driver's errors become ours.

Only the stable name of the SQLite result goes into `detail`: a driver's message may quote SQL or
values, and personal data must not reach a log (G10).
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from sync.protocol.errors import DatabaseBusy, DatabaseCorrupt, DiskFull, StorageError
from sync.store.library import DriverError

_PRIMARY_MASK = 0xFF
_PRIMARY: dict[int, type[StorageError]] = {
    5: DatabaseBusy,  # SQLITE_BUSY
    6: DatabaseBusy,  # SQLITE_LOCKED
    11: DatabaseCorrupt,  # SQLITE_CORRUPT
    13: DiskFull,  # SQLITE_FULL
    26: DatabaseCorrupt,  # SQLITE_NOTADB
}
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
