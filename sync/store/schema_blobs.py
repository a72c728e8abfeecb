"""The tables of `blobs.db`: sizes, pieces that never overlap, and what names which file."""

from __future__ import annotations

from inspect import cleandoc

from sync.store.migrations import MigrationDatabase, Migrations, Schema

BLOBS = Migrations("blobs")

_FIRST_TABLES = (
    """
    CREATE TABLE blobs (
        id INTEGER NOT NULL PRIMARY KEY,
        sha256 TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64),
        size INTEGER NOT NULL CHECK (size >= 0),
        held INTEGER NOT NULL CHECK (held BETWEEN 0 AND size),
        complete INTEGER NOT NULL CHECK (complete IN (0, 1))
    ) STRICT
    """,
    """
    CREATE TABLE pieces (
        blob INTEGER NOT NULL REFERENCES blobs (id),
        start INTEGER NOT NULL CHECK (start >= 0),
        stop INTEGER NOT NULL CHECK (stop > start),
        data BLOB NOT NULL CHECK (length(data) = stop - start),
        PRIMARY KEY (blob, start, stop)
    ) STRICT
    """,
    """
    CREATE TABLE set_aside (
        id INTEGER NOT NULL PRIMARY KEY,
        sha256 TEXT NOT NULL,
        reason TEXT NOT NULL,
        data BLOB NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE notes (
        key TEXT NOT NULL PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE named (
        sha256 TEXT NOT NULL,
        event TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        size INTEGER NOT NULL,
        stream TEXT NOT NULL,
        source TEXT NOT NULL,
        PRIMARY KEY (sha256, event)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX named_by_stream ON named (stream)",
    "CREATE INDEX named_by_event ON named (event, sha256, size)",
    """
    CREATE TABLE file_chunks (
        file TEXT NOT NULL,
        place INTEGER NOT NULL,
        chunk TEXT NOT NULL,
        size INTEGER NOT NULL,
        PRIMARY KEY (file, place)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX file_chunks_by_chunk ON file_chunks (chunk)",
    """
    CREATE TABLE wishes (
        id INTEGER NOT NULL PRIMARY KEY,
        sha256 TEXT NOT NULL UNIQUE
    ) STRICT
    """,
    """
    CREATE TABLE owed (
        sha256 TEXT NOT NULL PRIMARY KEY,
        size INTEGER NOT NULL,
        turn INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX owed_by_size ON owed (turn, size, sha256)",
    """
    CREATE TABLE loose_packs (
        sha256 TEXT NOT NULL PRIMARY KEY,
        since_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)


@BLOBS()
def m0001_first_tables(database: MigrationDatabase) -> None:
    """Blobs and their pieces, those set aside, and the book of files."""
    for statement in _FIRST_TABLES:
        database.execute(cleandoc(statement))


BLOBS_SCHEMA = Schema(1, (BLOBS,))
