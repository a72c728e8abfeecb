"""Making a new file beside its place: under its own name it is whole or not there at all.

A file becomes a WAL file under a rollback journal, and the journal's removal is not synced. After a
power cut the journal could still be there, and only a writer may look at such a file (found by the
power-loss suite). So nobody ever opens the file in its place before it is whole.
"""

from __future__ import annotations

import os
from pathlib import Path

from sync.protocol.errors import DatabaseCorrupt
from sync.store.connections import open_writer
from sync.store.faults import translated
from sync.store.migrations import Schema, migrate

_BESIDE = ("", "-journal", "-wal", "-shm")


def make_file(path: Path, key: bytes, schema: Schema, *, busy_ms: int) -> None:
    """Make an empty file of `schema` at `path`, where none or an empty one is.

    Durable when: this returns.
    Raises: DatabaseCorrupt (a WAL waits for a file that is gone), DiskFull, StorageError.
    """
    wal = path.with_name(f"{path.name}-wal")
    if wal.exists() and wal.stat().st_size > 0:
        raise DatabaseCorrupt("the file is gone, its WAL is not")
    beside = path.with_name(f"{path.name}.new")
    with translated():
        for ending in _BESIDE:
            beside.with_name(beside.name + ending).unlink(missing_ok=True)
        connection = open_writer(beside, key, busy_ms=busy_ms)
        try:
            migrate(connection, schema)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
        os.replace(beside, path)
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
