"""What a node remembers of its files: numbers given, bundles taken, cursors and receipts by file.

Files have no ratchet and come late, doubled or never, so nothing here is a condition for taking an
event: it only says what need not be sent again, and what a person is to be told.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from sync.engine import receipts
from sync.engine.core import Core
from sync.engine.routing import BY_FILE
from sync.engine.tree import Tree
from sync.engine.trust import ancestors
from sync.protocol.bundles import BundleManifest, Held
from sync.protocol.names import LogName
from sync.protocol.ports import LogState, Transaction
from sync.protocol.receipts import LogReceipt

FORGOTTEN_AFTER_MS = 90 * 24 * 3600 * 1000
"""So long after its last answer by file, a node between here and central is no longer waited for:
else every stick would hold again all that this one node was not given."""
_NUMBER = "file_number"
_MADE = "file_made"
_TAKEN = "file_taken"
_NUMBERED = "file_numbered"
_HELD = "file_held"
_RECEIPT = "file_receipt"
_EDITIONS = "file_editions"
_ACKNOWLEDGED = "file_acknowledged"
_VERDICT = "file_verdict"


class ByFile(NamedTuple):
    """How far a node above this one said by file that it holds a log. Units: milliseconds."""

    issuer: str
    incarnation: str
    position: int
    taken_ms: int


class Made(NamedTuple):
    """The newest bundle written on one way. Units: milliseconds. Shapes: number 0 for none."""

    number: int
    at_ms: int
    events: int


NOBODY = ByFile("", "", 0, 0)


def next_number(core: Core, transaction: Transaction, way: str, to: str) -> int:
    """Return the number of the next bundle on this way; a new incarnation begins at 1 again."""
    ref = f"{way}/{to}"
    incarnation, _, last = (transaction.statement(_NUMBER, ref) or b"").decode().partition(" ")
    number = int(last) + 1 if incarnation == core.incarnation else 1
    transaction.put_statement(_NUMBER, ref, f"{core.incarnation} {number}".encode())
    return number


def is_taken(transaction: Transaction, digest: str) -> bool:
    """Return whether the bundle whose manifest has this hash was taken in whole before."""
    return transaction.statement(_TAKEN, digest) is not None


def note_taken(transaction: Transaction, digest: str, now_ms: int) -> None:
    """Remember for ever that a bundle was taken in whole."""
    transaction.put_statement(_TAKEN, digest, str(now_ms).encode())


def is_number_used(transaction: Transaction, made: BundleManifest, digest: str) -> bool:
    """Return whether another bundle came under the same number: its maker forgot it gave that out.

    The number of this one is remembered from now on.
    """
    ref = f"{made.station}/{made.way}/{made.incarnation}/{made.number}"
    before = transaction.statement(_NUMBERED, ref)
    if before is None:
        transaction.put_statement(_NUMBERED, ref, digest.encode())
    return before is not None and before != digest.encode()


def last_taken(transaction: Transaction, maker: str, way: str) -> tuple[str, int]:
    """Return (incarnation, number) of the newest bundle taken from a maker; ("", 0) for none."""
    raw = (transaction.statement(BY_FILE, f"{maker}/{way}") or b"").decode()
    incarnation, _, number = raw.partition(" ")
    return (incarnation, int(number)) if raw else ("", 0)


def note_last(
    transaction: Transaction, maker: str, way: str, incarnation: str, number: int
) -> None:
    """Remember the newest bundle taken from a maker; an older one changes nothing."""
    if (incarnation, number) > last_taken(transaction, maker, way):
        transaction.put_statement(BY_FILE, f"{maker}/{way}", f"{incarnation} {number}".encode())


def held(transaction: Transaction) -> list[Held]:
    """Return how far this node holds what each node above it sent, by file or over the link."""
    found: dict[str, Held] = {}
    for issuer, raw in transaction.statements(_HELD):
        incarnation, _, sequence = raw.decode().partition(" ")
        found[issuer] = Held(issuer, incarnation, int(sequence))
    link = transaction.parent_link()
    if link is not None and link.incarnation:
        by_link = Held(link.station, link.incarnation, link.received)
        by_file = found.get(link.station)
        by_file_at = ("", 0) if by_file is None else (by_file.incarnation, by_file.sequence)
        if by_file_at < (by_link.incarnation, by_link.sequence):
            found[link.station] = by_link
    return sorted(found.values(), key=lambda one: one.issuer)


def held_of(transaction: Transaction, issuer: str, incarnation: str) -> int:
    """Return how far what this life of a node sent down is held here."""
    for one in held(transaction):
        if one.issuer == issuer and one.incarnation == incarnation:
            return one.sequence
    return 0


def note_held(transaction: Transaction, issuer: str, incarnation: str, sequence: int) -> None:
    """Remember how far what a node sent is held, by file and, if it is the parent, on the link."""
    transaction.put_statement(_HELD, issuer, f"{incarnation} {sequence}".encode())


def is_past_life(transaction: Transaction, issuer: str, incarnation: str) -> bool:
    """Return whether a newer life of the issuer is known here than the one that made a bundle."""
    newest = max((h.incarnation for h in held(transaction) if h.issuer == issuer), default="")
    return incarnation < newest


def note_receipt(
    transaction: Transaction, issuer: str, incarnation: str, receipt: LogReceipt, now_ms: int
) -> bool:
    """Book what an ancestor says by file that it holds; return whether that is more than before.

    A receipt over another content books nothing. One of a newer life of the issuer counts for
    itself, though it covers less.
    """
    log = transaction.log(receipt.log)
    if log is None or receipt.pos > log.position:
        return False
    if receipts.chain_at(transaction, log, receipt.pos) != receipt.chain:
        return False
    ref = f"{receipt.station}/{receipt.epoch}/{issuer}"
    before = _receipt(transaction, ref)
    if before is not None and (incarnation, receipt.pos) < before[:2]:
        return False
    raw = f"{incarnation} {receipt.pos} {now_ms}"
    transaction.put_statement(_RECEIPT, ref, raw.encode())
    return before is None or receipt.pos > before[1]


def _receipt(transaction: Transaction, ref: str) -> tuple[str, int, int] | None:
    raw = transaction.statement(_RECEIPT, ref)
    if raw is None:
        return None
    incarnation, position, taken_ms = raw.decode().split()
    return incarnation, int(position), int(taken_ms)


def receipts_of(core: Core, shape: Tree, transaction: Transaction, log: LogName) -> list[ByFile]:
    """Return what the present nodes above this one said by file of a log, the furthest first."""
    found: list[ByFile] = []
    for issuer in ancestors(core, shape, transaction):
        booked = _receipt(transaction, f"{log.station}/{log.epoch}/{issuer}")
        if booked is not None and not is_past_life(transaction, issuer, booked[0]):
            found.append(ByFile(issuer, *booked))
    return sorted(found, key=lambda one: -one.position)


def furthest(core: Core, transaction: Transaction) -> ByFile:
    """Return which node above said by file to hold most of this node's own log; 0 for nobody."""
    found = NOBODY
    for issuer, _ in transaction.statements(_HELD):
        booked = _receipt(transaction, f"{core.station}/{core.epoch}/{issuer}")
        if booked is None or is_past_life(transaction, issuer, booked[0]):
            continue
        if booked[1] > found.position:
            found = ByFile(issuer, *booked)
    return found


def base(core: Core, shape: Tree, transaction: Transaction, log: LogState, now_ms: int) -> int:
    """Return up to where every node above that a file may be brought to holds a log.

    Central's signed receipt was carried by all of them; who answered by file said so himself.
    """
    central, life = log.central_position, receipts.central_life(transaction, log.name)
    others: list[int] = []
    for said in receipts_of(core, shape, transaction, log.name):
        if said.issuer == core.root:
            newer = said.incarnation > life
            central = said.position if newer else max(central, said.position)
        elif now_ms - said.taken_ms <= FORGOTTEN_AFTER_MS:
            others.append(said.position)
    return min([central, *others])


def editions_of(transaction: Transaction, station: str) -> dict[str, int]:
    """Return the editions a station below said by file to have in use."""
    raw = transaction.statement(_EDITIONS, station)
    return {} if not raw else msgspec.json.decode(raw, type=dict[str, int])


def note_editions(transaction: Transaction, station: str, editions: dict[str, int]) -> None:
    """Remember the editions a station below has in use."""
    transaction.put_statement(_EDITIONS, station, msgspec.json.encode(editions))


def acknowledged(core: Core, transaction: Transaction, station: str) -> int:
    """Return up to where a station below said by file to hold what this life of this node sent."""
    raw = (transaction.statement(_ACKNOWLEDGED, station) or b"").decode()
    incarnation, _, sequence = raw.partition(" ")
    return int(sequence) if incarnation == core.incarnation else 0


def note_acknowledged(core: Core, transaction: Transaction, station: str, sequence: int) -> None:
    """Remember how far a station below holds what this node sent; 0 when it begins anew."""
    raw = f"{core.incarnation} {sequence}"
    transaction.put_statement(_ACKNOWLEDGED, station, raw.encode())


def verdict_on(transaction: Transaction, station: str) -> str:
    """Return what this node found when it last took in a bundle of a station; "" for nothing."""
    return (transaction.statement(_VERDICT, station) or b"").decode()


def note_verdict(transaction: Transaction, station: str, verdict: str) -> None:
    """Remember what is to be told a station in the next bundle to it."""
    transaction.put_statement(_VERDICT, station, verdict.encode())


def note_made(transaction: Transaction, way: str, to: str, made: Made) -> None:
    """Remember the newest bundle that was written whole."""
    raw = f"{made.number} {made.at_ms} {made.events}"
    transaction.put_statement(_MADE, f"{way}/{to}", raw.encode())


def made(transaction: Transaction, way: str, to: str) -> Made:
    """Return the newest bundle written on a way."""
    raw = transaction.statement(_MADE, f"{way}/{to}")
    return Made(*(int(part) for part in raw.split())) if raw is not None else Made(0, 0, 0)
