"""Bringing a file to the schema of this release, whole or not at all.

A schema is a release number and the migration sets that lead to it. Programs add their own sets
(case projections, logins) to the node's. They import `Migrations` from here, never from
sqlite-utils, which must not be imported before our driver is registered.

The number stands in `PRAGMA user_version`: a file one release newer is opened as it is (migrations
only add), one still newer is refused untouched.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sync.protocol.errors import SchemaTooNew
from sync.store.faults import translated
from sync.store.library import require_library
from sync.store.sql import Connection

if TYPE_CHECKING:
    from sqlite_utils import Database as MigrationDatabase
else:
    MigrationDatabase = Any  # named in annotations only; see `Migrations`

__all__ = ["MigrationDatabase", "Migrations", "Schema", "check_release", "migrate"]

RELEASES_AHEAD_MAX = 1
Step = Callable[["MigrationDatabase"], None]


@dataclass
class Migrations:
    """A named set of steps, run by sqlite-utils' migrations and recorded in its table.

    sqlite-utils itself is loaded only when a step is pending: 3 MiB that a node at rest, on a PC of
    1 GB, can spare.
    """

    name: str
    steps: dict[str, Step] = field(default_factory=dict)

    def __call__(self, *, name: str = "") -> Callable[[Step], Step]:
        """Return the decorator that adds a function as the next step, under its own name or this.

        Raises: ValueError, if the name stands in the set already.
        """

        def add(step: Step) -> Step:
            key = name or step.__name__
            if key in self.steps:
                raise ValueError(f"migration {key} stands twice in set {self.name}")
            self.steps[key] = step
            return step

        return add

    def pending(self, connection: Connection) -> bool:
        """Return whether the file lacks one of the steps."""
        table = "SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'"
        if connection.execute(table).fetchone() is None:
            return bool(self.steps)
        sql = "SELECT name FROM _sqlite_migrations WHERE migration_set = ?"
        applied = {str(row[0]) for row in connection.execute(sql, (self.name,)).fetchall()}
        return not applied.issuperset(self.steps)

    def apply(self, database: MigrationDatabase) -> None:
        """Run what is pending, each step with its record."""
        made: Any = importlib.import_module("sqlite_utils.migrations").Migrations(self.name)
        for name, step in self.steps.items():
            made(name=name)(step)
        made.apply(database)


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
        if found == schema.release and not any(part.pending(connection) for part in schema.sets):
            return
        database = _sqlite_utils(connection)
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
    made = importlib.import_module("sqlite_utils").Database
    require_library()  # it must have taken our driver, see `library`
    database: MigrationDatabase = made(connection, execute_plugins=False)
    return database
