"""Stored events as casework sees them."""

from __future__ import annotations

import msgspec

from casework.events import TAKEN_OVER, CaseEvent
from sync.engine import warrants
from sync.engine.core import Core
from sync.protocol.ports import GOOD, StoredEvent

SYNC_PREFIX = "sync."


def is_case_fact(stored: StoredEvent) -> bool:
    """Return whether an event belongs to casework and may be applied."""
    return stored.standing == GOOD and not stored.type.startswith(SYNC_PREFIX)


def case_event(core: Core, stored: StoredEvent) -> CaseEvent:
    """Return the event with its body read and what it proves; a purged or pruned one has none."""
    raw = stored.event.body
    body = None if raw is None else msgspec.json.decode(raw)
    said = body.get("warrant") if stored.type == TAKEN_OVER and isinstance(body, dict) else None
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
        body=body,
        line=() if said is None else warrants.line_of(core, said),
        central=stored.name.station == core.root,
    )
