"""What central knows of its tree: every station with its contact, log, rung and troubles.

Direct children report in their rounds; what lies deeper is known through the contacts they carry
up, else by the newest event that came in. Nothing here names an applicant.
"""

from __future__ import annotations

from typing import NamedTuple

from casework.registers import StationTree
from central import shelves
from node import health
from node.program import Node
from node.registry import Registries
from sync.engine import revocation
from sync.protocol.ports import LogState, Transaction

BY_ROUND = "round"
BY_PARENT = "parent"
BY_EVENT = "event"
NEVER = "never"
WITHHELD_AFTER_MS = 24 * 3600 * 1000
"""So long may an event be under way while its station is in contact (DESIGN 7)."""
IN_CONTACT_MS = 3600 * 1000
"""Heard of within this, a station is in contact; health comes every five minutes per tier."""
SELF = "self"


class StationLine(NamedTuple):
    """One station as central sees it.

    Units: milliseconds, 0 when never. Shapes: `contact_by` says how the last contact is known, one
    of the constants above; `unsent` is -1 when unknown; `position` is the head of its newest log
    held here, all of it on rung *central*, `backed_up` of it in a verified backup.
    """

    code: str
    name: str
    tier: str
    depth: int
    parent: str
    enrolled: bool
    last_contact_ms: int
    contact_by: str
    unsent: int
    epoch: int
    position: int
    central: int
    backed_up: int
    refused: int
    release: str
    frozen: str
    suspect: str
    revoked: bool
    below_central_ms: int
    withheld: bool

    @property
    def tier_title(self) -> str:
        return shelves.TIER_TITLES.get(self.tier, self.tier)

    def as_json(self) -> dict[str, object]:
        """Return the line as plain values, with the rungs in words."""
        facts: dict[str, object] = self._asdict()
        backed_up = self.position == self.backed_up
        facts["rung"] = "" if not self.position else "backed_up" if backed_up else "central"
        return facts


class Fleet:
    """The tree as lines; made anew for every question."""

    def __init__(self, node: Node, transaction: Transaction) -> None:
        now = node.clock_ms()
        self.now_ms = now
        self.tree: StationTree = Registries().of(transaction, now).tree
        self._own = node.core.station
        self._release = node.release
        self._transaction = transaction
        self._links = {link.station: link for link in transaction.child_links()}
        self._below = health.below(transaction)
        self._waiting = health.waiting(transaction)
        self._logs: dict[str, LogState] = {}
        self._frozen: dict[str, str] = {}
        for log in transaction.logs():
            newest = self._logs.get(log.name.station)
            if newest is None or newest.name.epoch < log.name.epoch:
                self._logs[log.name.station] = log
            if log.frozen:
                self._frozen[log.name.station] = log.frozen

    def lines(self) -> list[StationLine]:
        """Return every station, parents before their children; strangers to the tree last."""
        ordered: list[str] = []
        waiting = sorted((c for c in self.tree.codes() if not self.tree.parent(c)), reverse=True)
        while waiting:
            code = waiting.pop()
            ordered.append(code)
            waiting += reversed(self.tree.children(code))
        strangers = sorted({*self._links, *self._logs} - set(ordered))
        return [self.line(code) for code in [*ordered, *strangers]]

    def line(self, code: str) -> StationLine:
        """Return what is known of one station."""
        link, log, said = self._links.get(code), self._logs.get(code), self._below.get(code)
        contact, known_by = self._contact(code)
        own = code == self._own
        return StationLine(
            code=code,
            name=self.tree.name(code),
            tier=self.tree.tier(code),
            depth=self.tree.depth(code),
            parent=self.tree.parent(code),
            enrolled=log is not None or link is not None,
            last_contact_ms=contact,
            contact_by=known_by,
            unsent=0 if own else said.unsent if said is not None else -1,
            epoch=log.name.epoch if log is not None else 0,
            position=log.position if log is not None else 0,
            central=log.position if log is not None else 0,
            backed_up=log.backup_position if log is not None else 0,
            refused=len(self._transaction.refusals(log.name)) if log is not None else 0,
            release=self._release if own else said.release if said is not None else "",
            frozen=self._frozen.get(code, ""),
            suspect=link.suspect if link is not None else "",
            revoked=self._revoked(code),
            below_central_ms=0 if own else self._waiting.get(code, 0),
            withheld=self._withheld(code),
        )

    def _withheld(self, code: str) -> bool:
        """Return whether what a station has sent should have come long ago: somebody keeps it."""
        since = self._waiting.get(code, 0)
        if not since or code == self._own:
            return False
        newest = self._logs.get(code)
        last = self._last_received_ms(newest) if newest is not None else 0
        quiet_since = max(since, last)
        in_contact = self.now_ms - self._contact(code)[0] <= IN_CONTACT_MS
        return in_contact and self.now_ms - quiet_since > WITHHELD_AFTER_MS

    def _last_received_ms(self, log: LogState) -> int:
        last = self._transaction.log_events(log.name, log.position - 1, 1) if log.position else []
        return last[0].received_ms if last else 0

    def _revoked(self, code: str) -> bool:
        held = revocation.of(self._transaction, code)
        return held is not None and not held.trusts(self.now_ms)

    def _contact(self, code: str) -> tuple[int, str]:
        if code == self._own:
            return self.now_ms, SELF
        link = self._links.get(code)
        if link is not None and link.last_contact_ms:
            return link.last_contact_ms, BY_ROUND
        if code in self._below:
            return self._below[code].heard_ms, BY_PARENT
        log = self._logs.get(code)
        last = self._last_received_ms(log) if log is not None else 0
        return (last, BY_EVENT) if last else (0, NEVER)


def fleet(node: Node) -> list[StationLine]:
    """Return every station of the tree as it stands now."""
    with node.database.read() as transaction:
        return Fleet(node, transaction).lines()
