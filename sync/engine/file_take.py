"""Bundles that were carried here: admitted by their head, then taken slice by slice.

Up: from a station anywhere below, its parent or not. Down: from any node above. An old bundle is as
good as a new one for what it carries, events and statements that prove themselves; only its cursors
are passed over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from sync.engine import clock, file_book, file_down, file_up, revocation, tree, trust
from sync.engine.core import Core, Effects
from sync.engine.file_session import Session
from sync.protocol import bundles, frames
from sync.protocol.bundles import BundleManifest
from sync.protocol.errors import (
    BadSignature,
    BundleNotOurs,
    BundleOwn,
    BundleRevoked,
    LimitExceeded,
    Malformed,
    PeerProtocolError,
)
from sync.protocol.frames import Frame
from sync.protocol.limits import BUNDLE_FACTS_MAX
from sync.protocol.names import LogName
from sync.protocol.ports import BlobStore, Transaction
from sync.protocol.statements import Statement

SLICE_BYTES = 768 * 1024
"""Four frames of the usual size."""


def admit(
    core: Core, transaction: Transaction, now_ms: int, head: Statement, manifest: BundleManifest
) -> Session:
    """Return the session of a bundle whose head verifies; nothing is kept of one that does not.

    Raises: BundleOwn, BadSignature, VoucherRefused, Malformed, BundleRevoked, BundleNotOurs.
    """
    log = LogName(manifest.station, manifest.epoch)
    if manifest.station == core.station:
        raise BundleOwn(f"number {manifest.number}")
    certificate, _ = trust.read_certificate(core, manifest.certificate)
    signed = core.verifier.verify(certificate.sign_key, head.message(), head.signature)
    if (certificate.station, certificate.epoch) != log or not signed:
        raise BadSignature("head of a bundle")
    if head.signer != f"{log.station}/{log.epoch}":
        raise BadSignature("bundle signed by another than its maker")
    if revocation.refuses(transaction, log):
        raise BundleRevoked(head.signer)
    up = manifest.way == bundles.UP
    latest = max(now_ms, clock.trusted_ms(transaction, now_ms) or 0)
    first_hand_ms = latest if up else None
    trust.take_certificate(core, transaction, manifest.certificate, first_hand_ms=first_hand_ms)
    digest = hashlib.sha256(head.payload).hexdigest()
    already = file_book.is_taken(transaction, digest)
    session = Session(manifest, digest, already=already, source=core.parent or "")
    if not up:
        shape = tree.load(core, transaction, now_ms)
        if manifest.station not in trust.ancestors(core, shape, transaction):
            raise BundleNotOurs(manifest.station)
    return session


def slices(content: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Yield the frames of a bundle by what is taken in one transaction: of events several at once.

    Nobody waits for a receipt of each, so that one commit serves some hundred events; whoever else
    writes at this node waits for no more than that. What was whole before an error comes first.
    Bounds: `SLICE_BYTES` and one frame.
    """
    some: list[Frame] = []
    size = 0
    try:
        for frame in content:
            if some and frame.type != frames.EVENTS:
                yield some
                some, size = [], 0
            some.append(frame)
            size += len(frame.payload)
            if frame.type != frames.EVENTS or size >= SLICE_BYTES:
                yield some
                some, size = [], 0
    except PeerProtocolError:
        if some:
            yield some
        raise
    if some:
        yield some


def take_frame(
    core: Core,
    transaction: Transaction,
    now_ms: int,
    session: Session,
    blobs: BlobStore,
    frame: Frame,
) -> Effects:
    """Take one frame of an admitted bundle.

    Raises: Malformed, LimitExceeded, BadSignature, BundleNotOurs; the frames before it stay.
    """
    up = session.manifest.way == bundles.UP
    if frame.type == frames.BUNDLE_FACTS:
        session.facts_seen += 1
        if session.facts_seen > BUNDLE_FACTS_MAX:
            raise LimitExceeded("facts of a bundle")
        facts = bundles.decode_facts(frame.payload)
        session.identify(facts)
        take_facts = file_up.take_facts if up else file_down.take_facts
        take_facts(core, transaction, now_ms, session, facts)
        session.facts = session.facts or facts
        return Effects()
    if frame.type == frames.STATEMENTS:
        take_statements = file_up.take_statements if up else file_down.take_statements
        return take_statements(core, transaction, now_ms, session, frame.payload)
    if session.facts is None:
        raise Malformed("content before the facts of a bundle")
    if frame.type == frames.EVENTS:
        take_events = file_up.take_events if up else file_down.take_events
        return take_events(core, transaction, now_ms, session, frame.payload)
    if frame.type == frames.BLOB and not up:
        return file_down.take_blob(transaction, blobs, frame.payload)
    return Effects()


def finish(core: Core, transaction: Transaction, now_ms: int, session: Session) -> None:
    """Book that a bundle was taken in whole; one with gaps may be brought again."""
    made = session.manifest
    if session.facts is None:
        raise Malformed("a bundle without facts")
    incarnation, last = file_book.last_taken(transaction, made.station, made.way)
    before = last if incarnation == made.incarnation else 0
    if made.number > before + 1:
        session.missing = (before + 1, made.number - 1)
    file_book.note_last(transaction, made.station, made.way, made.incarnation, made.number)
    if not session.gaps and not session.failed and session.contiguous:
        file_book.note_taken(transaction, session.digest, now_ms)
    if made.way == bundles.UP:
        file_up.give_receipts(core, transaction, now_ms, session)
