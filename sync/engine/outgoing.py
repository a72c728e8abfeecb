"""What a child has to say in one request: certificates, holes, statements, events by budget."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sync.engine.core import Core
from sync.protocol import frames, statements
from sync.protocol.compression import Packing
from sync.protocol.envelope import Event
from sync.protocol.limits import (
    FRAME_BYTES_TARGET,
    ROUND_BYTES_TARGET,
    ROUND_SENT_BYTES_TARGET,
)
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import LogState, Transaction
from sync.protocol.rounds import Hole

LOGS_PER_ROUND = 500
HOLES_PER_ROUND = 500
EVENTS_PER_PAGE = 100
"""A hello and a request have limits; what does not fit goes with the next round, at once."""


class Budget(NamedTuple):
    """Bytes that events of a request and the whole answer may take as sent, at most."""

    up: int
    down: int = 0


UNMEASURED = Budget(ROUND_SENT_BYTES_TARGET)


def certificates(
    core: Core, transaction: Transaction, unsent: Iterable[LogState], *, first: bool
) -> list[bytes]:
    found = [core.certificate, *_admitted(core, transaction)] if first else []
    for log in unsent:
        raw = transaction.certificate(log.name)
        if log.parent_position == 0 and raw is not None and raw not in found:
            found.append(raw)
    return found


def _admitted(core: Core, transaction: Transaction) -> list[bytes]:
    """Return what proves that this epoch was admitted in time, where the voucher has run out."""
    raw = transaction.statement(statements.RECEIPT, f"{core.signer_name}/central")
    return [] if raw is None else [raw]


def holes(
    transaction: Transaction, unsent: list[LogState]
) -> tuple[list[Hole], dict[LogName, int]]:
    """Return the next holes refused here, and per log where the first lies that was left out.

    One only the parent refused has no hash: its event goes out again. Each log has its share, so
    that one with thousands of holes neither bursts the hello nor keeps the others waiting.
    """
    share = max(HOLES_PER_ROUND // max(len(unsent), 1), 1)
    found: list[Hole] = []
    untold: dict[LogName, int] = {}
    for log in unsent:
        mine = [
            Hole(log.name.station, log.name.epoch, hole.position, hole.reason, hole.hash)
            for hole in transaction.refusals(log.name)
            if hole.hash and log.parent_position < hole.position <= log.position
        ]
        found += mine[:share]
        if len(mine) > share:
            untold[log.name] = mine[share].position
    return found, untold


def holes_behind(transaction: Transaction) -> list[Hole]:
    """Return the holes in what central holds, for a parent that takes logs over from its receipts.

    It asks above for what lies before, and nobody can send it what was refused.
    """
    found: list[Hole] = []
    for log in transaction.logs():
        for hole in transaction.refusals(log.name) if log.central_position else ():
            held = transaction.event(EventName(*log.name, hole.position))
            hashed = hole.hash or (b"" if held is None else held.event.hash)
            if hashed and hole.position <= log.central_position:
                found.append(
                    Hole(log.name.station, log.name.epoch, hole.position, hole.reason, hashed)
                )
    return found[:HOLES_PER_ROUND]


def events(
    transaction: Transaction,
    unsent: list[LogState],
    untold: dict[LogName, int],
    packing: Packing,
    room: int,
) -> list[bytes]:
    """Return the next events of each log as sent; none fills the round while others wait.

    A log the parent does not take any further would else keep back all that is younger.
    """
    share = max(ROUND_BYTES_TARGET // max(len(unsent), 1), FRAME_BYTES_TARGET)
    run = _Outgoing(packing, room)
    for log in unsent:
        end = min(run.total + share, ROUND_BYTES_TARGET)
        for event in _owed(transaction, log, untold.get(log.name)):
            if run.total >= end or run.room <= 0:
                break
            run.add(event)
    run.close()
    return run.out


class _Outgoing:
    """Events on their way into frames, counted plain and as sent."""

    def __init__(self, packing: Packing, room: int) -> None:
        self._packing = packing
        self._batch: list[Event] = []
        self._size = 0
        self._target = frames.events_target(packing, room)
        self.room = room
        self.total = 0
        self.out: list[bytes] = []

    def add(self, event: Event) -> None:
        self._batch.append(event)
        self._size += frames.event_bytes(event)
        self.total += frames.event_bytes(event)
        if self._size > self._target:
            self.close()

    def close(self) -> None:
        if not self._batch:
            return
        sent = frames.encode_frames(frames.encode_events(0, self._batch), self._packing)
        self.out += sent
        self.room -= sum(map(len, sent))
        self._target = frames.events_target(self._packing, self.room)
        self._batch, self._size = [], 0


def _owed(transaction: Transaction, log: LogState, before: int | None) -> Iterator[Event]:
    """Yield the events of a log beyond the parent's receipt, up to a hole it was not told of."""
    after = log.parent_position
    while page := transaction.log_events(log.name, after, EVENTS_PER_PAGE):
        for stored in page:
            if before is not None and stored.name.position > before:
                return
            yield stored.event
        after = page[-1].name.position
