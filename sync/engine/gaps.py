"""Logs taken over from where central's receipt proves them; what lies before is fetched afterwards.

A station that comes to a new parent shows central's newest receipt for each log instead of sending
it all again. The parent takes the log from there: its *gap* is what lies before. It asks its own
parent for that, last in line, and checks what comes against the receipt's chain. One that turns
out to stand on a receipt nobody above honours any more (central was restored) is given up: the log
falls back to what is really held, and the neighbour below is told and offers the rest again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from sync.engine import news, routing, trust
from sync.engine.core import Core, count
from sync.engine.tree import Tree
from sync.protocol import statements
from sync.protocol.envelope import Event
from sync.protocol.errors import BadSignature
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import LogState, Transaction
from sync.protocol.receipts import CentralReceipt, chain_next, chain_start
from sync.protocol.rounds import Lacking
from sync.protocol.statements import Statement, TimeMark

_GAP = "gap"
_LOWERED = "lowered"
RUNGS = ("backup", "central")
ASKED_PER_ROUND = 32
EVENTS_PER_PAGE = 100


class Gap(msgspec.Struct, frozen=True):
    """Positions after `after` up to `through` are not held; `held` is the chain at `after` and
    `chain` the one central signed at `through`."""

    after: int
    through: int
    held: bytes
    chain: bytes


def of(transaction: Transaction, log: LogName) -> Gap | None:
    """Return the gap of a log, None if it is held whole."""
    raw = transaction.statement(_GAP, _ref(log))
    return msgspec.json.decode(raw, type=Gap) if raw else None


def adopt(
    core: Core, shape: Tree, transaction: Transaction, statement: Statement, child: str
) -> None:
    """Take a child's log from where central's receipt proves it.

    One of an earlier life of central is not believed.
    Raises: BadSignature (not central's), NoCertificate, Malformed.
    """
    if core.is_root:
        _say_holes(transaction, statement)
        return  # it knows itself what it holds
    if trust.signed_by_station(core, transaction, statement) != core.root:
        raise BadSignature("receipt of somebody else than central")
    receipt = statement.read(CentralReceipt)
    if receipt.station not in shape.subtree(child):
        raise BadSignature("receipt for a station elsewhere")
    name = LogName(receipt.station, receipt.epoch)
    log = transaction.log(name) or LogState(name, 0, chain_start(name), source=child)
    if receipt.pos <= log.position or log.frozen:
        _say_holes(transaction, statement)
        return
    if receipt.incarnation < _life(transaction) or of(transaction, name) is not None:
        # It proves nothing any more: the child is told how little is held, and offers it again.
        transaction.put_log(log)
        transaction.put_statement(_LOWERED, _ref(name), b"1")
        return
    _put(transaction, name, Gap(log.position, receipt.pos, log.chain, receipt.chain))
    transaction.put_log(
        replace(
            log,
            position=receipt.pos,
            chain=receipt.chain,
            source=child,
            parent_position=receipt.pos,
            central_position=receipt.pos,
        )
    )
    ref = f"{_ref(name)}/{receipt.rung}"
    transaction.put_statement(statements.RECEIPT, ref, statements.encode(statement))
    show(transaction, name)
    count(transaction, "logs_adopted")


def show(transaction: Transaction, log: LogName) -> None:
    """Owe the parent central's receipt for a log, and the certificate its events are checked by."""
    for rung in RUNGS:
        ref = f"{_ref(log)}/{rung}"
        if transaction.statement(statements.RECEIPT, ref) is not None:
            transaction.enqueue(routing.UP, statements.CERTIFICATE, _ref(log))
            transaction.enqueue(routing.UP, statements.RECEIPT, ref)


def _say_holes(transaction: Transaction, statement: Statement) -> None:
    """Have a child that took a log over from its middle told what was refused before there."""
    receipt = statement.read(CentralReceipt)
    name = LogName(receipt.station, receipt.epoch)
    if transaction.refusals(name):
        news.note(transaction, name)


def _life(transaction: Transaction) -> str:
    """Return the newest incarnation of central this node heard of."""
    raw = transaction.statement(statements.TIME_MARK, "")
    return "" if raw is None else statements.decode(raw).read(TimeMark).incarnation


def lacking(transaction: Transaction) -> list[Lacking]:
    """Return what a hello asks for to close gaps."""
    found = [
        Lacking(name.station, name.epoch, gap.after, gap.through)
        for name, gap in _open(transaction)
    ]
    return found[:ASKED_PER_ROUND]


def asked(
    shape: Tree, transaction: Transaction, child: str, wanted: Iterable[Lacking]
) -> Iterator[Event]:
    """Yield the events a child lacks of logs of its own subtree, as far as they are held here."""
    below = shape.subtree(child)
    for one in wanted:
        name, after = LogName(one.station, one.epoch), one.after
        while one.station in below and after < one.through:
            page = transaction.log_events(name, after, EVENTS_PER_PAGE)
            for stored in page:
                if stored.name.position > one.through:
                    return
                yield stored.event
            if not page:
                break
            after = page[-1].name.position


def close(transaction: Transaction) -> bool:
    """Move the gaps past what came in; return whether one is still open but moved."""
    moved = False
    for name, gap in _open(transaction):
        at, chain = gap.after, gap.held
        holes = {r.position: r.hash for r in transaction.refusals(name) if r.hash}
        while at < gap.through:
            held = transaction.event(EventName(*name, at + 1))
            passed = held.event.hash if held is not None else holes.get(at + 1, b"")
            if not passed:
                break
            at, chain = at + 1, chain_next(chain, passed)
        if at == gap.after:
            continue
        if at < gap.through:
            _put(transaction, name, replace(gap, after=at, held=chain))
            moved = True
            continue
        _put(transaction, name, None)
        count(transaction, "gaps_closed" if chain == gap.chain else "gaps_over_other_content")
    return moved


def shown(transaction: Transaction, log: LogName) -> bool:
    """Return whether the parent was shown the receipt a log was adopted by.

    Until then it knows nothing of that: the log was adopted while its answer was under way.
    """
    refs = {f"{_ref(log)}/{rung}" for rung in RUNGS}
    after = 0
    while page := transaction.outbox(routing.UP, after, routing.OUTBOX_PAGE):
        if any(item.kind == statements.RECEIPT and item.ref in refs for item in page):
            return False
        after = page[-1].sequence
    return True


def give_up(transaction: Transaction, log: LogState) -> LogState:
    """Return a log fallen back to what is really held; its source is told with the next answer."""
    gap = of(transaction, log.name)
    if gap is None:
        return log
    _put(transaction, log.name, None)
    fallen = replace(
        log,
        position=gap.after,
        chain=gap.held,
        parent_position=min(log.parent_position, gap.after),
        central_position=min(log.central_position, gap.after),
    )
    transaction.put_log(fallen)
    transaction.put_statement(_LOWERED, _ref(log.name), b"1")
    count(transaction, "gaps_given_up")
    return fallen


def lowered(transaction: Transaction, child: str, touched: set[LogName]) -> set[LogName]:
    """Return the logs this child has to be told of that less is held; over once it sends again."""
    found = set()
    for ref, raw in transaction.statements(_LOWERED):
        name = LogName.parse(ref)
        if raw and name in touched:
            transaction.put_statement(_LOWERED, ref, b"")
        elif raw and (log := transaction.log(name)) is not None and log.source == child:
            found.add(name)
    return found


def _open(transaction: Transaction) -> list[tuple[LogName, Gap]]:
    return [
        (LogName.parse(ref), msgspec.json.decode(raw, type=Gap))
        for ref, raw in transaction.statements(_GAP)
        if raw
    ]


def _put(transaction: Transaction, log: LogName, gap: Gap | None) -> None:
    transaction.put_statement(_GAP, _ref(log), msgspec.json.encode(gap) if gap else b"")


def _ref(log: LogName) -> str:
    return f"{log.station}/{log.epoch}"
