"""What makes an empty PostgreSQL database one of ours: the very steps of a file, translated.

Needs no driver, so that the schema can be written out where PostgreSQL is not installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

from sync.store import postgres_sql
from sync.store.migrations import MigrationDatabase, Schema

BOOKS = (
    "CREATE TABLE schema_release (single bigint PRIMARY KEY CHECK (single = 1),"
    " release bigint NOT NULL)",
    "INSERT INTO schema_release (single, release) VALUES (1, 0)",
    "CREATE TABLE schema_steps (migrations text, step text, PRIMARY KEY (migrations, step))",
    postgres_sql.REFUSE_CHANGE,
)


class Translating:
    """What a migration step gets as its database: each statement is run as PostgreSQL's."""

    def __init__(self, run: Callable[[str], object]) -> None:
        self._run = run

    @property
    def conn(self) -> Translating:
        return self

    def execute(self, sql: str, parameters: Iterable[Any] = (), /) -> None:
        assert not tuple(parameters), "a migration binds no values"
        for part in postgres_sql.definition(sql):
            self._run(part)


def definitions(schema: Schema) -> list[str]:
    """Return all statements that make an empty database one of this schema, in order."""
    made: list[str] = [*BOOKS]
    for part in schema.sets:
        for step in part.steps.values():
            step(cast(MigrationDatabase, Translating(made.append)))
    return made
