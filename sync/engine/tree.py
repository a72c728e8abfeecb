"""The tree of stations: from the stations register, overlaid by signed attachments."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field

import msgspec

from sync.engine.clock import day_of
from sync.engine.core import TREE_VERSION, Core
from sync.protocol import statements
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import Transaction
from sync.protocol.statements import Attachment, Revocation

REGISTER = "stations"
NATION = "000000000000"
ALL_TIERS = "all"


class StationAttributes(msgspec.Struct, frozen=True):
    """What may change of a station, from a day on."""

    name: str
    division: str
    parent: str
    valid_from: str = msgspec.field(name="from", default="")


class StationRow(msgspec.Struct, frozen=True):
    """What routing needs of a stations entry; further fields are none of its business.

    Shapes: `url` is where the station's children call it; `fallbacks` the stations that stand in
    for its parent, in the order they are tried.
    """

    code: str
    tier: str
    attributes: list[StationAttributes]
    closed: str = ""
    url: str = ""
    fallbacks: list[str] = []


WAYS_KEPT_MAX = 4096


@dataclass(slots=True)
class Tree:
    """Parents now, parents ever, who is trusted how far, and what follows from them."""

    parents: dict[str, str]
    parents_ever: dict[str, set[str]]
    tiers: dict[str, str]
    divisions: dict[str, str]
    revocations: dict[str, Revocation] = field(default_factory=dict)
    own: str = ""
    """The station whose node looks at the tree."""
    registered: dict[str, str] = field(default_factory=dict)
    """Parents by the register alone, without attachments."""
    urls: dict[str, str] = field(default_factory=dict)
    fallbacks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    children: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _subtrees: dict[str, frozenset[str]] = field(default_factory=dict)
    _scopes: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    _ways: dict[frozenset[str], tuple[str, ...]] = field(default_factory=dict)
    _versions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for station, parent in self.parents.items():
            if parent:
                self.children[parent].add(station)

    def subtree(self, station: str) -> frozenset[str]:
        """Return a station and everything below it."""
        known = self._subtrees.get(station)
        if known is None:
            found, waiting = {station}, [station]
            while waiting:
                for child in self.children.get(waiting.pop(), ()):
                    if child not in found:
                        found.add(child)
                        waiting.append(child)
            known = self._subtrees[station] = frozenset(found)
        return known

    def above_cut(self, name: EventName) -> bool:
        """Return whether an event lies above the cut of a revoked station."""
        revocation = self.revocations.get(name.station)
        return revocation is not None and revocation.above_cut(name.epoch, name.position)

    def stands_under(self, station: str, parent: str) -> bool:
        """Return whether a station is known to be, and to have been, a child of this parent."""
        known = self.parents_ever.get(station, ())
        return bool(parent) and self.parents.get(station) == parent and parent in known

    def is_child(self, station: str) -> bool:
        """Return whether a station belongs to the looking node now; one not known yet does."""
        return self.parents.get(station, "") in ("", self.own)

    def path(self, station: str) -> list[str]:
        """Return a station and its ancestors now, from below."""
        path: list[str] = []
        while station and station not in path:
            path.append(station)
            station = self.parents.get(station, "")
        return path

    def ways_up(self, members: frozenset[str]) -> tuple[str, ...]:
        """Return stations and all their ancestors now, each once, in order of codes.

        Bounds: `WAYS_KEPT_MAX` audiences are remembered; many streams have the same.
        """
        known = self._ways.get(members)
        if known is None:
            if len(self._ways) >= WAYS_KEPT_MAX:
                self._ways.clear()
            found = {station for member in members for station in self.path(member)}
            known = self._ways[members] = tuple(sorted(found))
        return known

    def child_towards(self, station: str, member: str) -> str:
        """Return the child of `station` that `member` is or lies below, empty if there is none."""
        path = self.path(member)
        at = path.index(station) if station in path else 0
        return path[at - 1] if at else ""

    def was_ancestor(self, station: str, member: str) -> bool:
        """Return whether `station` is, or by the register's history was, above `member`."""
        seen, waiting = {member}, [member]
        while waiting:
            for parent in self.parents_ever.get(waiting.pop(), ()):
                if parent == station:
                    return True
                if parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        return False

    def scopes(self, station: str) -> frozenset[tuple[str, str]]:
        """Return the (division, tier) pairs whose shelves a station subscribes to."""
        known = self._scopes.get(station)
        if known is None:
            tier = self.tiers.get(station, ALL_TIERS)
            divisions = {NATION} | {self.divisions.get(s, NATION) for s in self.path(station)}
            known = frozenset((d, t) for d in divisions for t in (tier, ALL_TIERS))
            self._scopes[station] = known
        return known

    def scopes_below(self, station: str) -> frozenset[tuple[str, str]]:
        """Return the union of `scopes` over a subtree."""
        return frozenset().union(*(self.scopes(s) for s in self.subtree(station)))

    def version(self, station: str) -> str:
        """Return a short name of the subtree's shape, equal on both ends when they agree on it."""
        known = self._versions.get(station)
        if known is None:
            members = ",".join(sorted(self.subtree(station)))
            known = self._versions[station] = hashlib.sha256(members.encode()).hexdigest()[:8]
        return known


def load(core: Core, transaction: Transaction, now_ms: int) -> Tree:
    """Return the tree as this node knows it today; one is kept in memory per version and day."""
    key = (transaction.meta(TREE_VERSION) or "", day_of(now_ms))
    tree = core.trees.get(key)
    if tree is None:
        core.trees.clear()
        tree = core.trees[key] = _build(transaction, key[1], core.station)
    return tree


def changed(transaction: Transaction) -> None:
    """Give the tree a new version name after an edition, attachment or revocation came in."""
    digest = hashlib.sha256()
    for shelf, edition in sorted(transaction.editions().items()):
        if shelf.startswith(REGISTER + "/"):
            digest.update(f"{shelf}={edition};".encode())
    for kind in (statements.ATTACHMENT, statements.REVOCATION):
        for ref, raw in transaction.statements(kind):
            digest.update(ref.encode() + raw)
    transaction.set_meta(TREE_VERSION, digest.hexdigest())


def _build(transaction: Transaction, day: str, own: str) -> Tree:
    tree = Tree({}, defaultdict(set), {}, {})
    for entry in transaction.entries(REGISTER):
        try:
            row = msgspec.json.decode(entry.raw, type=StationRow)
        except msgspec.ValidationError:
            continue  # written by a release this one does not understand: that row only
        valid = [a for a in row.attributes if a.valid_from <= day] or row.attributes[:1]
        if not valid:
            continue
        now = max(valid, key=lambda a: a.valid_from)
        tree.tiers[row.code] = row.tier
        tree.divisions[row.code] = now.division
        tree.parents[row.code] = tree.registered[row.code] = now.parent
        tree.urls[row.code], tree.fallbacks[row.code] = row.url, tuple(row.fallbacks)
        tree.parents_ever[row.code].update(a.parent for a in row.attributes if a.parent)
    revocations = {
        station: statements.decode(raw).read(Revocation)
        for station, raw in transaction.statements(statements.REVOCATION)
    }
    for _, raw in transaction.statements(statements.ATTACHMENT):
        statement = statements.decode(raw)
        attachment = statement.read(Attachment)
        revoked = revocations.get(attachment.station)
        trusted = revoked is None or revoked.trusts(LogName.parse(statement.signer).epoch)
        # Of a revoked station the register's word counts, wherever its own came before or after.
        if trusted or attachment.station not in tree.registered:
            tree.parents[attachment.station] = attachment.parent
        tree.parents_ever[attachment.station].add(attachment.parent)
    return Tree(
        tree.parents,
        tree.parents_ever,
        tree.tiers,
        tree.divisions,
        revocations,
        own,
        tree.registered,
        tree.urls,
        tree.fallbacks,
    )
