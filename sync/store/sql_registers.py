"""Editions of shelves and their entries in SQL, each row compressed by itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from sync.protocol.register_table import Leaving
from sync.protocol.registers import Entry, Shelf
from sync.store import row_packing
from sync.store.row_packing import PLAIN, RowPacking
from sync.store.sql_table import SqlTable

ROWS_AT_ONCE = 256
SAMPLED_ROWS = 600
_SHELF_ROWS = (
    "SELECT e.key, e.dictionary, e.raw FROM editions s JOIN entries e ON e.shelf = s.id"
    " WHERE s.register = ? AND s.division = ? AND s.tier = ?"
)
_IN_ORDER = " ORDER BY e.key LIMIT ?"
TRAINED_ANEW_FACTOR = 4
"""A shelf grown to so many times what its dictionary was trained on gets a new one."""


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

    def replace_shelf(
        self,
        shelf: Shelf,
        edition: int,
        entries: Iterable[Entry],
        leaving: Leaving | None = None,
    ) -> None:
        """Make the shelf hold exactly `entries`; rows that stay the same are not written again."""
        number, dictionary, trained = self._shelf(shelf, edition)
        rows = RowPacking(self.connection)
        stream = iter(entries)
        first = list(islice(stream, SAMPLED_ROWS))
        if dictionary == PLAIN or len(first) > trained * TRAINED_ANEW_FACTOR:
            dictionary = row_packing.train(self.connection, [entry.raw for entry in first])
            trained = len(first)
        self.connection.execute(
            "UPDATE editions SET dictionary = ?, trained = ? WHERE id = ?",
            (dictionary, trained, number),
        )
        before = set(self.shelf_keys(shelf))
        gone = set(before)
        stream = chain(first, stream)
        while batch := list(islice(stream, ROWS_AT_ONCE)):
            gone.difference_update(entry.key for entry in batch)
            if before:
                batch = self._changed(number, rows, batch, leaving)
            self._write(number, rows, dictionary, batch)
        self._drop(number, rows, sorted(gone), leaving)
        row_packing.forget_unused(self.connection)

    def change_shelf(
        self,
        shelf: Shelf,
        edition: int,
        put: Iterable[Entry],
        drop: Sequence[str],
        leaving: Leaving | None = None,
    ) -> None:
        number, dictionary, _ = self._shelf(shelf, edition)
        rows = RowPacking(self.connection)
        self._drop(number, rows, drop, leaving)
        stream = iter(put)
        while batch := list(islice(stream, ROWS_AT_ONCE)):
            self._write(number, rows, dictionary, self._changed(number, rows, batch, leaving))

    def shelf_keys(self, shelf: Shelf) -> Sequence[str]:
        rows = self.connection.execute(
            "SELECT e.key FROM editions s JOIN entries e ON e.shelf = s.id"
            " WHERE s.register = ? AND s.division = ? AND s.tier = ? ORDER BY e.key",
            shelf,
        )
        return [key for (key,) in rows]

    def shelf_entries(self, shelf: Shelf) -> Iterator[Entry]:
        rows = RowPacking(self.connection)
        page = self.connection.execute(_SHELF_ROWS + _IN_ORDER, (*shelf, ROWS_AT_ONCE)).fetchall()
        while page:
            for key, dictionary, stored in page:
                yield Entry(key, rows.unpack(dictionary, stored))
            page = self.connection.execute(
                _SHELF_ROWS + " AND e.key > ?" + _IN_ORDER, (*shelf, page[-1][0], ROWS_AT_ONCE)
            ).fetchall()

    def shelf_entry(self, shelf: Shelf, key: str) -> Entry | None:
        row = self.connection.execute(_SHELF_ROWS + " AND e.key = ?", (*shelf, key)).fetchone()
        return None if row is None else self._entry(*row)

    def entries(self, register: str) -> Sequence[Entry]:
        rows = RowPacking(self.connection)
        found = self.connection.execute(
            "SELECT e.key, e.dictionary, e.raw FROM editions s JOIN entries e ON e.shelf = s.id"
            " WHERE s.register = ? ORDER BY s.division, s.tier, e.key",
            (register,),
        )
        return [Entry(key, rows.unpack(dictionary, raw)) for key, dictionary, raw in found]

    def entry(self, register: str, key: str) -> Entry | None:
        """The entry of that key; of several shelves that have it, the first in shelf order."""
        row = self.connection.execute(
            "SELECT e.key, e.dictionary, e.raw FROM editions s JOIN entries e ON e.shelf = s.id"
            " WHERE s.register = ? AND e.key = ? ORDER BY s.division, s.tier LIMIT 1",
            (register, key),
        ).fetchone()
        return None if row is None else self._entry(*row)

    def _entry(self, key: str, dictionary: int, stored: bytes) -> Entry:
        return Entry(key, RowPacking(self.connection).unpack(dictionary, stored))

    def _shelf(self, shelf: Shelf, edition: int) -> tuple[int, int, int]:
        """Book the edition; return the shelf's number, its dictionary and of how many rows."""
        row = self.connection.execute(
            "INSERT INTO editions (id, register, division, tier, edition, dictionary, trained)"
            " SELECT coalesce(max(id), 0) + 1, ?, ?, ?, ?, 0, 0 FROM editions WHERE true"
            " ON CONFLICT (register, division, tier) DO UPDATE SET edition = excluded.edition"
            " RETURNING id, dictionary, trained",
            (*shelf, edition),
        ).fetchone()
        number, dictionary, trained = row
        return number, dictionary, trained

    def _changed(
        self, number: int, rows: RowPacking, batch: list[Entry], leaving: Leaving | None
    ) -> list[Entry]:
        """Return those of a batch that are new or not as they are held."""
        held = self._rows_held(number, rows, [entry.key for entry in batch])
        changed = [entry for entry in batch if held.get(entry.key) != entry.raw]
        for entry in changed:
            if leaving is not None and entry.key in held:
                leaving(Entry(entry.key, held[entry.key]))
        return changed

    def _rows_held(self, number: int, rows: RowPacking, keys: Sequence[str]) -> dict[str, bytes]:
        found = self.connection.execute(
            "SELECT key, dictionary, raw FROM entries WHERE shelf = ?"
            " AND key IN (SELECT value FROM json_each(?))",
            (number, json.dumps(keys)),
        )
        return {key: rows.unpack(dictionary, raw) for key, dictionary, raw in found}

    def _write(
        self, number: int, rows: RowPacking, dictionary: int, entries: Sequence[Entry]
    ) -> None:
        self.connection.executemany(
            "INSERT INTO entries (shelf, key, dictionary, raw) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (shelf, key) DO UPDATE SET"
            " dictionary = excluded.dictionary, raw = excluded.raw",
            [(number, entry.key, *rows.pack(dictionary, entry.raw)) for entry in entries],
        )

    def _drop(
        self, number: int, rows: RowPacking, keys: Sequence[str], leaving: Leaving | None
    ) -> None:
        for start in range(0, len(keys), ROWS_AT_ONCE):
            some = keys[start : start + ROWS_AT_ONCE]
            if leaving is not None:
                for key, raw in self._rows_held(number, rows, some).items():
                    leaving(Entry(key, raw))
            self.connection.execute(
                "DELETE FROM entries WHERE shelf = ? AND key IN (SELECT value FROM json_each(?))",
                (number, json.dumps(some)),
            )
