"""Recovered records and whether a person has checked them: noted as events come in, read by pages.

A check counts for the records of the station that wrote it: its clerks have the paper.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from casework.events import RECOVERED_CHECKED
from sync.protocol.lives import recovered_ref
from sync.protocol.names import EventName
from sync.protocol.ports import GOOD, RECOVERED, StoredEvent, Transaction

_CHECKED = "recovered_checked"
"""Statement kind under which the name of the checking event is kept, by the record's ref."""


class Check(NamedTuple):
    """What a person found out about a recovered record. Units: milliseconds."""

    station: str
    actor: str
    at_ms: int
    result: str
    note: str


class _Said(msgspec.Struct):
    records: list[str] = []
    result: str = ""
    note: str = ""


def note(transaction: Transaction, events: Iterable[StoredEvent]) -> None:
    """Note which records these events say were checked. Idempotent."""
    for event in events:
        if event.type != RECOVERED_CHECKED:
            continue
        for record in _said(event).records:
            if record.partition("/")[0] == event.name.station:
                transaction.put_statement(_CHECKED, record, str(event.name).encode())


def check_of(transaction: Transaction, record: StoredEvent) -> Check | None:
    """Return who checked a record, None while nobody has, or the check does not count."""
    raw = transaction.statement(_CHECKED, ref_of(record))
    event = None if raw is None else transaction.event(EventName.parse(raw.decode()))
    if event is None or event.standing != GOOD:
        return None
    said = _said(event)
    return Check(event.name.station, event.actor, event.hlc // 1024, said.result, said.note)


def to_check(transaction: Transaction, station: str, stream: str) -> list[str]:
    """Return the refs of a station's recovered records in a stream that nobody has checked."""
    return [
        ref_of(one)
        for one in transaction.stream_events(stream)
        if one.standing == RECOVERED
        and one.name.station == station
        and check_of(transaction, one) is None
    ]


def ref_of(record: StoredEvent) -> str:
    """Return what tells a recovered record from others of its name."""
    return recovered_ref(str(record.name), record.event)


def _said(event: StoredEvent) -> _Said:
    try:
        return msgspec.json.decode(event.event.body or b"{}", type=_Said)
    except msgspec.MsgspecError:
        return _Said()
