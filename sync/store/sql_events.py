"""Events, streams and audiences in SQL.

Arrival numbers are given one above the greatest held, by one writer at a time, and are the primary
key: events are never deleted, so they count up without gaps in the order of commits and are at once
the number of events held. A reader that goes by arrival can skip nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from sync.protocol.envelope import Event
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import GOOD, StoredEvent
from sync.store.sql_table import SqlTable, select

_READ = (
    *("station", "epoch", "position", "hlc", "stream", "type", "actor", "audience"),
    *("envelope", "signature", "salt", "body"),
    *("received_ms", "source", "standing", "reason", "arrival", "chain"),
)
SELECT = select("events", _READ)
COLUMNS = ("arrival", *(name for name in _READ if name != "arrival"))
"""Columns in the order of `row_of`."""
_INSERT = (
    f"INSERT INTO events ({', '.join(COLUMNS)})"  # noqa: S608 (our own names)
    " VALUES ((SELECT coalesce(max(arrival), 0) + 1 FROM events),"
    f" {', '.join('?' * (len(COLUMNS) - 1))})"
    " ON CONFLICT (station, epoch, position) WHERE standing <> 'recovered'"
    " DO NOTHING RETURNING arrival"
)


class SqlEventTable(SqlTable):
    """Implements `ports.EventTable`."""

    def event(self, name: EventName) -> StoredEvent | None:
        row = self.connection.execute(
            f"{SELECT} WHERE station = ? AND epoch = ? AND position = ?"
            " AND standing <> 'recovered'",
            name,
        ).fetchone()
        return None if row is None else stored_of(row)

    def recovered(self, name: EventName) -> Sequence[StoredEvent]:
        return self._events(
            "WHERE station = ? AND epoch = ? AND position = ? AND standing = 'recovered'"
            " ORDER BY arrival",
            name,
        )

    def put_event(self, stored: StoredEvent) -> StoredEvent:
        given = self.connection.execute(_INSERT, row_of(stored)[1:]).fetchone()
        if given is None:
            raise ValueError(f"{stored.name} is held already")
        return msgspec.structs.replace(stored, arrival=given[0])

    def foresee(self, names: Iterable[EventName], streams: Iterable[str]) -> None:
        """Nothing is gained by reading ahead where reading costs no way."""

    def set_standing(self, name: EventName, standing: str, reason: str) -> None:
        changed = self.connection.execute(
            "UPDATE events SET standing = ?, reason = ?"
            " WHERE station = ? AND epoch = ? AND position = ? AND standing <> 'recovered'",
            (standing, reason, *name),
        ).rowcount
        if changed != 1:
            raise LookupError(f"{name} is not held")

    def drop_body(self, name: EventName) -> int:
        row = self.connection.execute(
            "SELECT length(salt) + coalesce(length(body), 0) FROM events"
            " WHERE station = ? AND epoch = ? AND position = ? AND standing <> 'recovered'",
            name,
        ).fetchone()
        if row is None:
            raise LookupError(f"{name} is not held")
        self.restore_body(name, b"", None)
        return int(row[0])

    def drop_recovered_bodies(self, name: EventName) -> int:
        return self.connection.execute(
            "UPDATE events SET salt = ?, body = NULL"
            " WHERE station = ? AND epoch = ? AND position = ?"
            " AND standing = 'recovered' AND body IS NOT NULL",
            (b"", *name),
        ).rowcount

    def restore_body(self, name: EventName, salt: bytes, body: bytes | None) -> None:
        changed = self.connection.execute(
            "UPDATE events SET salt = ?, body = ?"
            " WHERE station = ? AND epoch = ? AND position = ? AND standing <> 'recovered'",
            (salt, body, *name),
        ).rowcount
        if changed != 1:
            raise LookupError(f"{name} is not held")

    def log_events(self, log: LogName, after: int, limit: int) -> Sequence[StoredEvent]:
        return self._events(
            "WHERE station = ? AND epoch = ? AND position > ? AND standing <> 'recovered'"
            " ORDER BY position LIMIT ?",
            (*log, after, limit),
        )

    def stream_events(self, stream: str) -> Sequence[StoredEvent]:
        return self._events("WHERE stream = ? ORDER BY arrival", (stream,))

    def events_after(self, arrival: int, limit: int) -> Sequence[StoredEvent]:
        return self._events("WHERE arrival > ? ORDER BY arrival LIMIT ?", (arrival, limit))

    def events_standing(self, standing: str, limit: int) -> Sequence[StoredEvent]:
        """Events of one standing in arrival order."""
        if standing == GOOD:
            return self._events("WHERE standing = 'good' ORDER BY arrival LIMIT ?", (limit,))
        # The second condition lets SQLite use the partial index.
        return self._events(
            "WHERE standing = ? AND standing <> 'good' ORDER BY arrival LIMIT ?", (standing, limit)
        )

    def event_count(self) -> int:
        row = self.connection.execute("SELECT coalesce(max(arrival), 0) FROM events").fetchone()
        return int(row[0])

    def epochs(self, station: str) -> Sequence[int]:
        rows = self.connection.execute(
            "SELECT DISTINCT epoch FROM events WHERE station = ? AND standing <> 'recovered'"
            " ORDER BY epoch",
            (station,),
        )
        return [epoch for (epoch,) in rows]

    def audience(self, stream: str) -> frozenset[str]:
        rows = self.connection.execute("SELECT station FROM audiences WHERE stream = ?", (stream,))
        return frozenset(station for (station,) in rows)

    def add_audience(self, stream: str, stations: Iterable[str]) -> None:
        self.connection.executemany(
            "INSERT INTO audiences (stream, station) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(stream, station) for station in stations],
        )

    def streams_of(self, stations: Iterable[str]) -> Sequence[str]:
        # One JSON parameter: a subtree may have more stations than a statement has parameters.
        rows = self.connection.execute(
            "SELECT DISTINCT stream FROM audiences"
            " WHERE station IN (SELECT value FROM json_each(?)) ORDER BY stream",
            (json.dumps(sorted(stations)),),
        )
        return [stream for (stream,) in rows]

    def _events(self, where: str, parameters: tuple[Any, ...]) -> list[StoredEvent]:
        return [stored_of(row) for row in self.connection.execute(f"{SELECT} {where}", parameters)]


def row_of(stored: StoredEvent) -> tuple[Any, ...]:
    """Return an event as a row of its table."""
    return (
        stored.arrival,
        *stored.name,
        stored.hlc,
        stored.stream,
        stored.type,
        stored.actor,
        " ".join(stored.audience),
        *stored.event,
        stored.received_ms,
        stored.source,
        stored.standing,
        stored.reason,
        stored.chain,
    )


def stored_of(row: Any) -> StoredEvent:
    """Return the event in a row that `SELECT` gave."""
    station, epoch, position, hlc, stream, kind, actor, audience = row[:8]
    return StoredEvent(
        EventName(station, epoch, position),
        hlc,
        stream,
        kind,
        actor,
        tuple(audience.split()),
        Event(*row[8:12]),
        *row[12:],
    )
