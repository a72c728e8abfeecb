"""The store port over dicts: fast, for the simulator; held to the same contract suite as SQLite.

Every change notes how to take it back, so that a rolled-back transaction leaves nothing. One lock
serves readers and writers; a read nested in a write sees what is not committed yet, which only
SQLite keeps apart.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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

    def copied(self) -> MemoryStore:
        """Return a store of its own with the same content, as a copied disk would have it."""
        twin = MemoryStore()
        for name, table in vars(self._tables).items():
            setattr(twin._tables, name, _copied(table))
        return twin

    def scrub(self) -> None:
        """What is dropped here is gone."""

    def close(self) -> None:
        """Nothing to close; here so that both stores can be used alike."""


def _copied(table: Any) -> Any:
    """Return a copy of nested containers; what they hold in the end is immutable and shared."""
    if not isinstance(table, dict | list):
        return table
    twin = copy.copy(table)
    if isinstance(table, dict):
        for key, part in table.items():
            if isinstance(part, dict | list):
                twin[key] = _copied(part)
    return twin
