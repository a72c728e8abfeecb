"""The transaction port over one SQLite connection, put together from its table groups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sync.store.sqlite_events import SqliteEventTable
from sync.store.sqlite_links import SqliteLinkTable
from sync.store.sqlite_logs import SqliteLogTable
from sync.store.sqlite_outbox import SqliteOutboxTable
from sync.store.sqlite_registers import SqliteRegisterTable
from sync.store.sqlite_statements import SqliteStatementTable


class SqliteTransaction(
    SqliteLogTable,
    SqliteEventTable,
    SqliteLinkTable,
    SqliteOutboxTable,
    SqliteStatementTable,
    SqliteRegisterTable,
):
    """Implements `sync.protocol.ports.Transaction`; `connection` is open to further tables.

    Driver errors pass through unchanged inside a block and are translated where it is left.
    """

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo this block alone when it raises; savepoints may be nested."""
        self.connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK TO part")
            self.connection.execute("RELEASE part")
            raise
        self.connection.execute("RELEASE part")
