"""The catalogue on its way: read and checked, staged whole, published shelf by shelf.

Staged is what the next publication will say. It lies in central's own encrypted database, because
names of staff are in it. Nothing is staged while one file has one problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from central import retiring, shelves
from central.imports.entries import DEMO_INVENTORY, SHIPPED_DATA, entry_key, load_demo_catalogue
from node.program import Node
from node.registry import day_of
from stations.errors import ImportRefused, Problem
from sync.engine import authority, registers
from sync.engine.core import Effects
from sync.engine.tree import ALL_TIERS
from sync.protocol import canonical
from sync.protocol.packs import PACK_ENTRIES, encode_rows, read_pack
from sync.protocol.ports import Signer, Transaction
from sync.protocol.registers import Entry, Manifest, Shelf

BASE = "base"
DELTA = "delta"
MADE_AS_WORDS = {BASE: "整册", DELTA: "增量"}
STAGED = "staged_register"
"""Statement kind under which a register waits for publication, in packs."""


class NothingStaged(Exception):
    """Publication was asked for before any import."""

    code = "nothing_staged"
    sentence = "还没有导入过目录,没有可发布的内容。请先运行 catalogue import。"


class Published(NamedTuple):
    """What one edition of a shelf came to.

    Units: `edition` is its publication time in ms. Shapes: `bytes` is what a station without the
    shelf loads, `update_bytes` and `touched` what one that has the edition before does; `made_as`
    is `base` or `delta`; `effective_from` a later day, or empty.
    """

    shelf: Shelf
    edition: int
    entries: int
    bytes: int
    update_bytes: int
    touched: int
    made_as: str
    effective_from: str
    changed: bool

    def as_json(self) -> dict[str, object]:
        """Return it as plain values."""
        return {**self._asdict(), "shelf": str(self.shelf), "title": shelf_title(self.shelf)}


def read(folder: Path | None, today_ms: int) -> dict[str, list[dict[str, Any]]]:
    """Return the catalogue of a folder (None: the shipped one), checked within and across files.

    Raises: ImportRefused with file, line and remedy of every problem.
    """
    data, inventory = (SHIPPED_DATA, DEMO_INVENTORY) if folder is None else (folder, folder)
    try:
        catalogue = load_demo_catalogue(data, inventory)
    except FileNotFoundError as error:
        name = Path(str(error.filename)).name
        sentence = f"文件夹里缺少“{name}”,请补上后再导入。"
        raise ImportRefused((Problem("file_missing", name, 0, sentence),)) from error
    problems = shelves.unreachable(catalogue, day_of(today_ms))
    if problems:
        raise ImportRefused(tuple(problems))
    return catalogue


def stage(transaction: Transaction, catalogue: shelves.Catalogue) -> dict[str, int]:
    """Put a whole catalogue in the place of what was staged; return entries per register."""
    for ref, _ in transaction.statements(STAGED):
        transaction.drop_statement(STAGED, ref)
    for register in shelves.REGISTERS:
        rows = catalogue.get(register, [])
        entries = [Entry(entry_key(register, row), canonical.dumps(row)) for row in rows]
        for number, part in _parts(sorted(entries)):
            transaction.put_statement(STAGED, f"{register}/{number:05d}", encode_rows(part))
    return {register: len(catalogue.get(register, [])) for register in shelves.REGISTERS}


def staged(transaction: Transaction) -> dict[str, list[dict[str, Any]]]:
    """Return the staged catalogue, empty when nothing was ever imported."""
    found: dict[str, list[dict[str, Any]]] = {}
    for ref, raw in transaction.statements(STAGED):
        rows = [msgspec.json.decode(entry.raw) for entry in read_pack(raw)]
        found.setdefault(ref.partition("/")[0], []).extend(rows)
    return found


def _parts(entries: Sequence[Entry]) -> Iterator[tuple[int, Sequence[Entry]]]:
    """Yield numbered parts that fit a pack each; a register without entries has one, empty."""
    for number, start in enumerate(range(0, max(len(entries), 1), PACK_ENTRIES)):
        yield number, entries[start : start + PACK_ENTRIES]


def publish(
    node: Node, signer: Signer, *, profile: str = authority.ONLINE, effective_from: str = ""
) -> list[Published]:
    """Publish what is staged, for now or for a later day (YYYY-MM-DD); return every shelf as it is.

    Each shelf is one transaction, so that a running central is never held up for long; a shelf
    that says what it said gets no new edition, one that is no longer called for is emptied.
    Raises: NothingStaged, StorageError.
    """
    now = node.clock_ms()
    with node.database.read() as transaction:
        catalogue = retiring.overlaid(transaction, staged(transaction))
        before = {(shelf, m.edition) for shelf, m in registers.manifests(transaction)}
    if not catalogue:
        raise NothingStaged
    wanted: dict[Shelf, Sequence[Entry]] = dict(shelves.distribute(catalogue, day_of(now)))
    for shelf in sorted({shelf for shelf, _ in before}):
        if shelf.register in shelves.REGISTERS:
            wanted.setdefault(shelf, [])
    effects = Effects()
    for shelf, entries in wanted.items():
        with node.database.write() as transaction:
            effects.add(
                authority.publish(
                    node.core,
                    transaction,
                    now,
                    node.blobs,
                    signer,
                    shelf,
                    entries,
                    profile=profile,
                    effective_from=effective_from,
                )
            )
    node.refresh_index(effects.switched)
    with node.database.read() as transaction:
        return shelves_published(transaction, before)


def shelves_published(
    transaction: Transaction, before: set[tuple[Shelf, int]] | None = None
) -> list[Published]:
    """Return the editions of every shelf, those still to come after the one in force.

    Shapes: `changed` are those that were not there `before`.
    """
    order = shelves.REGISTERS
    found = [
        _published(
            shelf, manifest, changed=before is not None and (shelf, manifest.edition) not in before
        )
        for shelf, manifest in registers.manifests(transaction)
    ]
    known = {name: at for at, name in enumerate(order)}
    return sorted(found, key=lambda p: (known.get(p.shelf.register, len(order)), p.shelf))


def _published(shelf: Shelf, manifest: Manifest, *, changed: bool) -> Published:
    """Return what an edition came to: as a delta where one leads to it from the one before."""
    delta = manifest.step or (manifest.chain[-1] if manifest.chain else None)
    whole = sum(pack.bytes for pack in manifest.base) + sum(one.bytes for one in manifest.chain)
    return Published(
        shelf=shelf,
        edition=manifest.edition,
        entries=manifest.entries,
        bytes=whole,
        update_bytes=whole if delta is None else delta.bytes,
        touched=manifest.entries if delta is None else delta.entries,
        made_as=BASE if manifest.base_edition == manifest.edition else DELTA,
        effective_from=manifest.effective_from,
        changed=changed,
    )


def shelf_title(shelf: Shelf) -> str:
    """Return a shelf's name for people."""
    register = shelves.REGISTER_TITLES.get(shelf.register, shelf.register)
    tier = shelves.TIER_TITLES.get(shelf.tier, shelf.tier)
    return f"{register}({tier})" if shelf.tier != ALL_TIERS else register
