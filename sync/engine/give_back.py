"""The parent's part in another node's lives: what it holds of the child's own logs, given back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sync.engine import routing
from sync.engine.tree import Tree
from sync.protocol import canonical, frames
from sync.protocol.bodies import AuthorDigest
from sync.protocol.envelope import Event
from sync.protocol.frames import Frame
from sync.protocol.limits import (
    FRAME_BYTES_TARGET,
    FRAME_DECODED_BYTES_MAX,
    ROUND_BYTES_TARGET,
)
from sync.protocol.lives import Head, HeldHole
from sync.protocol.names import LogName
from sync.protocol.ports import LogState, Transaction
from sync.protocol.rounds import Hello

_HEARD = "heard"
"""Statement kind under which the greatest position a child ever spoke of is kept, by log."""
HOLES_SAID_MAX = 500
EVENTS_PER_PAGE = 100
COMPARED_MAX = 8000


class GivenBack(NamedTuple):
    """Frames with a child's own events; `more` when the budget cut them."""

    frames: list[Frame]
    more: bool


def hear(transaction: Transaction, log: LogName, position: int) -> None:
    """Remember how far a child says it has written."""
    if position > heard(transaction, log):
        ref = f"{log.station}/{log.epoch}"
        transaction.put_statement(_HEARD, ref, str(position).encode())


def heard(transaction: Transaction, log: LogName) -> int:
    """Return how far a log was written by its author's word."""
    raw = transaction.statement(_HEARD, f"{log.station}/{log.epoch}")
    return 0 if raw is None else int(raw)


def heads(transaction: Transaction, station: str) -> list[Head]:
    """Return what is held here of each log of a station."""
    return [
        Head(
            log.name.epoch,
            log.position,
            log.chain,
            max(log.position, heard(transaction, log.name)),
            [
                HeldHole(r.position, r.reason, r.hash)
                for r in transaction.refusals(log.name)
                if r.position <= log.position
            ][:HOLES_SAID_MAX],
        )
        for log in transaction.logs()
        if log.name.station == station
    ]


def load(transaction: Transaction, hello: Hello) -> GivenBack:
    """Return the child's own events it asked back, oldest log first, within a round's budget."""
    out: list[Frame] = []
    batch: list[Event] = []
    size = total = 0
    for own in sorted(hello.own, key=lambda one: one.epoch):
        log = transaction.log(LogName(hello.station, own.epoch))
        if log is None:
            continue
        certificate = transaction.certificate(log.name)
        if certificate is not None:
            out += frames.statement_frames([certificate])
        for event in _events(transaction, log, own.after):
            if total > ROUND_BYTES_TARGET:
                return GivenBack([*out, *_frame(batch)], more=True)
            batch.append(event)
            size += frames.event_bytes(event)
            total += frames.event_bytes(event)
            if size > FRAME_BYTES_TARGET:
                out += _frame(batch)
                batch, size = [], 0
        out += _frame(batch)
        batch, size = [], 0
    return GivenBack(out, more=False)


def compare(shape: Tree, transaction: Transaction, child: str) -> Frame:
    """Return the frame that says per author what is held here of what a child is owed."""
    sums = routing.digests_by_author(shape, transaction, child, "")
    lines = [
        AuthorDigest(author, number, total) for author, (number, total) in sorted(sums.items())
    ]
    return Frame(frames.COMPARE, canonical.dumps(lines[:COMPARED_MAX]))


def offer_back(shape: Tree, transaction: Transaction, station: str, parent: str, raw: bytes) -> int:
    """At a child: owe the parent what it lacks of the authors it holds otherwise; return how much.

    Raises: Malformed, LimitExceeded.
    """
    said = canonical.load_as(raw, list[AuthorDigest], bytes_max=FRAME_DECODED_BYTES_MAX)
    there = {line.author: (line.count, line.digest) for line in said}
    here = routing.digests_by_author(shape, transaction, station, parent)
    offered = 0
    for author, held in here.items():
        if there.get(author) == held:
            continue
        for stored in routing.held_of_author(shape, transaction, station, parent, author):
            transaction.enqueue(routing.UP, routing.EVENT, str(stored.name))
            offered += 1
    return offered


def _frame(batch: list[Event]) -> list[Frame]:
    return [frames.encode_events(0, batch)] if batch else []


def _events(transaction: Transaction, log: LogState, after: int) -> Iterator[Event]:
    while page := transaction.log_events(log.name, after, EVENTS_PER_PAGE):
        for stored in page:
            if stored.name.position > log.position:
                return
            yield stored.event
        after = page[-1].name.position
