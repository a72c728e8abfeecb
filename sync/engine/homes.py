"""Whose child this node is: its own parent by register, enrolment or command, or a fallback.

What was agreed with each parent (tokens, cursors of the link) is kept apart and taken up again on
return. What a parent holds of the logs is not remembered across a move: the next one is shown
central's receipts and asked how far it is, so that nothing is passed over.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from sync.engine import gaps, notices, routing, tree
from sync.engine.child import MOVED
from sync.engine.core import Core, count
from sync.protocol import statements
from sync.protocol.ports import ParentLink, Transaction

_HOME = "home"
_LEFT = "parent_link"
"""Kind under which the links to parents this node is not attached to now are kept."""


class Place(msgspec.Struct, frozen=True):
    """A parent that may be called: its code and its address."""

    station: str
    url: str


class Home(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where this node belongs and where it is.

    Shapes: `own` is its own parent as last known, `now` the one it is attached to since `since_ms`;
    `commanded` the parent a person set, "" if the register says; `fallbacks` those a person added.
    """

    own: str
    now: str
    since_ms: int = 0
    commanded: Place | None = None
    fallbacks: list[Place] = []

    @property
    def away(self) -> bool:
        """Whether it is attached to a fallback."""
        return self.now != self.own


def home(core: Core, transaction: Transaction) -> Home:
    """Return where this node belongs and is; before anything was noted, at its enrolled parent."""
    raw = transaction.meta(_HOME)
    if raw is not None:
        return msgspec.json.decode(raw, type=Home)
    return Home(own=core.parent or "", now=core.parent or "")


def places(core: Core, transaction: Transaction, now_ms: int) -> list[Place]:
    """Return the fallbacks in the order they are tried: those a person set, then the register's."""
    here = home(core, transaction)
    shape = tree.load(core, transaction, now_ms)
    listed = [
        Place(code, shape.urls[code])
        for code in shape.fallbacks.get(core.station, ())
        if shape.urls.get(code)
    ]
    chosen: dict[str, Place] = {}
    for place in [*here.fallbacks, *listed]:
        if place.station not in (core.station, here.own):
            chosen.setdefault(place.station, place)
    return list(chosen.values())


def url_of(core: Core, transaction: Transaction, now_ms: int, station: str) -> str:
    """Return the address of a parent as set by a person or written in the register, "" if none."""
    here = home(core, transaction)
    known = [here.commanded] if here.commanded is not None else []
    for place in [*known, *here.fallbacks]:
        if place.station == station and place.url:
            return place.url
    return tree.load(core, transaction, now_ms).urls.get(station, "")


def begin(core: Core, transaction: Transaction, now_ms: int) -> None:
    """At start: take up where this node was attached, follow the register, sign the attachment."""
    if core.parent is None:
        return
    here = home(core, transaction)
    transaction.set_meta(_HOME, _encoded(here))
    core.parent = here.now
    follow(core, transaction, now_ms)
    notices.attach(core, transaction, now_ms)


def follow(core: Core, transaction: Transaction, now_ms: int) -> bool:
    """Attach to this node's own parent if that is another than before; return whether it is."""
    if core.parent is None:
        return False
    here = home(core, transaction)
    own = _own(core, transaction, now_ms, here)
    if own == here.own:
        return False
    transaction.set_meta(_HOME, _encoded(replace(here, own=own)))
    attach_to(core, transaction, now_ms, own)
    return True


def _own(core: Core, transaction: Transaction, now_ms: int, here: Home) -> str:
    if here.commanded is not None:
        return here.commanded.station
    registered = tree.load(core, transaction, now_ms).registered.get(core.station, "")
    return registered or here.own


def command(core: Core, transaction: Transaction, place: Place | None) -> None:
    """Set this node's own parent by a person's word; None gives the choice back to the register.

    The node goes there with its next round.
    """
    here = replace(home(core, transaction), commanded=place)
    transaction.set_meta(_HOME, _encoded(here))


def set_fallbacks(core: Core, transaction: Transaction, fallbacks: Sequence[Place]) -> None:
    """Set the fallbacks a person chose; those of the register come after them."""
    here = home(core, transaction)
    transaction.set_meta(_HOME, _encoded(replace(here, fallbacks=list(fallbacks))))


def attach_to(core: Core, transaction: Transaction, now_ms: int, station: str) -> None:
    """Belong to another parent from now on: keep this link apart, take up the other, say so."""
    here = home(core, transaction)
    if station == here.now or core.parent is None:
        return
    shape = tree.load(core, transaction, now_ms)
    left = transaction.parent_link()
    if left is not None:
        transaction.put_statement(_LEFT, left.station, msgspec.json.encode(left))
    raw = transaction.statement(_LEFT, station)
    link = msgspec.json.decode(raw, type=ParentLink) if raw else ParentLink(station=station)
    # Editions may have come on the other road, and who does not know us is told who we are.
    transaction.put_parent_link(
        replace(
            link,
            nonce=MOVED if raw else b"",  # as after an unanswered round: receipts come first
            told_editions=False,
            failures=0,
            last_success_ms=0,
            last_attempt_ms=0,
            verdict="",
        )
    )
    for log in transaction.logs():
        if log.parent_position != log.central_position:
            transaction.put_log(replace(log, parent_position=log.central_position))
        if log.central_position and not raw:
            gaps.show(transaction, log.name)
    transaction.set_meta(_HOME, _encoded(replace(here, now=station, since_ms=now_ms)))
    transaction.set_meta(routing.DIGEST_TREE, "")
    core.parent = station
    for below in sorted(shape.subtree(core.station) - {core.station}):
        if transaction.statement(statements.ATTACHMENT, below) is not None:
            transaction.enqueue(routing.UP, statements.ATTACHMENT, below)
    count(transaction, "attachments")
    notices.attach(core, transaction, now_ms)


def _encoded(here: Home) -> str:
    return msgspec.json.encode(here).decode()
