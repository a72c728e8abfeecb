"""Stored events for tests of stores: right in shape, not signed by anybody."""

from __future__ import annotations

from sync.protocol.envelope import SALT_BYTES, Event
from sync.protocol.names import EventName
from sync.protocol.ports import GOOD, StoredEvent

EPOCH = 1_760_000_000_000
HLC = EPOCH * 1024
SAMPLE_KEY = bytes(range(32))


def sample_event(
    position: int = 1,
    *,
    station: str = "CG0111",
    epoch: int = EPOCH,
    stream: str = "",
    standing: str = GOOD,
    body: bytes | None = b'{"at_ms":1}',
    audience: tuple[str, ...] = ("CG0111", "CG0101"),
) -> StoredEvent:
    """Return an event of `station`; without a stream it opens its own."""
    name = EventName(station, epoch, position)
    return StoredEvent(
        name=name,
        hlc=HLC + position,
        stream=stream or str(name),
        type="received",
        actor="S001",
        audience=audience,
        event=Event(b'{"envelope":"%s"}' % str(name).encode(), b"s" * 64, b"x" * SALT_BYTES, body),
        received_ms=EPOCH + position,
        source="",
        standing=standing,
        reason="" if standing == GOOD else "not_in_audience",
        chain=position.to_bytes(16, "big"),
    )
