"""Reading what can still be read of a damaged `node.db`: row by row, nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from sync.protocol.envelope import Event
from sync.store.connections import open_reader
from sync.store.faults import translated
from sync.store.library import DriverError
from sync.store.sql import Connection

BUSY_MS = 1000


class Salvaged(NamedTuple):
    """Certificates and events as they stood there, unverified; and how many rows gave an error."""

    certificates: list[bytes]
    events: list[Event]
    unreadable: int


def read_rows(path: Path, key: bytes, station: str) -> Salvaged:
    """Return one station's own rows of a database file. Raises: StorageError (it does not open)."""
    connection = open_reader(path, key, busy_ms=BUSY_MS)
    try:
        with translated():
            numbers = connection.execute(
                "SELECT coalesce(min(arrival), 1), coalesce(max(arrival), 0) FROM events"
            ).fetchone()
        certificates, events, unreadable = [], [], 0
        try:
            rows = connection.execute(
                "SELECT raw FROM certificates WHERE station = ?", (station,)
            ).fetchall()
            certificates = [raw for (raw,) in rows]
        except DriverError:
            unreadable += 1
        for arrival in range(numbers[0], numbers[1] + 1):
            try:
                row = _row(connection, arrival)
            except DriverError:
                unreadable += 1
                continue
            if row is not None and row[0] == station:
                events.append(Event(*row[1:]))
        return Salvaged(certificates, events, unreadable)
    finally:
        connection.close()


def _row(connection: Connection, arrival: int) -> Any:
    return connection.execute(
        "SELECT station, envelope, signature, salt, body FROM events WHERE arrival = ?", (arrival,)
    ).fetchone()
