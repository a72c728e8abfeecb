"""Bringing a PostgreSQL database to the schema of this release, by the very steps of a file.

The release number and the steps done stand in two tables of their own. The rule is that of files:
one release newer is opened as it is, one still newer is refused untouched.
"""

from __future__ import annotations

from typing import cast

from sync.protocol.errors import DatabaseCorrupt, StorageError
from sync.store.migrations import MigrationDatabase, Schema, check_release
from sync.store.postgres import PostgresConnection, PostgresDriver
from sync.store.postgres_definitions import BOOKS, Translating


def migrate(
    connection: PostgresConnection, driver: PostgresDriver, schema: Schema, *, must_exist: bool
) -> None:
    """Bring the database to `schema` in one transaction; one that is there already is not written.

    Raises: DatabaseCorrupt (empty, but must exist), SchemaTooNew, StorageError, psycopg.Error;
    then nothing has changed.
    """
    driver.begin_write(connection)
    try:
        _migrate(connection, schema, must_exist=must_exist)
        driver.commit(connection)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _migrate(connection: PostgresConnection, schema: Schema, *, must_exist: bool) -> None:
    (encoding,) = connection.execute("SHOW server_encoding").fetchone()
    if encoding != "UTF8":
        raise StorageError(f"server_encoding {encoding}")
    if connection.execute("SELECT to_regclass('schema_release')::text").fetchone()[0] is None:
        if must_exist:
            raise DatabaseCorrupt("missing or empty")
        for sql in BOOKS:
            connection.execute(sql)
    found = int(connection.execute("SELECT release FROM schema_release").fetchone()[0])
    check_release(found, schema)
    if found > schema.release:
        return
    done = {tuple(row) for row in connection.execute("SELECT migrations, step FROM schema_steps")}
    database = cast(MigrationDatabase, Translating(connection.execute))
    for part in schema.sets:
        for name, step in part.steps.items():
            if (part.name, name) not in done:
                step(database)
                connection.execute(
                    "INSERT INTO schema_steps (migrations, step) VALUES (?, ?)", (part.name, name)
                )
    if found < schema.release:
        connection.execute("UPDATE schema_release SET release = ?", (schema.release,))
