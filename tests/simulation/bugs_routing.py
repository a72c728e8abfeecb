"""Seeded bugs of rounds, receipts and routing, each one somebody could make in a line or two."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from sync.engine import answer, child, intake, outbox, receipts, recovery, routing
from sync.protocol import rounds
from sync.protocol.ports import LogState
from sync.protocol.receipts import LogReceipt
from sync.protocol.rounds import Answer
from tests.fakes.memory_links import MemoryLinkTable
from tests.simulation.planting import Patch


def hello_trusted() -> list[Patch]:
    """The parent gives its receipt for what the hello says, not for what it stored."""
    original = answer._receipts

    def given(core: Any, transaction: Any, now_ms: int, session: Any) -> list[LogReceipt]:
        hello = session.hello
        said = LogReceipt(hello.station, hello.epoch, hello.position, hello.chain)
        true = original(core, transaction, now_ms, session)
        return [said, *(r for r in true if r.log != said.log)]

    return [(answer, "_receipts", given)]


def outbox_read_deletes() -> list[Patch]:
    """What was read from an outbox counts as delivered."""
    original = outbox.load

    def load(transaction: Any, link: str, *rest: Any) -> Any:
        found = original(transaction, link, *rest)
        transaction.acknowledge(link, found.through)
        return found

    return [(outbox, "load", load)]


def audience_ignored() -> list[Patch]:
    """Every stream is routed to every child."""

    def route(tree: Any, transaction: Any, event: Any) -> None:
        for link in transaction.child_links():
            transaction.add_route(event.stream, link.station)
            routing._owe(tree, transaction, link, [event], transaction.audience(event.stream))

    return [(routing, "_route", route)]


def history_forgotten() -> list[Patch]:
    """A new member gets what is written from now on, not what was written before."""

    def route(tree: Any, transaction: Any, event: Any) -> None:
        members = transaction.audience(event.stream)
        for link in transaction.child_links():
            below = tree.subtree(link.station)
            if not members.isdisjoint(below):
                transaction.add_route(event.stream, link.station)
                routing._owe(tree, transaction, link, [event], members)

    return [(routing, "_route", route)]


def relay_asks_above() -> list[Patch]:
    """A relay routes downwards only what came from above: its children need its parent."""
    original = routing._route

    def route(tree: Any, transaction: Any, event: Any) -> None:
        if transaction.child_link(event.source) is None:
            original(tree, transaction, event)

    return [(routing, "_route", route)]


def receipt_without_chain() -> list[Patch]:
    """Any receipt for a log covers the whole of it: neither position nor chain is looked at."""

    def take(transaction: Any, receipt: Any, **_: Any) -> bool:
        log = transaction.log(receipt.log)
        if log is not None:
            transaction.put_log(replace(log, parent_position=log.position))
        return log is not None

    return [(receipts, "take", take)]


def duplicate_counted() -> list[Patch]:
    """An event that comes a second time moves the cursor a second time."""
    original = intake._again

    def again(core: Any, *given: Any) -> Any:
        became = original(core, *given)
        transaction = next(g for g in given if hasattr(g, "put_log"))
        log = next(g for g in given if isinstance(g, LogState))
        if became == intake.DUPLICATE:
            transaction.put_log(replace(log, position=log.position + 1))
        return became

    return [(intake, "_again", again)]


def unanswered_forgotten() -> list[Patch]:
    """After an unanswered round the child goes on behind what it had sent."""
    original = child.begin_round

    def begin(core: Any, transaction: Any, *rest: Any) -> bytes:
        link = transaction.parent_link()
        if link is not None and link.nonce:
            for log in transaction.logs_unsent():
                transaction.put_log(replace(log, parent_position=log.position))
        return original(core, transaction, *rest)

    return [(child, "begin_round", begin)]


def through_before_events() -> list[Patch]:
    """The child books an answer as received before it has committed the answer's events."""
    original = child._answer

    def take(core: Any, transaction: Any, now_ms: int, raw: bytes, effects: Any) -> None:
        original(core, transaction, now_ms, raw, effects)
        said = rounds.decode_header(rounds.split_header(raw)[1], Answer)
        child._received(transaction, said.through, child.Taking())

    return [(child, "_answer", take)]


def body_dropped() -> list[Patch]:
    """A relay hands events on without their bodies."""
    original = outbox._content

    def content(transaction: Any, link: str, item: Any) -> Any:
        event, notice = original(transaction, link, item)
        return (event if event is None else event._replace(body=None)), notice

    return [(outbox, "_content", content)]


def certificate_forgotten() -> list[Patch]:
    """Certificates do not go ahead of the events they verify."""
    return [(routing, "owe_certificate", lambda transaction, link, log: None)]


def central_receipt_kept() -> list[Patch]:
    """A relay books central's receipts and does not hand them on."""
    return [(receipts, "_owe", lambda *_: None)]


def statements_sent_once() -> list[Patch]:
    """What goes up as a statement is struck off when it is sent, not when it is taken."""
    original = child.begin_round

    def begin(core: Any, transaction: Any, *rest: Any) -> Any:
        request = original(core, transaction, *rest)
        transaction.acknowledge(routing.UP, transaction.last_sequence(routing.UP))
        return request

    return [(child, "begin_round", begin)]


def refused_holds_cursor() -> list[Patch]:
    """A refused position is noted and never passed."""
    return [(recovery, "pass_holes", lambda transaction, log: log)]


def waiting_forgotten() -> list[Patch]:
    """What cannot be judged yet is never judged again."""
    return [(routing, "_judge_again", lambda *_: False)]


def sequence_reused() -> list[Patch]:
    """An emptied outbox begins to count anew."""

    def last_sequence(self: Any, link: str) -> int:
        return max(self.tables.outbox.get(link, {}), default=0)

    return [(MemoryLinkTable, "last_sequence", last_sequence)]
