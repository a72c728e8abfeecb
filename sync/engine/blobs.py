"""The second lane, both ends: what is asked for, who may be given what, what comes of a piece."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sync.engine import case_blobs, registers, revocation, tree, trust
from sync.engine.core import Core, count
from sync.protocol import blobs as lane
from sync.protocol import canonical, rounds
from sync.protocol.blobs import Ask, Part, Standing
from sync.protocol.book import BlobBook
from sync.protocol.errors import BadSignature, Malformed, StaleAsk
from sync.protocol.limits import BLOB_ANSWER_BYTES_MAX, BLOB_PARTS_MAX, PROTOCOL_VERSION
from sync.protocol.names import LogName
from sync.protocol.ports import BlobStore, Store, Transaction

WRONG = "blobs_wrong"
"""Counter of blobs whose hash did not come out; each is asked for again."""


class Want(NamedTuple):
    """A blob under way: `size` whole, `offset` how much of it is here already."""

    sha256: str
    size: int
    offset: int


class Given(NamedTuple):
    """A part the parent gives: `given` bytes of it, or -1 when it does not."""

    part: Part
    given: int

    @property
    def head(self) -> bytes:
        """Return what goes ahead of the bytes."""
        return lane.part_head(lane.NOT_HERE if self.given < 0 else self.given)


def wanted(transaction: Transaction, blobs: BlobStore, book: BlobBook) -> list[Want]:
    """Return what this node fetches from its parent, in order of need: packs before files."""
    pieces = [(pack.sha256, pack.bytes) for pack in registers.wanted(transaction, blobs)]
    pieces += case_blobs.wished(book, blobs)
    return [Want(sha256, size, blobs.received(sha256)) for sha256, size in pieces]


def parts_of(wants: Sequence[Want], bytes_max: int) -> list[Part]:
    """Return the next ranges to ask for, together at most `bytes_max`."""
    found: list[Part] = []
    left = min(bytes_max, BLOB_ANSWER_BYTES_MAX)
    for want in wants:
        take = min(want.size - want.offset, left)
        if left <= 0 or len(found) == BLOB_PARTS_MAX:
            break
        found.append(Part(want.sha256, want.offset, take))
        left -= take
    return found


def rest_after(wants: Sequence[Want], parts: Sequence[Part]) -> list[Want]:
    """Return what is left to ask for once `parts`, the first of it, are under way."""
    asked = {part.sha256: part.offset + part.count for part in parts}
    left = [want._replace(offset=asked.get(want.sha256, want.offset)) for want in wants]
    return [want for want in left if want.offset < want.size or want.sha256 not in asked]


def make_ask(
    core: Core, transaction: Transaction, do: str, parts: Sequence[Part], data: bytes = b""
) -> bytes | None:
    """Return a signed ask; None before the parent's first answer, which brings the token."""
    link = transaction.parent_link()
    if core.parent is None or link is None or not link.token:
        return None
    ask = Ask(
        v=PROTOCOL_VERSION,
        station=core.station,
        epoch=core.epoch,
        fresh=lane.freshness(link.token),
        do=do,
        parts=list(parts),
    )
    payload = canonical.dumps(ask)
    signature = core.signer.sign(lane.ask_message(core.parent, payload))
    return lane.encode_ask(rounds.encode_header(signature, payload), data)


def receive_ask(core: Core, transaction: Transaction, raw: bytes) -> tuple[Ask, bytes]:
    """Return an ask of a child in good standing, and what it brought along.

    Raises: Malformed, LimitExceeded, UnsupportedVersion, NoCertificate, BadSignature, StaleAsk.
    """
    header, data = lane.split_ask(raw)
    signature, payload = rounds.split_header(header)
    ask = lane.decode_ask(payload)
    log = LogName(ask.station, ask.epoch)
    key = trust.station_key(core, transaction, log)
    if not core.verifier.verify(key, lane.ask_message(core.station, payload), signature):
        raise BadSignature("ask")
    link = transaction.child_link(ask.station)
    if (
        link is None
        or link.epoch != ask.epoch
        or link.suspect
        or revocation.refuses(transaction, log)
    ):
        raise StaleAsk("no standing")
    tokens = [token for token in (link.token, link.token_before) if token]
    if not any(hmac.compare_digest(lane.freshness(token), ask.fresh) for token in tokens):
        raise StaleAsk("token")
    if ask.do not in lane.DOES:
        raise Malformed("what an ask wants")
    if ask.do == lane.PUT and (len(ask.parts) != 1 or len(data) != ask.parts[0].count):
        raise Malformed("bytes brought along")
    return ask, data


def give(
    core: Core, transaction: Transaction, now_ms: int, ask: Ask, blobs: BlobStore, book: BlobBook
) -> list[Given]:
    """Return what of an ask's parts the child is given; knowing a hash is no right.

    A file of a case that is not here is wished for, so that a relay has it when it is asked again.
    Bounds: `limits.BLOB_ANSWER_BYTES_MAX` in all; of a part beyond it nothing is given this time.
    """
    shape = tree.load(core, transaction, now_ms)
    packs = {
        pack.sha256
        for shelf, manifest in registers.manifests(transaction)
        if registers.concerns(shape, ask.station, shelf)
        for pack in manifest.blobs
    }
    found: list[Given] = []
    left = BLOB_ANSWER_BYTES_MAX
    for part in ask.parts:
        readable = part.sha256 in packs
        if not readable and case_blobs.concerns(transaction, book, ask.station, part.sha256):
            readable = True
            case_blobs.wish_for_child(book, blobs, part.sha256)
        size = blobs.size(part.sha256) if readable else None
        if size is None or part.offset > size:
            found.append(Given(part, -1))
            continue
        taken = min(part.count, size - part.offset, left)
        found.append(Given(part, taken))
        left -= taken
    return found


def standing(
    transaction: Transaction,
    ask: Ask,
    part: Part,
    blobs: BlobStore,
    book: BlobBook,
    *,
    room: bool,
    station_bytes_max: int = 0,
) -> Standing:
    """Return how a child's blob stands here; `room` says whether the disk can take more.

    Shapes: `station_bytes_max` as of `case_blobs.station_is_full`.
    """
    size = case_blobs.size_of(book, part.sha256)
    concerned = case_blobs.concerns(transaction, book, ask.station, part.sha256)
    if size is None or not concerned:
        return Standing(lane.UNKNOWN, 0)
    if blobs.size(part.sha256) is not None:
        return Standing(lane.WHOLE, size)
    over = case_blobs.station_is_full(book, part.sha256, station_bytes_max)
    if over or not room or case_blobs.case_is_full(book, part.sha256):
        return Standing(lane.REFUSED, 0)
    return Standing(lane.PARTIAL, blobs.received(part.sha256))


def take_put(store: Store, blobs: BlobStore, book: BlobBook, part: Part, data: bytes) -> Standing:
    """Keep bytes a child brought along, and return how their blob stands now.

    Idempotent: bytes that are here already change nothing.
    Durable when: it returns.
    Raises: Malformed, LimitExceeded (bytes beyond the blob's end), StorageError.
    """
    size = case_blobs.size_of(book, part.sha256)
    if size is None:
        return Standing(lane.UNKNOWN, 0)
    if take_piece(store, blobs, Want(part.sha256, size, 0), part.offset, data):
        note_whole(store, blobs, book, [part.sha256])
        return Standing(lane.WHOLE, size)
    return Standing(lane.PARTIAL, blobs.received(part.sha256))


def note_whole(store: Store, blobs: BlobStore, book: BlobBook, whole: Iterable[str]) -> None:
    """Note what the manifests among blobs that are whole now say their files are made of."""
    for sha256 in whole:
        if any(one.sha256 == sha256 for one in book.named(sha256)):
            with store.write() as transaction:
                case_blobs.take_manifest(transaction, book, blobs, sha256)


def take_piece(store: Store, blobs: BlobStore, want: Want, offset: int, data: bytes) -> bool:
    """Store bytes of a blob that was asked for; return whether it is whole now.

    A blob whose hash comes out wrong is counted, dropped and wanted again.
    Durable when: it returns.
    """
    whole = blobs.put_piece(want.sha256, want.size, offset, data)
    if not whole and offset + len(data) == want.size and not blobs.received(want.sha256):
        with store.write() as transaction:
            count(transaction, WRONG)
    return whole
