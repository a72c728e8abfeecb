"""Outboxes in SQL. Reading never deletes; only `acknowledge` does.

The next sequence follows from the greatest one owed; `sequences` remembers it only beyond an
acknowledgement, so that owing a thing writes to the outbox alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from sync.protocol.ports import OutboxItem
from sync.store.sql_table import SqlTable

_LAST = (
    "(SELECT coalesce(max(given), 0) FROM (SELECT max(sequence) AS given FROM outbox"
    " WHERE link = ? UNION ALL SELECT last FROM sequences WHERE link = ?) AS taken)"
)
_SELECT_LAST = f"SELECT {_LAST}"
_ENQUEUE = (
    f"INSERT INTO outbox (link, sequence, kind, ref) VALUES (?, 1 + {_LAST}, ?, ?)"  # noqa: S608
    " ON CONFLICT (link, kind, ref) DO UPDATE SET sequence = excluded.sequence"
)


class SqlOutboxTable(SqlTable):
    """Implements the outboxes of `ports.LinkTable`."""

    def enqueue(self, link: str, kind: str, ref: str) -> None:
        self.connection.execute(
            _ENQUEUE,
            (link, link, link, kind, ref),
        )

    def outbox(self, link: str, after: int, limit: int) -> Sequence[OutboxItem]:
        """Items of a link in sequence order, from `after` exclusive."""
        rows = self.connection.execute(
            "SELECT sequence, kind, ref FROM outbox WHERE link = ? AND sequence > ?"
            " ORDER BY sequence LIMIT ?",
            (link, after, limit),
        )
        return [OutboxItem(*row) for row in rows]

    def outbox_count(self, link: str) -> int:
        row = self.connection.execute("SELECT count(*) FROM outbox WHERE link = ?", (link,))
        return int(row.fetchone()[0])

    def acknowledge(self, link: str, through: int) -> None:
        self.connection.execute(
            "INSERT INTO sequences (link, last)"
            " SELECT link, max(sequence) FROM outbox WHERE link = ? GROUP BY link"
            " ON CONFLICT (link) DO UPDATE SET last = excluded.last"
            " WHERE excluded.last > sequences.last",
            (link,),
        )
        self.connection.execute(
            "DELETE FROM outbox WHERE link = ? AND sequence <= ?", (link, through)
        )

    def last_sequence(self, link: str) -> int:
        row = self.connection.execute(_SELECT_LAST, (link, link)).fetchone()
        return int(row[0])
