"""What an edition is made of: deltas on the base that is there, or a new base.

Delta after delta is chained to a base until they come to a tenth of its bytes or it is 35 days old;
a chain that grows long is joined into one delta, so that manifests stay small. Whenever the chain
does not simply go on, a `step` leads from the edition before, so that no node loads for a new base
or a joined chain what it holds already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sync.engine import registers
from sync.protocol.deltas import Made, applied, make_delta, read_delta
from sync.protocol.errors import LimitExceeded
from sync.protocol.packs import encode_packs, read_pack
from sync.protocol.ports import BlobStore, Transaction
from sync.protocol.registers import DeltaRef, Entry, Manifest, PackRef, Shelf

CHAIN_PERCENT_MAX = 10
"""A chain's bytes of its base's (DESIGN 8)."""
BASE_MS_MAX = 35 * 24 * 3600 * 1000
"""A base is not used for longer (DESIGN 8)."""
DELTAS_MAX = 8
"""Deltas of a chain before they are joined: each takes a hundred bytes of every later manifest."""


class Parts(NamedTuple):
    """Base, chain and step of a manifest."""

    base_edition: int
    base: list[PackRef]
    chain: list[DeltaRef]
    step: DeltaRef | None


def edition_before(
    transaction: Transaction, shelf: Shelf, effect: tuple[str, int]
) -> Manifest | None:
    """Return the edition that is in force just before one with this effect."""
    held = [m for name, m in registers.manifests(transaction) if name == shelf]
    return next((m for m in reversed(held) if registers.effect(m) < effect), None)


def make_parts(
    transaction: Transaction,
    blobs: BlobStore,
    shelf: Shelf,
    before: Manifest | None,
    whole: Sequence[Entry],
    edition: int,
) -> Parts:
    """Store what an edition is made of and return it; `whole` in order of keys."""
    step = _delta(_held(transaction, blobs, shelf, before), whole, before, edition)
    if before is None or step is None:
        return _new_base(blobs, whole, edition, None)
    if not _goes_on(before, step, edition):
        return _new_base(blobs, whole, edition, (before, step))
    if len(before.chain) < DELTAS_MAX:
        chain = [*before.chain, _keep(blobs, step, edition)]
        return Parts(before.base_edition, before.base, chain, None)
    joined = make_delta(_base(blobs, before), whole, before=before.base_edition, edition=edition)
    chain = [_keep(blobs, joined, edition)]
    return Parts(
        before.base_edition, before.base, chain, _keep(blobs, step, edition, before.edition)
    )


def _delta(
    held: Iterable[Entry], whole: Sequence[Entry], before: Manifest | None, edition: int
) -> Made | None:
    if before is None:
        return None
    try:
        return make_delta(held, whole, before=before.edition, edition=edition)
    except LimitExceeded:
        return None


def _goes_on(before: Manifest, step: Made, edition: int) -> bool:
    base = sum(pack.bytes for pack in before.base)
    chain = sum(delta.bytes for delta in before.chain) + len(step.raw)
    young = edition - before.base_edition <= BASE_MS_MAX
    return young and chain * 100 <= base * CHAIN_PERCENT_MAX


def _new_base(
    blobs: BlobStore, whole: Sequence[Entry], edition: int, step: tuple[Manifest, Made] | None
) -> Parts:
    base = [
        PackRef(blobs.put(pack.raw), len(pack.raw), pack.entries) for pack in encode_packs(whole)
    ]
    if step is None or 2 * len(step[1].raw) > sum(pack.bytes for pack in base):
        return Parts(edition, base, [], None)
    return Parts(edition, base, [], _keep(blobs, step[1], edition, step[0].edition))


def _keep(blobs: BlobStore, made: Made, edition: int, before: int = 0) -> DeltaRef:
    return DeltaRef(blobs.put(made.raw), len(made.raw), made.entries, edition, before)


def _held(
    transaction: Transaction, blobs: BlobStore, shelf: Shelf, before: Manifest | None
) -> Iterable[Entry]:
    """Return the entries of an edition in order: from the shelf, or made of its blobs."""
    if before is None:
        return []
    if transaction.edition(shelf) == before.edition:
        return transaction.shelf_entries(shelf)
    entries = _base(blobs, before)
    for ref in before.chain:
        entries = applied(entries, read_delta(blobs.read(ref.sha256, 0, ref.bytes)))
    return entries


def _base(blobs: BlobStore, manifest: Manifest) -> list[Entry]:
    return [
        entry
        for pack in manifest.base
        for entry in read_pack(blobs.read(pack.sha256, 0, pack.bytes))
    ]
