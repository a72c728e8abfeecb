"""What the store asks of a database: connections that run SQL, and a driver that knows its own.

The tables' SQL is written once, in the words SQLite and PostgreSQL share: `?` for bound values,
`ON CONFLICT (…)` with its target, `RETURNING`. `postgres_sql` translates the little that differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sync.protocol.errors import StorageError

Parameters = Sequence[Any]


class Cursor(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """An open connection in driver-level autocommit: SQL alone begins and commits."""

    @property
    def in_transaction(self) -> bool: ...

    def execute(self, sql: str, parameters: Parameters = ..., /) -> Cursor: ...

    def executemany(self, sql: str, parameters: Iterable[Parameters], /) -> object: ...

    def close(self) -> None: ...


class Driver(Protocol):
    """How one database begins, ends and fails."""

    error: type[Exception]
    """Root of what the driver raises."""
    turns_per_commit_max: int
    """How many writes may share a commit before others, outside this process, have their turn."""

    def translate(self, error: BaseException) -> StorageError:
        """Return the storage error that stands for a driver's error."""

    def begin_write(self, connection: Connection) -> None:
        """Begin a transaction that is the only one that writes. Raises: the driver's error."""

    def begin_read(self, connection: Connection) -> None:
        """Begin a transaction that sees the database as it is now and cannot write."""

    def commit(self, connection: Connection) -> None:
        """Make everything since `begin_write` durable. Raises: the driver's error; nothing is."""

    def renewed(self, connection: Connection, error: Exception) -> Connection:
        """Return the connection to go on with after an error: the same, or a new one."""
        ...

    def finish(self, connection: Connection) -> None:
        """Put things in order before the writing connection is closed. Raises: StorageError."""


class Place(Protocol):
    """An open database with its one writer and its readers: a file, or a server's database."""

    @property
    def bytes_held(self) -> int: ...

    def scrub(self) -> None: ...

    @property
    def keeps_commits(self) -> bool: ...

    @property
    def commits(self) -> int: ...

    @property
    def waiting(self) -> int: ...

    def write(self) -> AbstractContextManager[Connection]: ...

    def read(self) -> AbstractContextManager[Connection]: ...

    def close(self) -> None: ...
