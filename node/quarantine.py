"""What does not count, and why: events set aside here, and positions refused or lost, by case.

Everything else goes on without them; a person reads this list.
"""

from __future__ import annotations

from typing import NamedTuple

from sync.protocol.names import EventName, LogName
from sync.protocol.ports import (
    GOOD,
    INCOMPLETE,
    RECOVERED,
    REVOKED,
    SET_ASIDE,
    StoredEvent,
    Transaction,
)

STANDINGS = (SET_ASIDE, REVOKED, RECOVERED, INCOMPLETE)
LISTED_MAX = 200


class Aside(NamedTuple):
    """An event held here that does not count. Units: milliseconds. Shapes: `name` as text."""

    name: str
    station: str
    type: str
    stream: str
    standing: str
    reason: str
    received_ms: int


class Hole(NamedTuple):
    """A position of a log that has no event further up; `stream` "" where it is not held here."""

    station: str
    epoch: int
    position: int
    reason: str
    stream: str
    type: str


def aside(transaction: Transaction, limit: int = LISTED_MAX) -> dict[str, list[Aside]]:
    """Return what is set aside, revoked or incomplete here, each in order of arrival."""
    return {
        standing: [_line(event) for event in transaction.events_standing(standing, limit)]
        for standing in STANDINGS
    }


def aside_of(transaction: Transaction, stream: str) -> list[Aside]:
    """Return the events of one stream that do not count, in order of arrival."""
    return [_line(e) for e in transaction.stream_events(stream) if e.standing != GOOD]


def holes_of(transaction: Transaction, station: str) -> list[Hole]:
    """Return the refused and lost positions of all lives of a station, with what is known."""
    found = []
    for log in transaction.logs():
        if log.name.station != station:
            continue
        for refused in transaction.refusals(log.name):
            held = transaction.event(EventName(*log.name, refused.position))
            found.append(_hole(log.name, refused.position, refused.reason, held))
    return found


def _hole(log: LogName, position: int, reason: str, held: StoredEvent | None) -> Hole:
    stream, kind = ("", "") if held is None else (held.stream, held.type)
    return Hole(log.station, log.epoch, position, reason, stream, kind)


def _line(event: StoredEvent) -> Aside:
    return Aside(
        str(event.name),
        event.name.station,
        event.type,
        event.stream,
        event.standing,
        event.reason,
        event.received_ms,
    )
