"""Getting acquainted with a new parent in few bytes: a child names what it holds already.

A parent tells a new child the certificates of the nodes above it, the time, and the decrees of the
authority. A child that was another parent's has nearly all of that; it shows short marks of it,
and only what differs is sent. A mark proves nothing and needs to: the statements do.
"""

from __future__ import annotations

from collections.abc import Iterator

from sync.engine import dues, notices, receipts, routing, trust
from sync.engine.core import Core, Effects
from sync.engine.tree import Tree
from sync.protocol import digest, statements
from sync.protocol.errors import PeerProtocolError
from sync.protocol.names import LogName
from sync.protocol.ports import Transaction
from sync.protocol.receipts import CentralReceipt
from sync.protocol.rounds import Hello
from sync.protocol.statements import Statement

INTRODUCED = "introduced"
"""Kind under which central's receipt waits for the hello of the caller that showed it."""


def known(core: Core, shape: Tree, transaction: Transaction) -> bytes:
    """Return the marks of what a node holds of what a parent would tell it first."""
    found = [digest.mark([raw]) for _, raw in _certificates(core, shape, transaction)]
    time_mark = transaction.statement(statements.TIME_MARK, "")
    if time_mark is not None:
        found.append(digest.mark([time_mark]))
    found += [digest.mark([raw]) for raw in receipts.held_of(transaction, core.log)]
    for kind in dues.DECREES:
        raws = [raw for _, raw in transaction.statements(kind)]
        if raws:
            found.append(digest.mark(raws))
    return b"".join(found[: digest.MARKS_MAX])


def note_known(core: Core, shape: Tree, transaction: Transaction, hello: Hello) -> None:
    """Keep what a child shows that it holds; certificates among it count as told."""
    transaction.put_statement(dues.KNOWN, hello.station, hello.known)
    link, marks = transaction.child_link(hello.station), digest.marks(hello.known)
    if link is None or not marks:
        return
    for log, raw in _certificates(core, shape, transaction):
        if digest.mark([raw]) in marks:
            routing.note_told(transaction, link, log)


def _certificates(
    core: Core, shape: Tree, transaction: Transaction
) -> Iterator[tuple[LogName, bytes]]:
    """Yield the newest certificates of the nodes above this one that are held here."""
    for station in trust.ancestors(core, shape, transaction):
        log = trust.newest_log(core, transaction, station)
        raw = None if log is None else transaction.certificate(log)
        if log is not None and raw is not None:
            yield log, raw


def adopt_introduced(
    core: Core, transaction: Transaction, now_ms: int, child: str, effects: Effects
) -> None:
    """Take a caller's log from where the receipt says that came ahead of its hello."""
    raw = transaction.statement(INTRODUCED, child)
    if raw is not None:
        transaction.drop_statement(INTRODUCED, child)
        notices.take(core, transaction, now_ms, raw, from_child=child, effects=effects)


def known_at_central(core: Core, transaction: Transaction, statement: Statement) -> LogName | None:
    """Return the log a receipt of central is about: its certificate was judged long ago."""
    if statement.kind != statements.RECEIPT:
        return None
    try:
        if trust.signed_by_station(core, transaction, statement) != core.root:
            return None
        receipt = statement.read(CentralReceipt)
    except PeerProtocolError:
        return None
    return LogName(receipt.station, receipt.epoch)
