"""Manifests of editions: held, put in order of when they take effect, handed on; blobs wanted.

Of a shelf a node holds the manifest in force and those that take effect on a later day; whatever
another has taken the place of is dropped. `editions` switches shelves by what is held here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from sync.engine import clock, tree, trust
from sync.engine.core import Core
from sync.engine.tree import Tree
from sync.protocol import statements
from sync.protocol.errors import BadSignature, RegisterRefused
from sync.protocol.limits import PACK_BYTES_MAX, SHELF_ENTRIES_MAX
from sync.protocol.ports import BlobStore, Transaction
from sync.protocol.registers import DeltaRef, Manifest, PackRef, Shelf
from sync.protocol.statements import Statement

PENDING_MAX = 16
"""Manifests held of one shelf; an authority plans a few changes of law ahead."""
WHOLE = "edition_from_its_base"
"""Edition of a shelf to be taken from its base: its deltas did not lead to it."""
Blob = PackRef | DeltaRef


def manifests(transaction: Transaction) -> list[tuple[Shelf, Manifest]]:
    """Return every manifest held, by shelf and in the order in which they take effect."""
    found = [_placed(ref, raw) for ref, raw in transaction.statements(statements.MANIFEST)]
    return [(placed.shelf, placed.manifest) for placed in sorted(found, key=_place)]


class _Placed(NamedTuple):
    """A manifest with its shelf and its place in the order of taking effect."""

    shelf: Shelf
    effect: tuple[str, int]
    manifest: Manifest


@lru_cache(maxsize=1024)
def _placed(ref: str, raw: bytes) -> _Placed:
    """Every round asks what is wanted, and manifests seldom change: each is parsed once."""
    manifest = statements.decode(raw).read(Manifest)
    return _Placed(Shelf.parse(ref.partition("@")[0]), effect(manifest), manifest)


def _place(placed: _Placed) -> tuple[Shelf, tuple[str, int]]:
    return placed.shelf, placed.effect


def effect(manifest: Manifest) -> tuple[str, int]:
    """Return the place of an edition in the order of taking effect: its day, then its number."""
    return max(manifest.effective_from, clock.day_of(manifest.edition)), manifest.edition


def pending(manifest: Manifest) -> bool:
    """Return whether an edition was published for a later day."""
    return manifest.effective_from > clock.day_of(manifest.edition)


def has_come(manifest: Manifest, today: str) -> bool:
    """Return whether an edition is in force; one for now is, however wrong the clock here."""
    return not pending(manifest) or manifest.effective_from <= today


def ref_of(manifest: Manifest) -> str:
    """Return the name a manifest is held and owed by: one for now, one for each later day."""
    return f"{manifest.shelf}@{manifest.edition}" if pending(manifest) else manifest.shelf


def take_manifest(core: Core, shape: Tree, transaction: Transaction, statement: Statement) -> bool:
    """Hold a manifest if it is the authority's and newer, owe it to the children it concerns.

    Raises: BadSignature, Malformed, LimitExceeded, RegisterRefused (an older edition is not taken).
    """
    if not trust.signed_by_authority(core, statement):
        raise BadSignature("manifest is not the authority's")
    manifest = statement.read(Manifest)
    shelf = Shelf.parse(manifest.shelf)
    _check_bounds(manifest)
    held = [other for name, other in manifests(transaction) if name == shelf]
    if manifest.edition in (other.edition for other in held):
        return False
    in_use = transaction.edition(shelf)
    if any(_replaces(other, manifest, in_use) for other in held):
        raise RegisterRefused(f"{shelf} edition {manifest.edition} is older than what is held")
    if len(held) >= PENDING_MAX:
        raise RegisterRefused(f"{shelf} has too many editions to come")
    for other in held:
        if _replaces(manifest, other, in_use):
            transaction.drop_statement(statements.MANIFEST, ref_of(other))
    ref = ref_of(manifest)
    transaction.put_statement(statements.MANIFEST, ref, statements.encode(statement))
    for link in transaction.child_links():
        if concerns(shape, link.station, shelf):
            transaction.enqueue(link.station, statements.MANIFEST, ref)
    return True


def _replaces(newer: Manifest, older: Manifest, in_use: int) -> bool:
    """Return whether one will be in force whenever the other could be."""
    if effect(newer) <= effect(older):
        return False
    same_day = effect(newer)[0] == effect(older)[0]
    return same_day or not pending(newer) or newer.edition == in_use


def drop_replaced(transaction: Transaction, shelf: Shelf, in_force: Manifest) -> None:
    """Drop the manifests of a shelf that the one now in force came after."""
    for name, other in manifests(transaction):
        if name == shelf and effect(other) < effect(in_force):
            transaction.drop_statement(statements.MANIFEST, ref_of(other))


def _check_bounds(manifest: Manifest) -> None:
    if manifest.entries > SHELF_ENTRIES_MAX or any(
        blob.bytes > PACK_BYTES_MAX for blob in manifest.blobs
    ):
        raise RegisterRefused("edition exceeds the limits")


def concerns(shape: Tree, child: str, shelf: Shelf) -> bool:
    """Return whether a shelf is read by anybody in a child's subtree.

    A child the tree does not know yet is given what every tier reads, so that it learns the tree.
    """
    if child not in shape.tiers:
        return shelf.tier == tree.ALL_TIERS
    return (shelf.division, shelf.tier) in shape.scopes_below(child)


def owe_editions(shape: Tree, transaction: Transaction, child: str, has: dict[str, int]) -> None:
    """Owe a child every manifest that concerns it and takes effect after what it says it has."""
    for shelf, manifest in manifests(transaction):
        if is_news(manifest, has.get(str(shelf), 0)) and concerns(shape, child, shelf):
            transaction.enqueue(child, statements.MANIFEST, ref_of(manifest))


def owe_grown(had: Tree, shape: Tree, transaction: Transaction, child: str) -> None:
    """Owe a child the manifests that concern its subtree as it is now and did not before."""
    for shelf, manifest in manifests(transaction):
        if concerns(shape, child, shelf) and not concerns(had, child, shelf):
            transaction.enqueue(child, statements.MANIFEST, ref_of(manifest))


def is_news(manifest: Manifest, edition: int) -> bool:
    """Return whether an edition takes effect after the one in use (0: none) was published."""
    in_use = (clock.day_of(edition) if edition else "", edition)
    return edition != manifest.edition and effect(manifest) > in_use


def path_from(manifest: Manifest, edition: int) -> list[DeltaRef] | None:
    """Return the deltas that lead from an edition to this one; None where only the base does."""
    if manifest.step is not None and manifest.step.before == edition:
        return [manifest.step]
    known = [manifest.base_edition, *(delta.edition for delta in manifest.chain)]
    if edition in known:
        return manifest.chain[known.index(edition) :]
    return None


def lacked(manifest: Manifest, edition: int) -> Sequence[Blob]:
    """Return what leads a station without children from an edition (0: none) to this one."""
    path = path_from(manifest, edition) if edition and not pending(manifest) else None
    return [*manifest.base, *manifest.chain] if path is None else path


def needed(transaction: Transaction, manifest: Manifest, edition: int) -> Sequence[Blob]:
    """Return what a node at `edition` needs for this one.

    A parent of others, and whoever may be elsewhere by the day it takes effect, needs it whole.
    """
    if transaction.child_links():
        return manifest.blobs
    whole = transaction.statement(WHOLE, manifest.shelf) == str(manifest.edition).encode()
    return [*manifest.base, *manifest.chain] if whole else lacked(manifest, edition)


def wanted(transaction: Transaction, blobs: BlobStore) -> list[Blob]:
    """Return the blobs of held manifests that are needed and missing here, each once."""
    found: dict[str, Blob] = {}
    for shelf, manifest in manifests(transaction):
        edition = transaction.edition(shelf)
        if manifest.edition == edition and not transaction.child_links():
            continue
        for blob in needed(transaction, manifest, edition):
            if blob.sha256 not in found and blobs.size(blob.sha256) is None:
                found[blob.sha256] = blob
    return list(found.values())


def lacks(transaction: Transaction, blobs: BlobStore, sha256: str, size: int) -> bool:
    """Return whether a held manifest names a blob of just this size that is not complete here."""
    return blobs.size(sha256) is None and any(
        (blob.sha256, blob.bytes) == (sha256, size)
        for _, manifest in manifests(transaction)
        for blob in manifest.blobs
    )
