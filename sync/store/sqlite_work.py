"""A remembering transaction over a file: reads ahead by lists, writes tables by `executemany`."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from sync.protocol.names import EventName, LogName
from sync.store.pending import COLUMNS, KEYS, Pending
from sync.store.remembering import Ahead, RememberingTransaction
from sync.store.sql_events import SELECT
from sync.store.sql_table import insert, upsert

_LISTED = "IN (SELECT value FROM json_each(?))"
_NAMED = (
    f"{SELECT} WHERE station = ? AND epoch = ? AND position {_LISTED} AND standing <> 'recovered'"
)
_OF_STREAMS = f"{SELECT} WHERE stream {_LISTED} ORDER BY arrival"
_AUDIENCES = f"SELECT stream, station FROM audiences WHERE stream {_LISTED}"  # noqa: S608 (our own words)
_ROUTES = f"SELECT stream, link FROM routes WHERE stream {_LISTED}"  # noqa: S608 (our own words)
_STATEMENTS = {
    table: upsert(table, columns, KEYS[table]) if table in KEYS else insert(table, columns)
    for table, columns in COLUMNS.items()
}


class SqliteTransaction(RememberingTransaction):
    """Implements `ports.Transaction` for the one writer of a file."""

    def _send(self, pending: Pending) -> None:
        for table, rows in pending.rows():
            self._connection.executemany(_STATEMENTS[table], rows)

    def _read_ahead(self, names: list[EventName], streams: list[str]) -> Ahead:
        of_logs: dict[LogName, list[int]] = defaultdict(list)
        for name in names:
            of_logs[name.log].append(name.position)
        execute, threads = self._connection.execute, (json.dumps(streams),)
        named: list[Any] = []
        for log, positions in of_logs.items():
            named += execute(_NAMED, (*log, json.dumps(positions)))
        return Ahead(
            named,
            execute(_OF_STREAMS, threads),
            execute(_AUDIENCES, threads),
            execute(_ROUTES, threads),
        )
