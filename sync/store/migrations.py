"""Bringing a file to the schema of this release, whole or not at all.

A schema is a release number and the migration sets that lead to it. Programs add their own sets
(case projections, logins) to the node's. They import `Migrations` from here, never from
sqlite-utils, which must not be imported before our driver is registered.

The number stands in `PRAGMA user_version`: a file one release newer is opened as it is (migrations
only add), one still newer is refused untouched.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlite_utils import Database as MigrationDatabase
from sqlite_utils.migrations import Migrations

from sync.protocol.errors import SchemaTooNew
from sync.store.faults import translated
from sync.store.library import Connection

__all__ = ["MigrationDatabase", "Migrations", "Schema", "check_release", "migrate"]

RELEASES_AHEAD_MAX = 1


class Schema(NamedTuple):
    """Shape of one file: the release number and the migration sets, applied in this order."""

    release: int
    sets: tuple[Migrations, ...]

    def extended(self, *sets: Migrations, release: int) -> Schema:
        """Return this schema with a program's own sets after it, under the program's number."""
        return Schema(release, (*self.sets, *sets))


def check_release(found: int, schema: Schema) -> None:
    """Refuse a file from too new a program. Raises: SchemaTooNew."""
    if found > schema.release + RELEASES_AHEAD_MAX:
        raise SchemaTooNew(f"schema release {found}, this program knows {schema.release}")


def migrate(connection: Connection, schema: Schema) -> None:
    """Bring the file to `schema` in one transaction; a file that is there already is not written.

    Raises: SchemaTooNew, StorageError; then nothing has changed.
    """
    with translated():
        found = int(connection.execute("PRAGMA user_version").fetchone()[0])
        check_release(found, schema)
        if found > schema.release:
            return
        database = _sqlite_utils(connection)
        if found == schema.release and not any(part.pending(database) for part in schema.sets):
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            for part in schema.sets:
                part.apply(database)
            connection.execute(f"PRAGMA user_version = {int(schema.release)}")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def _sqlite_utils(connection: Connection) -> MigrationDatabase:
    # The stub says sqlite3.Connection; at run time it is our driver's, see `library`.
    return MigrationDatabase(connection, execute_plugins=False)  # type: ignore[arg-type]
