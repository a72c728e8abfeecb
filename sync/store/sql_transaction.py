"""The transaction port over one SQL connection, put together from its table groups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sync.store.sql_events import SqlEventTable
from sync.store.sql_links import SqlLinkTable
from sync.store.sql_logs import SqlLogTable
from sync.store.sql_outbox import SqlOutboxTable
from sync.store.sql_registers import SqlRegisterTable
from sync.store.sql_statements import SqlStatementTable


class SqlTransaction(
    SqlLogTable,
    SqlEventTable,
    SqlLinkTable,
    SqlOutboxTable,
    SqlStatementTable,
    SqlRegisterTable,
):
    """Implements `sync.protocol.ports.Transaction`; `connection` is open to further tables.

    Driver errors pass through unchanged inside a block and are translated where it is left.
    """

    def settle(self) -> None:
        """Write what is held back; the block is about to be left. Here nothing ever is."""

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
