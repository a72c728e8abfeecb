"""The tables of `blobs.db`: sizes, and pieces that never overlap."""

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
)


@BLOBS()
def m0001_first_tables(database: MigrationDatabase) -> None:
    """Blobs and their pieces."""
    for statement in _FIRST_TABLES:
        database.execute(cleandoc(statement))


BLOBS_SCHEMA = Schema(1, (BLOBS,))
