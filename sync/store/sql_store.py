"""The store port over any database that speaks our SQL.

Tables of other packages (case projections, logins, full text) live in the same database: hand in a
schema extended by their migration sets and use `transaction.connection`, so that they commit
together with the events they come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeVar

from sync.store.sql import Place
from sync.store.sql_transaction import SqlTransaction

T = TypeVar("T")


class SqlStore:
    """Implements `sync.protocol.ports.Store`."""

    def __init__(self, place: Place, *, writes_by: type[SqlTransaction] = SqlTransaction) -> None:
        """Shapes: `writes_by` is the transaction a writer gets."""
        self._place = place
        self._writes_by = writes_by

    @property
    def bytes_held(self) -> int:
        """Return about how many bytes the database has on its disk."""
        return self._place.bytes_held

    @property
    def keeps_commits(self) -> bool:
        """Return whether a commit waits for the disk; a server may be set not to."""
        return self._place.keeps_commits

    @property
    def commits(self) -> int:
        """Return how many commits the writer made; fewer than writes where it grouped them."""
        return self._place.commits

    @property
    def waiting(self) -> int:
        """Return about how many writes wait for their turn."""
        return self._place.waiting

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        """Give a transaction to a block that runs in the caller's thread.

        Durable when: the block has been left normally. An exception rolls back this block alone.
        Raises: DiskFull, DatabaseBusy, DatabaseCorrupt, StorageError.
        """
        with self._place.write() as connection:
            transaction = self._writes_by(connection)
            yield transaction
            transaction.settle()

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        """Give a snapshot of what is durable now; writing through it raises StorageError."""
        with self._place.read() as connection:
            yield SqlTransaction(connection)

    def run(self, function: Callable[[SqlTransaction], T]) -> T:
        """Return what `function` made of one transaction, once it is durable.

        Raises: DiskFull, DatabaseBusy, DatabaseCorrupt, StorageError.
        """
        with self.write() as transaction:
            return function(transaction)

    def scrub(self) -> None:
        """Leave no trace of dropped or overwritten content in the database's own files.

        Rewrites them whole: needs twice their size on the disk and some seconds per 100 MB, while
        writes wait. Raises: DiskFull, DatabaseBusy (tried again later), StorageError.
        """
        self._place.scrub()

    def close(self) -> None:
        """Finish what is queued and close every connection. Idempotent."""
        self._place.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
