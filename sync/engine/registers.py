"""Editions of registers: manifests held and handed on, packs fetched, shelves switched whole."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from sync.engine import clock, routing, tree, trust
from sync.engine.core import Core, Effects, count
from sync.engine.tree import Tree
from sync.protocol import statements
from sync.protocol.errors import BadSignature, PeerProtocolError, RegisterRefused
from sync.protocol.limits import PACK_BYTES_MAX, SHELF_ENTRIES_MAX
from sync.protocol.merkle import merkle_root
from sync.protocol.packs import read_pack
from sync.protocol.ports import BlobStore, Transaction
from sync.protocol.registers import Entry, Manifest, PackRef, Shelf
from sync.protocol.statements import Statement

REFUSED_EDITION = "refused_edition"


def manifests(transaction: Transaction) -> list[tuple[Shelf, Manifest]]:
    """Return the newest manifest held of every shelf."""
    return [
        (Shelf.parse(ref), _manifest(raw))
        for ref, raw in transaction.statements(statements.MANIFEST)
    ]


@lru_cache(maxsize=1024)
def _manifest(raw: bytes) -> Manifest:
    """Every round asks what is wanted, and manifests seldom change: each is parsed once."""
    return statements.decode(raw).read(Manifest)


def take_manifest(core: Core, shape: Tree, transaction: Transaction, statement: Statement) -> bool:
    """Hold a manifest if it is the authority's and newer, owe it to the children it concerns.

    Raises: BadSignature, Malformed, LimitExceeded, RegisterRefused (an older edition is not taken).
    """
    if not trust.signed_by_authority(core, statement):
        raise BadSignature("manifest is not the authority's")
    manifest = statement.read(Manifest)
    shelf = Shelf.parse(manifest.shelf)
    _check_bounds(manifest)
    held = transaction.statement(statements.MANIFEST, manifest.shelf)
    if held is not None:
        edition = statements.decode(held).read(Manifest).edition
        if manifest.edition == edition:
            return False
        if manifest.edition < edition:
            raise RegisterRefused(f"{shelf} edition {manifest.edition} is older than {edition}")
    transaction.put_statement(statements.MANIFEST, manifest.shelf, statements.encode(statement))
    for link in transaction.child_links():
        if concerns(shape, link.station, shelf):
            transaction.enqueue(link.station, statements.MANIFEST, manifest.shelf)
    return True


def _check_bounds(manifest: Manifest) -> None:
    packs = [*manifest.base, *manifest.chain]
    if manifest.entries > SHELF_ENTRIES_MAX or any(p.bytes > PACK_BYTES_MAX for p in packs):
        raise RegisterRefused("edition exceeds the limits")


def concerns(shape: Tree, child: str, shelf: Shelf) -> bool:
    """Return whether a shelf is read by anybody in a child's subtree.

    A child the tree does not know yet is given what every tier reads, so that it learns the tree.
    """
    if child not in shape.tiers:
        return shelf.tier == tree.ALL_TIERS
    return (shelf.division, shelf.tier) in shape.scopes_below(child)


def owe_editions(shape: Tree, transaction: Transaction, child: str, has: dict[str, int]) -> None:
    """Owe a child every manifest that concerns it and is newer than what it says it has."""
    for shelf, manifest in manifests(transaction):
        if concerns(shape, child, shelf) and has.get(str(shelf), 0) < manifest.edition:
            transaction.enqueue(child, statements.MANIFEST, str(shelf))


def wanted(transaction: Transaction, blobs: BlobStore) -> list[PackRef]:
    """Return the packs of held manifests that are still missing here, each once."""
    found: dict[str, PackRef] = {}
    for _, manifest in manifests(transaction):
        for pack in [*manifest.base, *manifest.chain]:
            if blobs.size(pack.sha256) is None:
                found.setdefault(pack.sha256, pack)
    return list(found.values())


def lacks(transaction: Transaction, blobs: BlobStore, sha256: str, size: int) -> bool:
    """Return whether a held manifest names a pack of just this size that is not complete here."""
    return blobs.size(sha256) is None and any(
        (pack.sha256, pack.bytes) == (sha256, size)
        for _, manifest in manifests(transaction)
        for pack in [*manifest.base, *manifest.chain]
    )


def switch(core: Core, transaction: Transaction, now_ms: int, blobs: BlobStore) -> Effects:
    """Switch to every held edition that is complete, in force and adds up; the rest stays as it is.

    A first edition is taken before it is in force: there is nothing else to work with.
    """
    effects = Effects()
    shape = tree.load(core, transaction, now_ms)
    scopes = shape.scopes(core.station)
    for shelf, manifest in manifests(transaction):
        edition = transaction.edition(shelf)
        reads = (
            core.is_root
            or (shelf.division, shelf.tier) in scopes
            or (core.station not in shape.tiers and shelf.tier == tree.ALL_TIERS)
        )
        if not reads or manifest.edition <= edition:
            continue
        if edition and manifest.effective_from > clock.day_of(now_ms):
            continue
        if _refused_before(transaction, shelf, manifest):
            continue
        if any(blobs.size(p.sha256) is None for p in [*manifest.base, *manifest.chain]):
            continue
        try:
            entries = assemble(manifest, blobs)
        except (PeerProtocolError, RegisterRefused) as error:
            mark = f"{manifest.edition} {error.code}".encode()
            transaction.put_statement(REFUSED_EDITION, str(shelf), mark)
            count(transaction, "editions_refused")
            continue
        transaction.replace_shelf(shelf, manifest.edition, entries)
        effects.shelves.append(shelf)
    if any(shelf.register == tree.REGISTER for shelf in effects.shelves):
        tree.changed(transaction)
        again = tree.load(core, transaction, now_ms)
        routing.judge_waiting(core, again, transaction)
        routing.derive_moved(again, transaction)
        for link in transaction.child_links():
            owe_editions(again, transaction, link.station, {})
        effects.add(switch(core, transaction, now_ms, blobs))
    return effects


def assemble(manifest: Manifest, blobs: BlobStore) -> list[Entry]:
    """Return the entries of an edition, checked against its logical root.

    Raises: Malformed, LimitExceeded, RegisterRefused.
    """
    if manifest.chain:
        raise RegisterRefused("an edition with deltas needs a newer release")
    entries: dict[str, Entry] = {}
    for pack in manifest.base:
        for entry in read_pack(_read(pack, blobs)):
            if entry.key in entries:
                raise RegisterRefused("one key twice")
            entries[entry.key] = entry
    whole = sorted(entries.values())
    if len(whole) != manifest.entries or merkle_root(whole) != manifest.root:
        raise RegisterRefused("the logical root does not come out")
    return whole


def _read(pack: PackRef, blobs: BlobStore) -> bytes:
    raw = blobs.read(pack.sha256, 0, pack.bytes)
    if hashlib.sha256(raw).hexdigest() != pack.sha256:
        raise RegisterRefused("a pack is damaged")
    return raw


def _refused_before(transaction: Transaction, shelf: Shelf, manifest: Manifest) -> bool:
    mark = transaction.statement(REFUSED_EDITION, str(shelf))
    return mark is not None and int(mark.split()[0]) == manifest.edition
