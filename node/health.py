"""What this node says of itself and of its subtree in a round: when it changed, at least hourly."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from node.situation import Situation
from sync.protocol.ports import ChildLink, Transaction
from sync.protocol.statements import Below, Health

EVERY_MS = 3_600_000
BELOW_EVERY_MS = 300_000
"""Times of contact of the subtree are not older than this per tier; nothing else waits for it."""


def of_child(link: ChildLink) -> Health | None:
    """Return what a child last said of itself, None before it said anything."""
    return msgspec.json.decode(link.health, type=Health) if link.health else None


def below(transaction: Transaction) -> dict[str, Below]:
    """Return what is known of every station of the subtree, each as its own parent heard it."""
    known: dict[str, Below] = {}
    # Who only came by stick, past its parent, last: what its parent says of it stays.
    for link in sorted(transaction.child_links(), key=lambda one: not one.health):
        said = of_child(link)
        if said is None:
            told = known.get(link.station, Below(0))
            heard_ms = max(told.heard_ms, link.last_contact_ms)
            known[link.station] = replace(told, heard_ms=heard_ms)
            continue
        known.update(said.below)
        known[link.station] = Below(
            link.last_contact_ms,
            said.unsent,
            said.oldest_unsent_ms,
            said.set_aside,
            said.release,
        )
    return known


def waiting(transaction: Transaction) -> dict[str, int]:
    """Return since when stations of the subtree wait for central's receipt, those that do."""
    known: dict[str, int] = {}
    for link in transaction.child_links():
        said = of_child(link)
        if said is not None:
            known.update(said.waiting)
            if said.oldest_below_central_ms:
                known[link.station] = said.oldest_below_central_ms
    return known


BELOW_MAX = 2000
"""A hello has a limit; of more stations, those heard of last."""


class HealthReporter:
    """Decides when health is worth its bytes."""

    def __init__(self, release: str, started_ms: int) -> None:
        self._release = release
        self._started_ms = started_ms
        self._told: bytes = b""
        self._told_at_ms = 0

    def news(
        self,
        now_ms: int,
        state: Situation,
        subtree: dict[str, Below],
        waiting: dict[str, int],
        database_bytes: int,
    ) -> Health | None:
        """Return this node's health if it changed or was not told for a while, else None."""
        health = Health(
            release=self._release,
            started_ms=self._started_ms,
            unsent=state.rungs.local,
            oldest_unsent_ms=state.oldest_unsent_ms,
            set_aside=state.set_aside,
            database_bytes=database_bytes,
            oldest_below_central_ms=state.oldest_below_central_ms,
        )
        timeless = {code: replace(one, heard_ms=0) for code, one in sorted(subtree.items())}
        every = BELOW_EVERY_MS if subtree else EVERY_MS
        # That something waits is worth telling at once, since when is not.
        waits = (bool(health.oldest_below_central_ms), sorted(waiting))
        shape = msgspec.json.encode((health.unsent, health.set_aside, waits, timeless))
        if shape == self._told and now_ms - self._told_at_ms < every:
            return None
        self._told, self._told_at_ms = shape, now_ms
        if len(subtree) > BELOW_MAX:
            heard = sorted(subtree, key=lambda code: -subtree[code].heard_ms)
            subtree = {code: subtree[code] for code in heard[:BELOW_MAX]}
        longest = sorted(waiting, key=waiting.__getitem__)[:BELOW_MAX]
        return replace(health, below=subtree, waiting={code: waiting[code] for code in longest})

    def lost(self) -> None:
        """Tell everything again: the round that carried it was not answered."""
        self._told = b""
