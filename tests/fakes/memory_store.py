"""The store port over dicts: fast, for the simulator; held to the same contract suite as SQLite.

Every change notes how to take it back, so that a rolled-back transaction leaves nothing. One lock
serves readers and writers; a read nested in a write sees what is not committed yet, which only
SQLite keeps apart.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.fakes.memory_blobs import MemoryBlobStore
from tests.fakes.memory_links import MemoryLinkTable
from tests.fakes.memory_tables import MemoryEventTable, MemoryLogTable, MemoryRegisterTable, Tables

__all__ = ["MemoryBlobStore", "MemoryStore", "MemoryTransaction"]


class MemoryTransaction(MemoryLogTable, MemoryEventTable, MemoryLinkTable, MemoryRegisterTable):
    """Implements `sync.protocol.ports.Transaction`."""

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo this block alone when it raises."""
        mark = self.mark()
        try:
            yield
        except BaseException:
            self.undo_to(mark)
            raise


class MemoryStore:
    """Implements `sync.protocol.ports.Store`."""

    def __init__(self) -> None:
        self._tables = Tables()
        self._lock = threading.RLock()
        self._writing = False
        self.commits = 0

    @contextmanager
    def write(self) -> Iterator[MemoryTransaction]:
        """Give a transaction; an exception leaving the block takes every change back."""
        with self._lock:
            if self._writing:
                raise RuntimeError("a write inside a write of the same thread")
            self._writing = True
            transaction = MemoryTransaction(self._tables, writable=True)
            try:
                yield transaction
            except BaseException:
                transaction.undo_to(0)
                raise
            finally:
                transaction.writable = False
                self._writing = False
            self.commits += 1

    @contextmanager
    def read(self) -> Iterator[MemoryTransaction]:
        """Give a view that refuses to write."""
        with self._lock:
            yield MemoryTransaction(self._tables, writable=False)

    def close(self) -> None:
        """Nothing to close; here so that both stores can be used alike."""
