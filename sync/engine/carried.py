"""Statements of kinds this release does not know: held and handed on as they came.

They prove themselves by their signature, so a relay need not understand them. What the authority or
a node above says goes down: to everybody, or towards the station its payload names in `station`.
What a station of the subtree says climbs to central. Once a release that knows the kind runs here,
`notices.revive` takes them as if they had just come.
"""

from __future__ import annotations

import hashlib
from typing import Any

from sync.engine import routing, trust
from sync.engine.core import Core, count
from sync.engine.tree import Tree
from sync.protocol import canonical, statements
from sync.protocol.errors import BadSignature, LimitExceeded, PeerProtocolError
from sync.protocol.limits import CARRIED_MAX, CARRIED_OF_STATION_MAX, STATEMENT_BYTES_MAX
from sync.protocol.names import LogName
from sync.protocol.ports import Transaction
from sync.protocol.statements import Statement

CARRIED = "carried"
"""Kind under which they are held and owed, by the hash of their bytes."""


def take(
    core: Core, shape: Tree, transaction: Transaction, raw: bytes, *, from_child: str | None
) -> bool:
    """Hold a statement of an unknown kind and owe it further; return whether it was new.

    Raises: BadSignature (of nobody who may speak here), NoCertificate, Malformed, LimitExceeded.
    """
    statement = statements.decode(raw)
    ref = hashlib.sha256(raw).hexdigest()
    if transaction.statement(CARRIED, ref) is not None:
        return False
    author = _author(core, transaction, statement)
    if from_child is None:
        if author not in ("", *trust.ancestors(core, shape, transaction)):
            raise BadSignature(f"{statement.kind} from the side")
    elif author and author not in shape.subtree(from_child):
        raise BadSignature(f"{statement.kind} from elsewhere")
    _check_room(transaction, statement)
    transaction.put_statement(CARRIED, ref, raw)
    count(transaction, "statements_carried")
    if from_child is not None and not core.is_root:
        transaction.enqueue(routing.UP, CARRIED, ref)
    for link in transaction.child_links():
        if link.station != from_child:
            _owe(shape, transaction, link.station, ref, statement)
    return True


def owe_all(shape: Tree, transaction: Transaction, child: str) -> None:
    """Owe a child that is new here, or has a new life, what goes down to it."""
    for ref, raw in transaction.statements(CARRIED):
        _owe(shape, transaction, child, ref, statements.decode(raw))


def offer_up(transaction: Transaction) -> None:
    """Owe a parent of a new incarnation everything: what it knows already changes nothing."""
    for ref, _ in transaction.statements(CARRIED):
        transaction.enqueue(routing.UP, CARRIED, ref)


def understood(transaction: Transaction) -> list[bytes]:
    """Return what is held of kinds this release knows, and hold it as carried no longer."""
    found = []
    for ref, raw in transaction.statements(CARRIED):
        if statements.decode(raw).kind in statements.KINDS:
            transaction.drop_statement(CARRIED, ref)
            found.append(raw)
    return found


def author_of(statement: Statement) -> str:
    """Return the station a statement names as its signer, "" for the authority."""
    known = (statements.AUTHORITY, statements.BY_VOUCHER)
    return "" if statement.signer in known else LogName.parse(statement.signer).station


def _author(core: Core, transaction: Transaction, statement: Statement) -> str:
    if statement.signer != statements.AUTHORITY:
        return trust.signed_by_station(core, transaction, statement)
    if not trust.signed_by_authority(core, statement):
        raise BadSignature(f"{statement.kind} is not the authority's")
    return ""


def _check_room(transaction: Transaction, statement: Statement) -> None:
    """No station can fill the disk of those above it with what nobody understands."""
    held = transaction.statements(CARRIED)
    same = [raw for _, raw in held if statements.decode(raw).signer == statement.signer]
    mine = CARRIED_MAX if statement.signer == statements.AUTHORITY else CARRIED_OF_STATION_MAX
    if len(held) >= CARRIED_MAX or len(same) >= mine:
        raise LimitExceeded("statements of unknown kinds")


def _owe(shape: Tree, transaction: Transaction, child: str, ref: str, statement: Statement) -> None:
    """Owe it to a child it goes down to; what came from below that child has been there."""
    below = shape.subtree(child)
    author = author_of(statement)
    named = _named(statement)
    link = transaction.child_link(child)
    if link is None or author in below or (named in shape.parents and named not in below):
        return
    if author and author not in shape.path(child):
        return
    if author:
        routing.owe_signer(transaction, link, statement)
    transaction.enqueue(child, CARRIED, ref)


def _named(statement: Statement) -> str:
    """Return the station the payload is about, "" if it names none."""
    try:
        payload: Any = canonical.loads(statement.payload, bytes_max=STATEMENT_BYTES_MAX)
    except PeerProtocolError:
        return ""
    found = payload.get("station", "") if isinstance(payload, dict) else ""
    return found if isinstance(found, str) else ""
