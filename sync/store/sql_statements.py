"""Settings of the node and newest statements in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from sync.store.sql_table import SqlTable


class SqlStatementTable(SqlTable):
    """Implements `ports.MetaTable` and `ports.StatementTable`."""

    def meta(self, key: str) -> str | None:
        row = self.connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else row[0]

    def set_meta(self, key: str, value: str) -> None:
        self.connection.execute(
            "INSERT INTO meta (key, value) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )

    def statement(self, kind: str, ref: str) -> bytes | None:
        row = self.connection.execute(
            "SELECT raw FROM statements WHERE kind = ? AND ref = ?", (kind, ref)
        ).fetchone()
        return None if row is None else row[0]

    def put_statement(self, kind: str, ref: str, raw: bytes) -> None:
        self.connection.execute(
            "INSERT INTO statements (kind, ref, raw) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, ref) DO UPDATE SET raw = excluded.raw",
            (kind, ref, raw),
        )

    def drop_statement(self, kind: str, ref: str) -> None:
        self.connection.execute("DELETE FROM statements WHERE kind = ? AND ref = ?", (kind, ref))

    def statements(self, kind: str) -> Sequence[tuple[str, bytes]]:
        """Newest statements of a kind in the order of their refs."""
        rows = self.connection.execute(
            "SELECT ref, raw FROM statements WHERE kind = ? ORDER BY ref", (kind,)
        )
        return [(ref, raw) for ref, raw in rows]
