"""What every table group has: the connection it works on."""

from __future__ import annotations

from collections.abc import Sequence

from sync.store.sql import Connection


def select(table: str, columns: Sequence[str]) -> str:
    """Return the statement that reads these columns, to be gone on with WHERE and ORDER BY."""
    return f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608 (our own names)


def insert(table: str, columns: Sequence[str]) -> str:
    """Return the statement that adds a row."""
    values = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})"  # noqa: S608 (our names)


def upsert(table: str, columns: Sequence[str], key: Sequence[str]) -> str:
    """Return the statement that puts a row in the place of the one with the same key, if any."""
    others = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    done = f"UPDATE SET {others}" if others else "NOTHING"
    return f"{insert(table, columns)} ON CONFLICT ({', '.join(key)}) DO {done}"


class SqlTable:
    """Base of the table groups of one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def connection(self) -> Connection:
        """The connection all tables of the transaction work on, other packages' too."""
        return self._connection
