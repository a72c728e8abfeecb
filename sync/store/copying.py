"""A consistent copy of a database file that is in use, and the proof that a copy is whole."""

from __future__ import annotations

from pathlib import Path

from sync.protocol.errors import DatabaseCorrupt
from sync.store.connections import open_reader
from sync.store.encrypted_file import BUSY_MS
from sync.store.faults import translated


def copy_file(path: Path, key: bytes, to: Path) -> None:
    """Write a copy of a file as of now to a new one, encrypted with the same key.

    The file may be written meanwhile; the copy is one snapshot, without a WAL beside it.
    Raises: DiskFull, DatabaseCorrupt, StorageError.
    """
    connection = open_reader(path, key, busy_ms=BUSY_MS)
    try:
        with translated():
            # Nothing is written to the file itself; the setting would forbid the new one too.
            connection.execute("PRAGMA query_only = OFF")
            connection.execute("VACUUM INTO ?", (str(to),))
        to.chmod(0o600)
    finally:
        connection.close()


def check_file(path: Path, key: bytes) -> None:
    """Read a whole file and pass if every page, index and row of it is sound.

    Raises: DatabaseCorrupt (also for a wrong key), StorageError.
    """
    connection = open_reader(path, key, busy_ms=BUSY_MS)
    try:
        with translated():
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise DatabaseCorrupt("integrity_check")
    finally:
        connection.close()
