"""Certificates, logs, their holes and doubts in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from sync.protocol.names import EventName, LogName
from sync.protocol.ports import LogState, Refused
from sync.store.sql_table import SqlTable, select, upsert

# The log's name, then the struct's other fields, called alike and in their order.
COLUMNS = ("station", "epoch", *LogState.__struct_fields__[1:])
_SELECT = select("logs", COLUMNS)
_PUT = upsert("logs", COLUMNS, ("station", "epoch"))
_FROZEN = " AND frozen <> ''"
_FIRST_UNSENT = (
    "(SELECT arrival FROM events WHERE events.station = logs.station"
    " AND events.epoch = logs.epoch AND events.position > logs.parent_position"
    " AND events.standing <> 'recovered'"
    " ORDER BY events.position LIMIT 1)"
)


class SqlLogTable(SqlTable):
    """Implements `ports.LogTable`."""

    def certificate(self, log: LogName) -> bytes | None:
        row = self.connection.execute(
            "SELECT raw FROM certificates WHERE station = ? AND epoch = ?", log
        ).fetchone()
        return None if row is None else row[0]

    def put_certificate(self, log: LogName, raw: bytes) -> None:
        self.connection.execute(
            "INSERT INTO certificates (station, epoch, raw) VALUES (?, ?, ?)"
            " ON CONFLICT (station, epoch) DO UPDATE SET raw = excluded.raw",
            (*log, raw),
        )

    def log(self, name: LogName) -> LogState | None:
        row = self.connection.execute(f"{_SELECT} WHERE station = ? AND epoch = ?", name).fetchone()
        return None if row is None else _state(row)

    def put_log(self, state: LogState) -> None:
        self.connection.execute(
            _PUT,
            (*state.name, *msgspec.structs.astuple(state)[1:]),
        )

    def logs(self, *, source: str = "", frozen: bool = False) -> Sequence[LogState]:
        where = f" WHERE source = ?{_FROZEN if frozen else ''}" if source else ""
        rows = self.connection.execute(
            f"{_SELECT}{where} ORDER BY station, epoch", (source,) if source else ()
        )
        return [_state(row) for row in rows]

    def logs_unsent(self) -> Sequence[LogState]:
        # Where nothing unsent is held (holes only), there is no arrival: those logs come last.
        rows = self.connection.execute(
            f"{_SELECT} WHERE position > parent_position"
            f" ORDER BY {_FIRST_UNSENT} NULLS LAST, station, epoch"
        )
        return [_state(row) for row in rows]

    def refuse(self, refused: Refused) -> None:
        self.connection.execute(
            "INSERT INTO refusals (station, epoch, position, reason, hash) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (station, epoch, position)"
            " DO UPDATE SET reason = excluded.reason, hash = excluded.hash",
            (*refused.log, refused.position, refused.reason, refused.hash),
        )

    def refusals(self, log: LogName) -> Sequence[Refused]:
        rows = self.connection.execute(
            "SELECT position, reason, hash FROM refusals WHERE station = ? AND epoch = ?"
            " ORDER BY position",
            log,
        )
        return [Refused(log, position, reason, digest) for position, reason, digest in rows]

    def doubts(self, name: EventName) -> int:
        row = self.connection.execute(
            "SELECT times FROM doubts WHERE station = ? AND epoch = ? AND position = ?", name
        ).fetchone()
        return 0 if row is None else int(row[0])

    def doubt(self, name: EventName) -> None:
        self.connection.execute(
            "INSERT INTO doubts (station, epoch, position, times) VALUES (?, ?, ?, 1)"
            " ON CONFLICT (station, epoch, position) DO UPDATE SET times = doubts.times + 1",
            name,
        )


def _state(row: Any) -> LogState:
    station, epoch, *rest = row
    return LogState(LogName(station, epoch), *rest)
