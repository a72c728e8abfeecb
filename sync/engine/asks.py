"""A halted node asks for a voucher; the ask climbs to central, the voucher comes down to that copy.

The voucher is made out to the ask's one-use key, so of two copies of a machine only the one that a
person named can use it. The last relay gives it to whoever quotes the ask, whatever the verdict.
"""

from __future__ import annotations

from typing import NamedTuple

from sync.engine import routing, trust
from sync.engine.core import Core, Effects, count
from sync.engine.tree import Tree
from sync.protocol import statements
from sync.protocol.errors import BadSignature, Malformed, PeerProtocolError
from sync.protocol.lives import Ask, code_of
from sync.protocol.ports import Transaction
from sync.protocol.statements import Statement, Voucher

ASKS_PER_STATION_MAX = 16
_KEY_BYTES = 32


class Waiting(NamedTuple):
    """An ask held here; `granted` once a voucher for its key is held too."""

    code: str
    ask: Ask
    granted: bool


def take(core: Core, transaction: Transaction, said: Statement, effects: Effects) -> Ask:
    """Hold an ask and hand it on.

    Raises: BadSignature, NoCertificate, Malformed (not signed by the station that asks, or more
    asks than a station needs).
    """
    station = trust.signed_by_station(core, transaction, said)
    ask = said.read(Ask)
    if said.kind != statements.ASK or ask.station != station or len(ask.key) != _KEY_BYTES:
        raise BadSignature("ask of another station")
    ref = f"{station}/{code_of(ask.key)}"
    if transaction.statement(statements.ASK, ref) is None:
        if len(asks(transaction, station)) >= ASKS_PER_STATION_MAX:
            raise Malformed("more asks than a station has lives")
        transaction.put_statement(statements.ASK, ref, statements.encode(said))
        effects.news = True
        effects.life = effects.life or core.is_root
        if not core.is_root:
            transaction.enqueue(routing.UP, statements.ASK, ref)
    return ask


def asker(said: Statement) -> str:
    """Return the station an unverified ask is of. Raises: Malformed."""
    return said.read(Ask).station


def take_quietly(core: Core, transaction: Transaction, raw: bytes, effects: Effects) -> None:
    """Hold the ask a hello carries; one that fails is counted, and the round goes on."""
    try:
        take(core, transaction, statements.decode(raw), effects)
    except PeerProtocolError as error:
        count(transaction, f"statements_refused/{error.code}")


def asks(transaction: Transaction, station: str = "") -> list[Waiting]:
    """Return the asks held here, newest first; of one station when it is named."""
    keys = {
        statements.decode(raw).read(Voucher).key
        for _, raw in transaction.statements(statements.VOUCHER)
    }
    found = []
    for _, raw in transaction.statements(statements.ASK):
        ask = statements.decode(raw).read(Ask)
        if not station or ask.station == station:
            found.append(Waiting(code_of(ask.key), ask, ask.key in keys))
    return sorted(found, key=lambda one: (-one.ask.asked_ms, one.code))


def take_voucher(core: Core, tree: Tree, transaction: Transaction, said: Statement) -> Voucher:
    """Hold a voucher the authority signed and owe it to the child its station lives under.

    The station's own parent owes nothing: it answers the ask with it.
    Raises: BadSignature, Malformed.
    """
    if said.kind != statements.VOUCHER or not trust.signed_by_authority(core, said):
        raise BadSignature("voucher is not the authority's")
    voucher = said.read(Voucher)
    ref = f"{voucher.station}/{voucher.epoch}"
    if transaction.statement(statements.VOUCHER, ref) is None:
        transaction.put_statement(statements.VOUCHER, ref, statements.encode(said))
        for link in transaction.child_links():
            below = tree.subtree(link.station)
            if voucher.station in below and voucher.station != link.station:
                transaction.enqueue(link.station, statements.VOUCHER, ref)
    return voucher


def voucher_for(transaction: Transaction, raw: bytes) -> bytes | None:
    """Return the voucher made out to the key of an encoded ask, None while there is none."""
    try:
        key = statements.decode(raw).read(Ask).key
    except PeerProtocolError:
        return None
    for _, held in transaction.statements(statements.VOUCHER):
        if statements.decode(held).read(Voucher).key == key:
            return held
    return None
