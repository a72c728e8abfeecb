"""Small packs and deltas that go along with their manifest, in the same answer of a round."""

from __future__ import annotations

from sync.engine import registers
from sync.engine.outbox import Load
from sync.engine.parent import Session
from sync.protocol import frames, statements
from sync.protocol.frames import BlobPiece, Frame
from sync.protocol.limits import BLOB_ALONG_BYTES_MAX, FRAME_BYTES_TARGET
from sync.protocol.ports import BlobStore, Transaction
from sync.protocol.registers import Manifest

_GIVEN = "given_edition"
"""Per child and shelf: its incarnation, the sequence an edition went with, it, the one before."""


def small_blobs(
    transaction: Transaction, session: Session, load: Load, after: int, blobs: BlobStore
) -> list[Frame]:
    """Return the small blobs of the manifests in an answer: an ask would cost more than they.

    Of an edition whose forerunner the child was given, only the deltas from there. The rest is
    asked for on the second lane.
    """
    found: dict[str, Frame] = {}
    left = FRAME_BYTES_TARGET
    for raw in load.manifests:
        manifest = statements.decode(raw).read(Manifest)
        known = _given_before(transaction, session, manifest, after, load.through)
        path = registers.path_from(manifest, known) if known else None
        for blob in manifest.blobs if path is None else path:
            small = blob.bytes <= min(BLOB_ALONG_BYTES_MAX, left) and blob.sha256 not in found
            if small and blobs.size(blob.sha256) == blob.bytes:
                data = blobs.read(blob.sha256, 0, blob.bytes)
                found[blob.sha256] = frames.encode_blob(BlobPiece(blob.sha256, blob.bytes, 0, data))
                left -= blob.bytes
    return list(found.values())


def _given_before(
    transaction: Transaction, session: Session, manifest: Manifest, after: int, through: int
) -> int:
    """Book that a child is given an edition; return the one it was given before, 0 if none.

    What was given in an answer that the child has not acknowledged does not count.
    """
    link = transaction.child_link(session.child)
    life = link.incarnation if link is not None else ""
    ref = f"{session.child}/{manifest.shelf}"
    raw = transaction.statement(_GIVEN, ref)
    known = session.hello.editions.get(manifest.shelf, 0)
    if raw is not None and raw.split()[0].decode() == life:
        sent, edition, before = (int(part) for part in raw.split()[1:])
        known = edition if sent <= after else before
    mark = f"{life} {through} {manifest.edition} {known}"
    transaction.put_statement(_GIVEN, ref, mark.encode())
    return known
