"""Bundles to be carried away: up to every node above, or down to one station below.

Each holds all that its reader is not known to hold, so a lost one leaves no gap: the next one has
it too. Making one is two steps: `begin_*` books its number in a short write, `*_frames` reads the
rest from a snapshot, part by part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sync.engine import file_book, halt, notices, outbox, receipts, registers, routing, tree, trust
from sync.engine.core import Core
from sync.engine.record import own_log
from sync.protocol import bundles, canonical, frames, statements
from sync.protocol.bundles import BundleFacts, Range
from sync.protocol.envelope import Event
from sync.protocol.errors import BundleNotOurs
from sync.protocol.frames import BlobPiece, Frame
from sync.protocol.limits import (
    BUNDLE_RANGES_MAX,
    FRAME_PLAIN_BYTES_TARGET,
    PROTOCOL_VERSION,
    RECEIPTS_MAX,
)
from sync.protocol.names import LogName
from sync.protocol.ports import BlobStore, LogState, Transaction
from sync.protocol.receipts import LogReceipt
from sync.protocol.rounds import Hole

EVENTS_PER_PAGE = 100
RECEIPTS_PER_FRAME = 500
HOLES_MAX = 2000
OWED_MAX = 1_000_000
BLOB_PIECE_BYTES = 128 * 1024


@dataclass(slots=True)
class Draft:
    """A bundle in the making.

    Shapes: `readers` are (log name, encryption key); `ahead` the frames known so far; `packs` the
    names of blobs to put in; `through` the link sequence a bundle down goes to.
    """

    way: str
    to: str
    number: int
    readers: list[tuple[LogName, bytes]]
    ranges: list[Range]
    ahead: list[Frame] = field(default_factory=list)
    packs: list[str] = field(default_factory=list)
    after: int = 0
    through: int = 0
    events: int = 0


def begin_up(core: Core, transaction: Transaction, now_ms: int) -> Draft:
    """Return a bundle to whichever node above: what this node and its subtree hold beyond `base`.

    Raises: BundleNotOurs (no node above is known that it could be sealed to).
    """
    shape = tree.load(core, transaction, now_ms)
    readers = trust.readers(core, transaction, trust.ancestors(core, shape, transaction))
    if not readers:
        raise BundleNotOurs("no certificate of a node above")
    ranges = _ranges(core, shape, transaction, now_ms)
    draft = Draft(
        bundles.UP,
        "",
        file_book.next_number(core, transaction, bundles.UP, ""),
        readers,
        ranges,
    )
    own = own_log(core, transaction)
    holes = [h for r in ranges for h in _holes(transaction, r)][:HOLES_MAX]
    facts = BundleFacts(
        v=PROTOCOL_VERSION,
        station=core.station,
        epoch=core.epoch,
        incarnation=core.incarnation,
        number=draft.number,
        position=own.position,
        chain=own.chain,
        held=file_book.held(transaction),
        editions=transaction.editions(),
        holes=holes,
    )
    draft.ahead += frames.statement_frames(_introductions(core, shape, transaction, ranges))
    draft.ahead.append(Frame(frames.BUNDLE_FACTS, canonical.dumps(facts)))
    return draft


def _ranges(core: Core, shape: tree.Tree, transaction: Transaction, now_ms: int) -> list[Range]:
    found: list[Range] = []
    own_first = sorted(
        transaction.logs(), key=lambda log: (log.name.station != core.station, log.name)
    )
    halted = halt.halted(transaction) is not None
    for log in own_first:
        if halted and log.name.station == core.station:
            continue  # not until it is known which copy goes on
        after = file_book.base(core, shape, transaction, log, now_ms)
        if log.position > after and len(found) < BUNDLE_RANGES_MAX:
            found.append(Range(log.name.station, log.name.epoch, after, log.position))
    return found


def _holes(transaction: Transaction, part: Range) -> list[Hole]:
    return [
        Hole(part.station, part.epoch, hole.position, hole.reason, hole.hash)
        for hole in transaction.refusals(LogName(part.station, part.epoch))
        if hole.hash and part.after < hole.position <= part.through
    ]


def _introductions(
    core: Core, shape: tree.Tree, transaction: Transaction, ranges: Iterable[Range]
) -> list[bytes]:
    """Return the certificates of all logs in the bundle, and who is attached to whom."""
    found = [core.certificate]
    signers = [LogName(part.station, part.epoch) for part in ranges]
    below = shape.subtree(core.station)
    attached = transaction.statements(statements.ATTACHMENT)
    notes = [raw for station, raw in attached if station in below]
    for item in transaction.outbox(routing.UP, 0, RECEIPTS_MAX):
        raw_owed = transaction.statement(item.kind, item.ref)
        if raw_owed is not None and raw_owed not in notes:
            notes.append(raw_owed)
    for note in notes:
        signer = statements.decode(note).signer
        if "/" in signer:
            signers.append(LogName.parse(signer))
    for log in dict.fromkeys(signers):
        certificate = transaction.certificate(log)
        if certificate is not None and certificate not in found:
            found.append(certificate)
    return [*found, *notes]


def begin_down(core: Core, transaction: Transaction, now_ms: int, station: str) -> Draft:
    """Return a bundle to one station below: receipts, and all that its link owes it.

    Raises: BundleNotOurs (not below this node, or it never showed its certificate).
    """
    shape = tree.load(core, transaction, now_ms)
    readers = trust.readers(core, transaction, [station])
    link = transaction.child_link(station)
    if not readers or link is None or station == core.station:
        raise BundleNotOurs(f"{station} was never heard of")
    if core.is_root:
        notices.make_time_mark(core, transaction, now_ms)
    below = shape.subtree(station)
    logs = [log for log in transaction.logs() if log.name.station in below]
    if core.is_root:
        for log in logs:
            receipts.issue_central(core, transaction, now_ms, log)
    draft = Draft(
        bundles.DOWN,
        station,
        file_book.next_number(core, transaction, bundles.DOWN, station),
        readers,
        [],
        after=file_book.acknowledged(core, transaction, station),
    )
    draft.through = max(transaction.last_sequence(station), draft.after)
    owed = transaction.outbox(station, draft.after, OWED_MAX)
    draft.events = sum(item.kind == routing.EVENT for item in owed)
    draft.packs = _packs(shape, transaction, station)
    given = [receipts.give(transaction, log) for log in logs]
    draft.ahead = _down_facts(core, transaction, draft, given)
    draft.ahead += frames.statement_frames(_credentials(core, shape, transaction, logs))
    return draft


def _down_facts(
    core: Core, transaction: Transaction, draft: Draft, given: list[LogReceipt]
) -> list[Frame]:
    frozen = [
        f"{receipt.station}/{receipt.epoch}"
        for receipt in given
        if (log := transaction.log(receipt.log)) is not None and log.frozen
    ]
    found: list[Frame] = []
    for at in range(0, max(len(given), 1), RECEIPTS_PER_FRAME):
        facts = BundleFacts(
            v=PROTOCOL_VERSION,
            station=core.station,
            epoch=core.epoch,
            incarnation=core.incarnation,
            number=draft.number,
            receipts=given[at : at + RECEIPTS_PER_FRAME],
            frozen=[] if at else frozen,
            verdict=file_book.verdict_on(transaction, draft.to),
            after=draft.after,
            through=draft.through,
        )
        found.append(Frame(frames.BUNDLE_FACTS, canonical.dumps(facts)))
    return found


def _credentials(
    core: Core, shape: tree.Tree, transaction: Transaction, logs: Iterable[LogState]
) -> list[bytes]:
    """Return the certificates of this node and those above, and central's receipts for the logs."""
    found = [core.certificate]
    for log, _ in trust.readers(core, transaction, trust.ancestors(core, shape, transaction)):
        found.append(transaction.certificate(log) or b"")
    notes: list[bytes] = []
    for state in logs:
        for raw in receipts.held_of(transaction, state.name):
            certificate = transaction.certificate(LogName.parse(statements.decode(raw).signer))
            if certificate is not None and certificate not in found:
                found.append(certificate)
            notes.append(raw)
    return [*found, *notes]


def _packs(shape: tree.Tree, transaction: Transaction, station: str) -> list[str]:
    """Return the packs of editions that concern the station and that it did not say it has."""
    has = file_book.editions_of(transaction, station)
    found = [
        blob.sha256
        for shelf, manifest in registers.manifests(transaction)
        if registers.concerns(shape, station, shelf)
        and registers.is_news(manifest, has.get(str(shelf), 0))
        for blob in (
            manifest.blobs
            if len(shape.subtree(station)) > 1
            else registers.lacked(manifest, has.get(str(shelf), 0))
        )
    ]
    return list(dict.fromkeys(found))


def up_frames(transaction: Transaction, draft: Draft) -> Iterator[Frame]:
    """Yield the frames of a bundle up, from one snapshot."""
    yield from draft.ahead
    batch: list[Event] = []
    size = 0
    for part in draft.ranges:
        for event in _events(transaction, part):
            batch.append(event)
            draft.events += 1
            size += frames.event_bytes(event)
            if size > FRAME_PLAIN_BYTES_TARGET:
                yield frames.encode_events(0, batch)
                batch, size = [], 0
    if batch:
        yield frames.encode_events(0, batch)


def _events(transaction: Transaction, part: Range) -> Iterator[Event]:
    after = part.after
    while page := transaction.log_events(LogName(part.station, part.epoch), after, EVENTS_PER_PAGE):
        for stored in page:
            if stored.name.position > part.through:
                return
            yield stored.event
        after = page[-1].name.position


def down_frames(transaction: Transaction, draft: Draft, blobs: BlobStore) -> Iterator[Frame]:
    """Yield the frames of a bundle down, from one snapshot; packs behind everything else."""
    yield from draft.ahead
    after, more = draft.after, True
    while more and after < draft.through:
        load = outbox.load(transaction, draft.to, after, frames.NO_DICTIONARY)
        yield from load.frames
        more, after = load.more, load.through
    for sha256 in draft.packs:
        size, at = blobs.size(sha256), 0
        while size is not None and at < size:
            data = blobs.read(sha256, at, BLOB_PIECE_BYTES)
            if not data:
                break
            yield frames.encode_blob(BlobPiece(sha256, size, at, data))
            at += len(data)
