"""Editions of shelves and their entries in SQL."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sync.protocol.registers import Entry, Shelf
from sync.store.sql_table import SqlTable


class SqlRegisterTable(SqlTable):
    """Implements `ports.RegisterTable`."""

    def edition(self, shelf: Shelf) -> int:
        row = self.connection.execute(
            "SELECT edition FROM editions WHERE register = ? AND division = ? AND tier = ?", shelf
        ).fetchone()
        return 0 if row is None else int(row[0])

    def editions(self) -> dict[str, int]:
        rows = self.connection.execute(
            "SELECT register, division, tier, edition FROM editions"
            " ORDER BY register, division, tier"
        )
        return {str(Shelf(*name)): edition for *name, edition in rows}

    def replace_shelf(self, shelf: Shelf, edition: int, entries: Sequence[Entry]) -> None:
        """Make the shelf hold exactly `entries`; rows that stay the same are not written again."""
        self.connection.execute(
            "INSERT INTO editions (register, division, tier, edition) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (register, division, tier) DO UPDATE SET edition = excluded.edition",
            (*shelf, edition),
        )
        self.connection.execute(
            "DELETE FROM entries WHERE register = ? AND division = ? AND tier = ?"
            " AND key NOT IN (SELECT value FROM json_each(?))",
            (*shelf, json.dumps([entry.key for entry in entries])),
        )
        self.connection.executemany(
            "INSERT INTO entries (register, division, tier, key, raw) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (register, division, tier, key) DO UPDATE SET raw = excluded.raw"
            " WHERE entries.raw <> excluded.raw",
            ((*shelf, entry.key, entry.raw) for entry in entries),
        )

    def entries(self, register: str) -> Sequence[Entry]:
        rows = self.connection.execute(
            "SELECT key, raw FROM entries WHERE register = ? ORDER BY division, tier, key",
            (register,),
        )
        return [Entry(*row) for row in rows]

    def entry(self, register: str, key: str) -> Entry | None:
        """The entry of that key; of several shelves that have it, the first in shelf order."""
        row = self.connection.execute(
            "SELECT key, raw FROM entries WHERE register = ? AND key = ?"
            " ORDER BY division, tier LIMIT 1",
            (register, key),
        ).fetchone()
        return None if row is None else Entry(*row)
