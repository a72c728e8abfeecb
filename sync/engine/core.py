"""Who this node is, and what a step leaves to be done after its commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from sync.protocol.names import LogName
from sync.protocol.ports import Chance, Signer, StoredEvent, Transaction, Verifier
from sync.protocol.registers import Entry, Shelf

if TYPE_CHECKING:
    from sync.engine.tree import Tree

TREE_VERSION = "tree_version"


@dataclass(slots=True)
class Core:
    """One node's identity and its ports other than the store.

    Shapes: `authority` public keys pinned at enrolment; `root` the code of central; `parent` None
    at central; `certificate` the encoded statement that opens this epoch.
    """

    station: str
    epoch: int
    incarnation: str
    root: str
    parent: str | None
    authority: tuple[bytes, ...]
    certificate: bytes
    signer: Signer
    verifier: Verifier
    chance: Chance
    signer_from: Callable[[bytes], Signer] | None = None
    """Makes a signer of a private key drawn here; None where no voucher is ever asked for."""
    leaving: Callable[[Transaction, Shelf, Entry], None] = lambda *_: None
    """Told what an edition takes away or changes, within its transaction, so that what somebody
    still needs is kept elsewhere."""
    keys: dict[LogName, bytes] = field(default_factory=dict)
    trees: dict[tuple[str, str], Tree] = field(default_factory=dict)
    warranted: dict[bytes, bool] = field(default_factory=dict)
    """Digests of manifests in warrants, and whether the authority signed them."""

    @property
    def log(self) -> LogName:
        return LogName(self.station, self.epoch)

    @property
    def is_root(self) -> bool:
        return self.parent is None

    def epoch_unopened(self, transaction: Transaction) -> bool:
        """Return whether the keys of this epoch are there and its first event is not."""
        own = transaction.log(self.log)
        return own is None or own.position == 0

    @property
    def signer_name(self) -> str:
        return f"{self.station}/{self.epoch}"


class Switched(NamedTuple):
    """A shelf that went from one edition to another; `keys` what it touched, None if anything."""

    shelf: Shelf
    before: int
    edition: int
    keys: frozenset[str] | None


@dataclass(slots=True)
class Effects:
    """What happened in a step, for its caller to act on after the commit.

    Shapes: `stored` events new here, in arrival order; `switched` shelves, to a new edition;
    `judged` events held before count otherwise now; `more` another round is worth making at once;
    `news` something to hand up or down; `life` this node's own life moved on: an incarnation, an
    ask, a voucher, a log that is whole.
    """

    stored: list[StoredEvent] = field(default_factory=list)
    switched: list[Switched] = field(default_factory=list)
    judged: bool = False
    more: bool = False
    news: bool = False
    life: bool = False

    @property
    def shelves(self) -> list[Shelf]:
        """Return the shelves switched to a new edition."""
        return [one.shelf for one in self.switched]

    def add(self, other: Effects) -> None:
        """Take in what another step left."""
        self.stored += other.stored
        self.switched += other.switched
        self.judged = self.judged or other.judged
        self.more = self.more or other.more
        self.news = self.news or other.news
        self.life = self.life or other.life


def count(transaction: Transaction, name: str, by: int = 1) -> None:
    """Add to a named counter of this node, shown as a metric."""
    key = f"count/{name}"
    transaction.set_meta(key, str(int(transaction.meta(key) or "0") + by))
