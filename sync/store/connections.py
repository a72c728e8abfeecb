"""Opening one SQLCipher file: key first, then the settings its role needs.

A file is looked at through a read-only connection before anything may write to it, because the
mere closing of a writing connection would already move the WAL into a file that may not be ours.
"""

from __future__ import annotations

from pathlib import Path

from sync.protocol.errors import DatabaseCorrupt, LibraryTooOld
from sync.store.faults import translated
from sync.store.library import dbapi2
from sync.store.sql import Connection

KEY_BYTES = 32
CACHE_KIB_WRITER = 512
CACHE_KIB_READER = 256
WAL_BYTES_KEPT = 8 * 1024 * 1024
"""The WAL file is cut back to this after a checkpoint that reset it."""


def open_writer(path: Path, key: bytes, *, busy_ms: int) -> Connection:
    """Return the connection that writes and checkpoints; creates the file when it is missing.

    Durable when: a COMMIT on it returns (WAL, synchronous=FULL).
    Raises: StorageError.
    """
    if not path.exists():
        path.touch(mode=0o600)
    with translated():
        connection = _open(path, key, mode="rw", busy_ms=busy_ms)
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "recursive_triggers = ON",  # REPLACE must not slip past the append-only triggers
            "secure_delete = ON",
            "mmap_size = 0",
            f"cache_size = -{CACHE_KIB_WRITER}",
            f"journal_size_limit = {WAL_BYTES_KEPT}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection


def open_reader(path: Path, key: bytes, *, busy_ms: int) -> Connection:
    """Return a connection that can only read. Raises: StorageError."""
    with translated():
        connection = _open(path, key, mode="ro", busy_ms=busy_ms)
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA mmap_size = 0")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB_READER}")
        return connection


def inspect_file(path: Path, key: bytes, *, busy_ms: int, quick_check: bool) -> int:
    """Return the schema release of an existing file without changing a byte of it.

    Raises: DatabaseCorrupt (wrong key included), StorageError.
    """
    connection = open_reader(path, key, busy_ms=busy_ms)
    try:
        with translated():
            if quick_check:
                found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
                if found != "ok":
                    raise DatabaseCorrupt("quick_check")
            return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


def _open(path: Path, key: bytes, *, mode: str, busy_ms: int) -> Connection:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a database key has {KEY_BYTES} bytes")
    connection: Connection = dbapi2.connect(
        f"{path.resolve().as_uri()}?mode={mode}",
        timeout=busy_ms / 1000,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )
    # A raw key, so that no passphrase derivation is paid at each opening. It stands first: SQLite
    # must not touch the file before it knows the key.
    connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    # Process-wide; without it SQLCipher writes to stderr what we report as errors.
    connection.execute("PRAGMA cipher_log_level = NONE")
    if connection.execute("PRAGMA cipher_version").fetchone() is None:
        connection.close()
        raise LibraryTooOld("SQLite without encryption")
    return connection
