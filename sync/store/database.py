"""`node.db`: the store port on an encrypted SQLite file.

Tables of other packages (case projections, logins, full text) live in the same file: hand in a
schema extended by their migration sets and use `transaction.connection`, so that they commit
together with the events they come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from sync.store.encrypted_file import BUSY_MS, READERS_IDLE_MAX, EncryptedFile
from sync.store.migrations import Schema
from sync.store.schema_node import NODE_SCHEMA
from sync.store.sqlite_transaction import SqliteTransaction

T = TypeVar("T")


class Database:
    """Implements `sync.protocol.ports.Store`."""

    def __init__(
        self,
        path: Path,
        key: bytes,
        *,
        schema: Schema = NODE_SCHEMA,
        must_exist: bool = False,
        quick_check: bool = True,
        busy_ms: int = BUSY_MS,
        readers_idle_max: int = READERS_IDLE_MAX,
    ) -> None:
        """Open or create the file; parameters and errors are those of `EncryptedFile`."""
        self._file = EncryptedFile(
            path,
            key,
            schema,
            must_exist=must_exist,
            quick_check=quick_check,
            busy_ms=busy_ms,
            readers_idle_max=readers_idle_max,
        )

    @property
    def path(self) -> Path:
        return self._file.path

    @property
    def commits(self) -> int:
        """Return how many commits the writer made; fewer than writes where it grouped them."""
        return self._file.commits

    @property
    def waiting(self) -> int:
        """Return about how many writes wait for their turn."""
        return self._file.waiting

    @contextmanager
    def write(self) -> Iterator[SqliteTransaction]:
        """Give a transaction to a block that runs in the caller's thread.

        Durable when: the block has been left normally. An exception rolls back this block alone.
        Raises: DiskFull, DatabaseBusy, DatabaseCorrupt, StorageError.
        """
        with self._file.write() as connection:
            yield SqliteTransaction(connection)

    @contextmanager
    def read(self) -> Iterator[SqliteTransaction]:
        """Give a snapshot of what is durable now; writing through it raises StorageError."""
        with self._file.read() as connection:
            yield SqliteTransaction(connection)

    def run(self, function: Callable[[SqliteTransaction], T]) -> T:
        """Return what `function` made of one transaction, once it is durable.

        Raises: DiskFull, DatabaseBusy, DatabaseCorrupt, StorageError.
        """
        with self.write() as transaction:
            return function(transaction)

    def close(self) -> None:
        """Finish what is queued, move the WAL into the file, close. Idempotent."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
