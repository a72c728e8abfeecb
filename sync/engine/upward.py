"""What is owed to the parent besides the logs: statements, and events offered back to it."""

from __future__ import annotations

from collections.abc import Collection

from sync.engine import intake, recovery, routing
from sync.engine.core import Core
from sync.protocol import frames, statements
from sync.protocol.envelope import Event
from sync.protocol.frames import Frame
from sync.protocol.limits import FRAME_BYTES_TARGET, ROUND_BYTES_TARGET
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import RECOVERED, OutboxItem, Transaction

ITEMS_PER_ROUND = 200


def load(core: Core, transaction: Transaction, ahead: Collection[bytes]) -> list[Frame]:
    """Return the next of what is owed in frames; the last names the sequence they end at.

    Shapes: `ahead` is what the request says before its hello. The own certificate verified the
    hello, and central's every node above has from its own parent.
    """
    items = transaction.outbox(routing.UP, 0, ITEMS_PER_ROUND)
    found: list[bytes] = []
    events: list[Event] = []
    size = 0
    for number, item in enumerate(items):
        event, raw = _owed_up(transaction, item)
        # Its signer may have no event on this link yet that would bring the certificate along.
        for log in _signers(event, raw):
            certificate = transaction.certificate(log)
            told = log == core.log or log.station == core.root
            if certificate is not None and not told and certificate not in found:
                found.append(certificate)
        if event is not None:
            events.append(event)
        elif raw is not None and raw not in ahead and raw != core.certificate:
            found.append(raw)
        size += frames.event_bytes(event) if event is not None else len(raw or b"")
        if size > ROUND_BYTES_TARGET:
            items = items[: number + 1]
            break
    if not items:
        return []
    through = items[-1].sequence
    last = frames.encode_statements(through, [])
    if not events:
        return frames.statement_frames(found, through) or [last]
    return [*frames.statement_frames(found), *_in_frames(events), last]


def _owed_up(transaction: Transaction, item: OutboxItem) -> tuple[Event | None, bytes | None]:
    """What an item of the outbox upwards stands for; an event came down from the parent once."""
    if item.kind == routing.EVENT:
        held = transaction.event(EventName.parse(item.ref))
        return (None if held is None else held.event), None
    if item.kind == statements.CERTIFICATE:
        return None, transaction.certificate(LogName.parse(item.ref))
    if item.kind == RECOVERED:
        return None, recovery.statement(transaction, item.ref)
    return None, transaction.statement(item.kind, item.ref)


def _signers(event: Event | None, raw: bytes | None) -> list[LogName]:
    if event is not None:
        return [intake.claimed_name(event).log]
    signer = statements.AUTHORITY if raw is None else statements.decode(raw).signer
    known = (statements.AUTHORITY, statements.BY_VOUCHER)
    return [] if signer in known else [LogName.parse(signer)]


def _in_frames(events: list[Event]) -> list[Frame]:
    out: list[Frame] = []
    batch: list[Event] = []
    size = 0
    for event in events:
        batch.append(event)
        size += frames.event_bytes(event)
        if size > FRAME_BYTES_TARGET:
            out.append(frames.encode_events(0, batch))
            batch, size = [], 0
    return [*out, frames.encode_events(0, batch)] if batch else out
