"""What a link owes its child, in frames, in order, within a budget. Reading never deletes."""

from __future__ import annotations

from typing import NamedTuple

from sync.engine import recovery, routing
from sync.protocol import frames, statements
from sync.protocol.compression import Packing
from sync.protocol.envelope import Event
from sync.protocol.frames import Frame
from sync.protocol.limits import FRAME_BYTES_TARGET, ROUND_BYTES_TARGET, ROUND_SENT_BYTES_TARGET
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import RECOVERED, REVOKED, OutboxItem, Transaction

ITEMS_PER_ROUND = 2000


class Load(NamedTuple):
    """Frames for one answer, plain and as sent; `more` says that some are left.

    Shapes: `through` is the last sequence in them; `manifests` statements that announce editions.
    """

    frames: list[Frame]
    sent: list[bytes]
    through: int
    more: bool
    manifests: list[bytes]


class _Run:
    """Consecutive items of one sort, closed into one frame."""

    def __init__(self, packing: Packing, room: int) -> None:
        self._packing = packing
        self._events_target = frames.events_target(packing, room)
        self.frames: list[Frame] = []
        self.sent: list[bytes] = []
        self.room = room
        self.events: list[Event] = []
        self.notices: list[bytes] = []
        self.size = 0
        self.total = 0
        self.through = 0
        self.told = 0

    def add(self, sequence: int, event: Event | None, notice: bytes | None) -> None:
        if event is not None:
            if self.notices or self.size > self._events_target:
                self.close()
            self.events.append(event)
            grown = frames.event_bytes(event)
        elif notice is not None:
            if self.events or self.size > FRAME_BYTES_TARGET:
                self.close()
            self.notices.append(notice)
            grown = len(notice)
        else:
            grown = 0
        self.size += grown
        self.total += grown
        self.through = sequence

    def close(self) -> None:
        if self.events:
            self._put(frames.encode_events(self.through, self.events))
        elif self.notices:
            self._put(frames.encode_statements(self.through, self.notices))
        elif self.through > self.told:
            self._put(frames.encode_statements(self.through, []))  # nothing left of it
        self.told = self.through
        self.events, self.notices, self.size = [], [], 0

    def _put(self, frame: Frame) -> None:
        sent = frames.encode_frames(frame, self._packing)
        self.frames.append(frame)
        self.sent += sent
        self.room -= sum(map(len, sent))
        self._events_target = frames.events_target(self._packing, self.room)


def load(
    transaction: Transaction,
    link: str,
    after: int,
    packing: Packing,
    room: int = ROUND_SENT_BYTES_TARGET,
) -> Load:
    """Return the frames a link owes after a sequence, in order, as sent.

    Bounds: `room` and `limits.ROUND_BYTES_TARGET` for an answer, `FRAME_BYTES_TARGET` for a frame.
    """
    run = _Run(packing, room)
    run.through = run.told = after
    manifests: list[bytes] = []
    items = transaction.outbox(link, after, ITEMS_PER_ROUND)
    for item in items:
        if run.total > ROUND_BYTES_TARGET or run.room <= 0:
            break
        event, notice = _content(transaction, link, item)
        run.add(item.sequence, event, notice)
        if item.kind == statements.MANIFEST and notice is not None:
            manifests.append(notice)
    run.close()
    last = items[-1].sequence if items else after
    more = run.through < last or len(items) == ITEMS_PER_ROUND
    return Load(run.frames, run.sent, run.through, more, manifests)


def _content(
    transaction: Transaction, link: str, item: OutboxItem
) -> tuple[Event | None, bytes | None]:
    if item.kind == routing.EVENT:
        held = transaction.event(EventName.parse(item.ref))
        # Owed before a station moved away from this link: no longer its business.
        # Or it has come to lie above a cut since; a raised cut owes it again.
        if held is None or held.standing == REVOKED:
            return None, None
        return (held.event if link in transaction.routes(held.stream) else None), None
    if item.kind == statements.CERTIFICATE:
        return None, transaction.certificate(LogName.parse(item.ref))
    if item.kind == RECOVERED:
        return None, recovery.statement(transaction, item.ref)
    return None, transaction.statement(item.kind, item.ref)
