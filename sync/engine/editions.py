"""Switching shelves: to the edition in force, by its deltas or from its base, whole or not at all.

Everything happens in a savepoint and is undone unless the logical root comes out over the rows as
they are stored. Deltas that do not lead to it are not the end: the base is tried before the edition
is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from sync.engine import clock, dues, registers, revocation, routing, tree, warrants
from sync.engine.core import Core, Effects, Switched, count
from sync.engine.tree import Tree
from sync.protocol import statements
from sync.protocol.deltas import Delta, edited, read_delta
from sync.protocol.errors import PeerProtocolError, RegisterRefused
from sync.protocol.merkle import RootSum, leaf
from sync.protocol.packs import read_pack
from sync.protocol.ports import BlobStore, Transaction
from sync.protocol.register_table import Leaving
from sync.protocol.registers import DeltaRef, Entry, Manifest, Shelf

REFUSED_EDITION = "refused_edition"


def switch(core: Core, transaction: Transaction, now_ms: int, blobs: BlobStore) -> Effects:
    """Switch every shelf to the newest edition that is complete, in force and adds up.

    What is in force is judged by trusted time where there is any. A first edition is taken before
    it is in force: there is nothing else to work with.
    """
    effects = Effects()
    shape = tree.load(core, transaction, now_ms)
    today = clock.day_of(clock.trusted_ms(transaction, now_ms) or now_ms)
    by_shelf: dict[Shelf, list[Manifest]] = {}
    for shelf, manifest in registers.manifests(transaction):
        if _reads(core, shape, shelf):
            by_shelf.setdefault(shelf, []).append(manifest)
    for shelf, held in by_shelf.items():
        for manifest in _in_force(held, today, transaction.edition(shelf)):
            switched = _switch_to(core, transaction, blobs, shelf, manifest)
            if switched is not None:
                ref = registers.ref_of(manifest)
                said = transaction.statement(statements.MANIFEST, ref)
                warrants.keep_in_use(transaction, shelf, said)
                registers.drop_replaced(transaction, shelf, manifest)
                effects.switched.append(switched)
                break
    if any(one.shelf.register == tree.REGISTER for one in effects.switched):
        effects.add(_new_tree(core, transaction, now_ms, blobs))
    return effects


def due(core: Core, transaction: Transaction, now_ms: int, blobs: BlobStore) -> bool:
    """Return whether a held edition has come into force since the last switch and is complete."""
    today = clock.day_of(clock.trusted_ms(transaction, now_ms) or now_ms)
    shape = tree.load(core, transaction, now_ms)
    for shelf, manifest in registers.manifests(transaction):
        edition = transaction.edition(shelf)
        if not registers.pending(manifest) or manifest.edition == edition:
            continue
        if not registers.has_come(manifest, today) or not _reads(core, shape, shelf):
            continue
        needed = registers.needed(transaction, manifest, edition)
        if _complete(needed, blobs) and not _refused_before(transaction, manifest):
            return True
    return False


def _reads(core: Core, shape: Tree, shelf: Shelf) -> bool:
    if core.is_root or (shelf.division, shelf.tier) in shape.scopes(core.station):
        return True
    return core.station not in shape.tiers and shelf.tier == tree.ALL_TIERS


def _in_force(held: Sequence[Manifest], today: str, edition: int) -> Iterator[Manifest]:
    """Yield the editions that may be switched to, the best first; `held` in order of effect."""
    come = [manifest for manifest in held if registers.has_come(manifest, today)]
    if not come and not edition:
        come = list(held[:1])
    for manifest in reversed(come):
        if manifest.edition == edition:
            return
        yield manifest


def _new_tree(core: Core, transaction: Transaction, now_ms: int, blobs: BlobStore) -> Effects:
    """Do what follows from another tree of stations, further switches among it."""
    tree.changed(transaction)
    again = tree.load(core, transaction, now_ms)
    revocation.judge_anew(core, again, transaction)
    dues.owe_all(again, transaction, routing.derive_moved(again, transaction))
    for link in transaction.child_links():
        registers.owe_editions(again, transaction, link.station, {})
    return switch(core, transaction, now_ms, blobs)


def _switch_to(
    core: Core, transaction: Transaction, blobs: BlobStore, shelf: Shelf, manifest: Manifest
) -> Switched | None:
    """Switch to an edition if all it needs is here and it adds up; return what changed by it."""
    before = transaction.edition(shelf)
    if _refused_before(transaction, manifest):
        return None
    path = registers.path_from(manifest, before) if before else None
    if path is not None and not _from_its_base(transaction, manifest) and _complete(path, blobs):
        keys = _along(core, transaction, blobs, shelf, manifest, path)
        if keys is not None:
            return Switched(shelf, before, manifest.edition, frozenset(keys))
        count(transaction, "editions_from_base")
        mark = str(manifest.edition).encode()
        transaction.put_statement(registers.WHOLE, manifest.shelf, mark)
    if not _complete([*manifest.base, *manifest.chain], blobs):
        return None
    try:
        with transaction.savepoint():
            _whole(core, transaction, blobs, shelf, manifest)
    except (PeerProtocolError, RegisterRefused) as error:
        mark = f"{manifest.edition} {error.code}".encode()
        transaction.put_statement(REFUSED_EDITION, registers.ref_of(manifest), mark)
        count(transaction, "editions_refused")
        return None
    return Switched(shelf, before, manifest.edition, None)


def _along(
    core: Core,
    transaction: Transaction,
    blobs: BlobStore,
    shelf: Shelf,
    manifest: Manifest,
    path: Sequence[DeltaRef],
) -> set[str] | None:
    """Apply deltas to the shelf; return the keys touched, None, and nothing done, if that fails."""
    keys: set[str] = set()
    try:
        with transaction.savepoint():
            for ref in path:
                keys |= _apply(core, transaction, blobs, shelf, ref)
            transaction.change_shelf(shelf, manifest.edition, [], [])
            _prove(manifest, transaction.shelf_entries(shelf))
    except (PeerProtocolError, RegisterRefused):
        return None
    return keys


def _apply(
    core: Core, transaction: Transaction, blobs: BlobStore, shelf: Shelf, ref: DeltaRef
) -> set[str]:
    """Apply one delta; only the rows it names are read and written."""
    delta = read_delta(_read(ref, blobs))
    keys = transaction.shelf_keys(shelf)
    if delta.entries != len(keys) or delta.edition != ref.edition:
        raise RegisterRefused("a delta for another edition")
    drop = [keys[place] for place in delta.drop]
    put = _put(transaction, shelf, keys, delta)
    leaving = _leaving(core, transaction, shelf)
    transaction.change_shelf(shelf, ref.edition, put, drop, leaving)
    return {*drop, *(keys[place] for place in delta.edits), *(entry.key for entry in delta.put)}


def _put(
    transaction: Transaction, shelf: Shelf, keys: Sequence[str], delta: Delta
) -> Iterator[Entry]:
    for place, edits in delta.edits.items():
        held = transaction.shelf_entry(shelf, keys[place])
        if held is None:
            raise RegisterRefused("an edit of an entry that goes")
        yield Entry(held.key, edited(held.raw, edits))
    yield from delta.put


def _whole(
    core: Core, transaction: Transaction, blobs: BlobStore, shelf: Shelf, manifest: Manifest
) -> None:
    """Make the shelf of base and chain. Raises: Malformed, LimitExceeded, RegisterRefused."""
    base = _ascending(entry for pack in manifest.base for entry in read_pack(_read(pack, blobs)))
    leaving = _leaving(core, transaction, shelf)
    if not manifest.chain:
        transaction.replace_shelf(shelf, manifest.edition, _proved(manifest, base), leaving)
        return
    transaction.replace_shelf(shelf, manifest.edition, base, leaving)
    for ref in manifest.chain:
        _apply(core, transaction, blobs, shelf, ref)
    transaction.change_shelf(shelf, manifest.edition, [], [])
    _prove(manifest, transaction.shelf_entries(shelf))


def _ascending(entries: Iterable[Entry]) -> Iterator[Entry]:
    last: str | None = None
    for entry in entries:
        if last is not None and entry.key <= last:
            raise RegisterRefused("one key twice, or out of order")
        last = entry.key
        yield entry


def _proved(manifest: Manifest, entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the entries; the last step holds them to number and logical root."""
    total = RootSum()
    for entry in entries:
        total.add(leaf(entry))
        yield entry
    if (total.count, total.root()) != (manifest.entries, manifest.root):
        raise RegisterRefused("the logical root does not come out")


def _prove(manifest: Manifest, entries: Iterable[Entry]) -> None:
    for _ in _proved(manifest, entries):
        pass


def _leaving(core: Core, transaction: Transaction, shelf: Shelf) -> Leaving:
    return lambda entry: core.leaving(transaction, shelf, entry)


def _complete(needed: Iterable[registers.Blob], blobs: BlobStore) -> bool:
    return all(blobs.size(blob.sha256) is not None for blob in needed)


def _read(ref: registers.Blob, blobs: BlobStore) -> bytes:
    raw = blobs.read(ref.sha256, 0, ref.bytes)
    if hashlib.sha256(raw).hexdigest() != ref.sha256:
        raise RegisterRefused("a pack is damaged")
    return raw


def _from_its_base(transaction: Transaction, manifest: Manifest) -> bool:
    mark = transaction.statement(registers.WHOLE, manifest.shelf)
    return mark == str(manifest.edition).encode()


def _refused_before(transaction: Transaction, manifest: Manifest) -> bool:
    mark = transaction.statement(REFUSED_EDITION, registers.ref_of(manifest))
    return mark is not None and int(mark.split()[0]) == manifest.edition
