"""Stored events as casework sees them."""

from __future__ import annotations

import msgspec

from casework.events import CaseEvent
from sync.protocol.ports import GOOD, StoredEvent

SYNC_PREFIX = "sync."


def is_case_fact(stored: StoredEvent) -> bool:
    """Return whether an event belongs to casework and may be applied."""
    return stored.standing == GOOD and not stored.type.startswith(SYNC_PREFIX)


def case_event(stored: StoredEvent) -> CaseEvent:
    """Return the event with its body read; a purged or pruned one has none."""
    body = stored.event.body
    return CaseEvent(
        name=str(stored.name),
        station=stored.name.station,
        epoch=stored.name.epoch,
        position=stored.name.position,
        hlc=stored.hlc,
        stream=stored.stream,
        type=stored.type,
        actor=stored.actor,
        audience=stored.audience,
        body=None if body is None else msgspec.json.decode(body),
    )
