"""When the ends of an idle link hold differently: compared per author, offered where it differs.

The child notices (the answer's digest is not its own although nothing is owed) and sends its lines
with the next request, once per difference. The parent offers again what it holds of the authors
whose lines differ, unless the child holds more of one than the parent does: what the child has
beyond it no offer can change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from sync.engine import routing
from sync.engine.core import count
from sync.engine.tree import Tree
from sync.protocol import canonical, digest, frames
from sync.protocol.bodies import AuthorDigest
from sync.protocol.errors import LimitExceeded
from sync.protocol.frames import Frame
from sync.protocol.limits import AUTHORS_MAX, STATEMENT_BYTES_MAX
from sync.protocol.ports import ParentLink, StoredEvent, Transaction
from sync.protocol.rounds import Answer, Hello

_DUE = "compare_due"
_DONE = "compare_done"
_TOLD_AT = "compare_told_ms"
EVERY_MS = 60_000


class Line(NamedTuple):
    """What is held of one author."""

    events: int
    digest: bytes


def lines(events: Iterable[StoredEvent]) -> dict[str, Line]:
    """Return what these events come to per author."""
    found: dict[str, Line] = {}
    for event in events:
        line = found.get(event.name.station, Line(0, digest.EMPTY))
        total = digest.add(line.digest, event.event.hash)
        found[event.name.station] = Line(line.events + 1, total)
    return found


def notice(
    transaction: Transaction, link: ParentLink, answer: Answer, tree_version: str, now_ms: int
) -> bool:
    """Note whether the ends differ although nothing is owed; return whether lines are due.

    A parent that is still fetching what it lacks differs otherwise each time: it is told once a
    minute.
    """
    owed = answer.more or answer.through > link.received
    if owed or answer.tree != tree_version or len(answer.digest) != digest.DIGEST_BYTES:
        return False
    apart = "" if answer.digest == link.digest else _apart(answer.digest, link.digest)
    if not apart:
        transaction.set_meta(_DONE, "")
    if not apart or apart == transaction.meta(_DONE):
        return False
    told_ms = int(transaction.meta(_TOLD_AT) or "0")
    if transaction.meta(_DONE) and abs(now_ms - told_ms) < EVERY_MS:
        return False
    transaction.set_meta(_DUE, apart)
    transaction.set_meta(_TOLD_AT, str(now_ms))
    return True


def due(shape: Tree, transaction: Transaction, station: str, parent: str) -> list[Frame]:
    """Return the frame with this node's lines if they are due; the same difference is told once."""
    apart = transaction.meta(_DUE)
    if not apart:
        return []
    transaction.set_meta(_DUE, "")
    transaction.set_meta(_DONE, apart)
    held = lines(routing.held_from_above(shape, transaction, station, parent))
    told = [AuthorDigest(author, *line) for author, line in sorted(held.items())]
    return [Frame(frames.COMPARE, canonical.dumps(told[:AUTHORS_MAX]))]


def forget(transaction: Transaction) -> None:
    """Have the difference told again that a request without an answer may have told."""
    transaction.set_meta(_DONE, "")


def read(payload: bytes) -> list[AuthorDigest]:
    """Return the lines of a COMPARE frame. Raises: Malformed, LimitExceeded."""
    found = canonical.load_as(payload, list[AuthorDigest], bytes_max=STATEMENT_BYTES_MAX)
    if len(found) > AUTHORS_MAX:
        raise LimitExceeded("authors")
    return found


def offer(
    shape: Tree, transaction: Transaction, hello: Hello, told: Sequence[AuthorDigest]
) -> None:
    """Owe a child again what it lacks by its lines; once per difference."""
    link = transaction.child_link(hello.station)
    if link is None or hello.tree != shape.version(hello.station):
        return
    routing.derive_link(shape, transaction, hello.station, quiet=True)
    link = transaction.child_link(hello.station) or link
    apart = digest.difference(link.digest, hello.digest)
    if hello.digest == link.digest or apart == link.healed:
        return
    transaction.put_child_link(replace(link, healed=apart))
    count(transaction, "links_compared")
    events = list(routing.owed(shape, transaction, hello.station))
    ours = lines(events)
    theirs = {line.author: Line(line.count, line.digest) for line in told}
    differing = {
        author
        for author, line in ours.items()
        if line != theirs.get(author) and theirs.get(author, line).events <= line.events
    }
    if not differing:
        return
    for event in events:
        if event.name.station in differing:
            routing.owe_certificate(transaction, link, event.name.log)
            transaction.enqueue(hello.station, routing.EVENT, str(event.name))
    count(transaction, "links_healed")


def _apart(ours: bytes, theirs: bytes) -> str:
    return digest.difference(ours, theirs).hex()
