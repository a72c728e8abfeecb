"""What only central does: vouchers for stations, editions of registers."""

from __future__ import annotations

from collections.abc import Sequence

from sync.engine import clock, editions, publishing, registers, tree
from sync.engine.core import Core, Effects
from sync.protocol import canonical, statements
from sync.protocol.limits import PROTOCOL_VERSION
from sync.protocol.merkle import merkle_root
from sync.protocol.ports import BlobStore, Signer, Transaction
from sync.protocol.registers import Entry, Manifest, Shelf
from sync.protocol.statements import Certificate, Statement, Voucher

ONLINE = "online"
FERRY = "ferry"
VOUCHER_MS = {ONLINE: 24 * 3600 * 1000, FERRY: 45 * 24 * 3600 * 1000}
"""How long a voucher may be used: 24 h online (DESIGN 10), the ferry timestamp's 45 days by stick
(research reliability 7)."""
STALE_AFTER_MS = {ONLINE: 24 * 3600 * 1000, FERRY: 45 * 24 * 3600 * 1000}


def make_voucher(
    authority: Signer, station: str, now_ms: int, one_use_key: bytes, profile: str, serial: str
) -> bytes:
    """Return an encoded voucher that lets `station` open the epoch `now_ms` with its own key."""
    voucher = Voucher(
        v=PROTOCOL_VERSION,
        station=station,
        epoch=now_ms,
        key=one_use_key,
        issued_ms=now_ms,
        not_after_ms=now_ms + VOUCHER_MS[profile],
        profile=profile,
        serial=serial,
    )
    return statements.encode(_sign(authority, statements.VOUCHER, canonical.dumps(voucher)))


def make_certificate(voucher: bytes, one_use: Signer, sign_key: bytes, encrypt_key: bytes) -> bytes:
    """Return the encoded certificate a station makes for its fresh keys with its voucher."""
    named = statements.decode(voucher).read(Voucher)
    certificate = Certificate(
        v=PROTOCOL_VERSION,
        station=named.station,
        epoch=named.epoch,
        sign_key=sign_key,
        encrypt_key=encrypt_key,
        voucher=voucher,
    )
    payload = canonical.dumps(certificate)
    unsigned = Statement(statements.CERTIFICATE, payload, b"", statements.BY_VOUCHER)
    signature = one_use.sign(unsigned.message())
    signed = Statement(statements.CERTIFICATE, payload, signature, statements.BY_VOUCHER)
    return statements.encode(signed)


def publish(
    core: Core,
    transaction: Transaction,
    now_ms: int,
    blobs: BlobStore,
    authority: Signer,
    shelf: Shelf,
    entries: Sequence[Entry],
    *,
    effective_from: str = "",
    profile: str = ONLINE,
) -> Effects:
    """Publish a new edition of a shelf, unless it would say just what the one before it says.

    Shapes: `entries` are the whole shelf; `effective_from` a later day as YYYY-MM-DD, or empty. An
    edition's number is its publication time in ms.
    Raises: RegisterRefused, with too many editions still to come.
    """
    whole = sorted(entries)
    root = merkle_root(whole)
    newest = [m.edition for name, m in registers.manifests(transaction) if name == shelf]
    edition = max(now_ms, *(number + 1 for number in [0, *newest]))
    later = effective_from if effective_from > clock.day_of(edition) else ""
    effect = (max(later, clock.day_of(edition)), edition)
    before = publishing.edition_before(transaction, shelf, effect)
    if before is not None and before.root == root:
        return Effects()
    parts = publishing.make_parts(transaction, blobs, shelf, before, whole, edition)
    manifest = Manifest(
        v=PROTOCOL_VERSION,
        shelf=str(shelf),
        edition=edition,
        base_edition=parts.base_edition,
        base=parts.base,
        chain=parts.chain,
        root=root,
        entries=len(whole),
        schema=1,
        effective_from=later,
        profile=profile,
        stale_after_ms=STALE_AFTER_MS[profile],
        step=parts.step,
    )
    statement = _sign(authority, statements.MANIFEST, canonical.dumps(manifest))
    registers.take_manifest(core, tree.load(core, transaction, now_ms), transaction, statement)
    return editions.switch(core, transaction, now_ms, blobs)


def _sign(authority: Signer, kind: str, payload: bytes) -> Statement:
    unsigned = Statement(kind, payload, b"", statements.AUTHORITY)
    return Statement(kind, payload, authority.sign(unsigned.message()), statements.AUTHORITY)
