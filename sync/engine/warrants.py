"""Warrants: that stations stand above another, provable to a node that has no stations register.

A warrant is an edition's signed manifest with the entries of a station and of those above it, each
with its way to the manifest's root. Whoever pinned the authority's key reads the same from it,
whatever register it holds itself; so what rests on a warrant is decided alike everywhere.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from sync.engine import trust
from sync.engine.core import Core
from sync.engine.tree import REGISTER, StationRow
from sync.protocol import statements
from sync.protocol.errors import PeerProtocolError
from sync.protocol.merkle import beside, leaf, root_by
from sync.protocol.ports import Transaction
from sync.protocol.registers import Entry, Manifest, Shelf

IN_USE = "stations_in_use"
"""Statement kind under which the manifest of a stations shelf in use is kept, by shelf: a newer one
may be held long before its packs are."""
LEVELS_MAX = 8
_CHECKED_MAX = 64


class Proven(msgspec.Struct, frozen=True):
    """One entry of the edition. Shapes: `at` its place by key; `beside` hashes in hex."""

    at: int
    key: str
    raw: str
    beside: list[str]


class Warrant(msgspec.Struct, frozen=True):
    """Shapes: `manifest` an encoded statement in base64; `line` a station and those above it."""

    manifest: str
    line: list[Proven]


def keep_in_use(transaction: Transaction, shelf: Shelf, raw: bytes | None) -> None:
    """Keep the manifest of the stations edition that was just switched to."""
    if shelf.register == REGISTER and raw is not None:
        transaction.put_statement(IN_USE, str(shelf), raw)


def make(transaction: Transaction, line: Sequence[str]) -> dict[str, Any] | None:
    """Return a warrant as JSON values; None where the register held here does not bear it out.

    Shapes: `line` a station and the ones above it in order, without the root.
    """
    for name in transaction.editions():
        shelf = Shelf.parse(name)
        if shelf.register != REGISTER or not line:
            continue
        entries = list(transaction.shelf_entries(shelf))
        places = {entry.key: at for at, entry in enumerate(entries)}
        raw = transaction.statement(IN_USE, name)
        if raw is None or not all(code in places for code in line):
            continue
        leaves = [leaf(entry) for entry in entries]
        proven = [_proven(entries, leaves, places[code]) for code in line]
        made = Warrant(base64.b64encode(raw).decode(), proven)
        return dict(msgspec.to_builtins(made))
    return None


def _proven(entries: Sequence[Entry], leaves: Sequence[bytes], at: int) -> Proven:
    entry = entries[at]
    besides = [other.hex() for other in beside(leaves, at)]
    return Proven(at, entry.key, entry.raw.decode(), besides)


def line_of(core: Core, said: object) -> tuple[str, ...]:
    """Return the station a warrant is about and those above it up to the root; () if it is none."""
    try:
        warrant = msgspec.convert(said, Warrant)
        manifest = _manifest(core, base64.b64decode(warrant.manifest, validate=True))
        if manifest is None or not 0 < len(warrant.line) <= LEVELS_MAX:
            return ()
        rows = [_row(manifest, one) for one in warrant.line]
    except (PeerProtocolError, msgspec.MsgspecError, binascii.Error, ValueError):
        return ()
    line = (*(row.code for row in rows if row is not None), core.root)
    return line if len(line) == len(rows) + 1 and _each_below(rows, line[1:]) else ()


def _each_below(rows: Iterable[StationRow | None], above: Iterable[str]) -> bool:
    """Return whether each station is, or by its dated attributes was, right below the next."""
    return all(
        row is not None and parent in {one.parent for one in row.attributes}
        for row, parent in zip(rows, above, strict=True)
    )


def _row(manifest: Manifest, one: Proven) -> StationRow | None:
    node = leaf(Entry(one.key, one.raw.encode()))
    besides = [bytes.fromhex(other) for other in one.beside]
    if root_by(node, one.at, manifest.entries, besides) != manifest.root:
        return None
    row = msgspec.json.decode(one.raw, type=StationRow)
    return row if row.code == one.key else None


def _manifest(core: Core, raw: bytes) -> Manifest | None:
    """Return a stations manifest the authority signed; every fold asks, so each is checked once."""
    digest = hashlib.sha256(raw).digest()
    if digest not in core.warranted:
        if len(core.warranted) >= _CHECKED_MAX:
            core.warranted.clear()
        statement = statements.decode(raw)
        core.warranted[digest] = (
            statement.kind == statements.MANIFEST and trust.signed_by_authority(core, statement)
        )
    if not core.warranted[digest]:
        return None
    manifest = statements.decode(raw).read(Manifest)
    return manifest if Shelf.parse(manifest.shelf).register == REGISTER else None
