"""Keeps matter entries that an edition takes away while a case still pins them (DESIGN 8).

Cases that were projected have theirs kept already; here it is those whose events wait for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec

from node.desk import PROJECTED
from node.registry import PINNED
from sync.protocol.ports import Transaction
from sync.protocol.registers import Entry, Shelf

EVENTS_AT_ONCE = 500


class _Pin(msgspec.Struct):
    hash: str = ""


class _Pinning(msgspec.Struct):
    """What an opening body says of its matter, whatever else is in it."""

    matter: _Pin = msgspec.field(default_factory=_Pin)


class Pins:
    """Told by the engine what leaves a shelf, within the transaction that takes it away."""

    def __init__(self) -> None:
        self._transaction: Transaction | None = None
        self._waiting: frozenset[str] = frozenset()

    def keep(self, transaction: Transaction, shelf: Shelf, entry: Entry) -> None:
        """Keep a matter entry, by its hash, that an event not projected yet pins."""
        if shelf.register != "matters":
            return
        if transaction is not self._transaction:
            self._transaction, self._waiting = transaction, frozenset(_pins(transaction))
        pinned = hashlib.sha256(entry.raw).hexdigest()
        if pinned in self._waiting and transaction.statement(PINNED, pinned) is None:
            transaction.put_statement(PINNED, pinned, entry.raw)


def _pins(transaction: Transaction) -> Iterator[str]:
    """Yield the hash of the matter entry that each event beyond the projection's cursor pins."""
    arrival = int(transaction.meta(PROJECTED) or "0")
    while page := transaction.events_after(arrival, EVENTS_AT_ONCE):
        for stored in page:
            pin = _read(stored.event.body)
            if pin:
                yield pin
        arrival = page[-1].arrival


def _read(body: bytes | None) -> str:
    if body is None:
        return ""
    try:
        return msgspec.json.decode(body, type=_Pinning).matter.hash
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""  # an event of another kind
