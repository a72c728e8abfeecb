"""A warrant as the product makes one (ADR 21), and as it is read: by the authority's key alone."""

from __future__ import annotations

from typing import Any

from sync.engine import warrants
from sync.engine.core import Core
from sync.engine.tree import REGISTER
from sync.protocol import canonical, statements
from sync.protocol.limits import BODY_BYTES_MAX
from sync.protocol.merkle import merkle_root
from sync.protocol.registers import Entry, Manifest, PackRef, Shelf
from sync.signing import Ed25519Signer, Ed25519Verifier
from tests.fakes.memory_store import MemoryStore

SHELF = Shelf(REGISTER, "000000000000", "all")
LINE = ("CG0111", "CG0101", "CG0001")
ROOT = "KM0000"
_PARENTS = {
    "CG0001": ROOT, "CG0101": "CG0001", "CG0111": "CG0101", "CG0112": "CG0101", "KM0000": "",
}  # fmt: skip
_FORMER = {"name": "演示", "division": "530114001000", "parent": "CG0102", "from": "2020-01-01"}


def _entries() -> list[Entry]:
    """Five stations; CG0111 had another parent once."""
    found = []
    for code, parent in sorted(_PARENTS.items()):
        now = {"name": "演示", "division": "530114000000", "parent": parent, "from": "2026-01-01"}
        dated = [_FORMER, now] if code == "CG0111" else [now]
        row: dict[str, Any] = {"code": code, "tier": "village", "attributes": dated}
        found.append(Entry(code, canonical.dumps(row)))
    return found


def write(authority: Ed25519Signer, edition: int) -> bytes:
    """Return the canonical bytes of the warrant about LINE."""
    entries = _entries()
    manifest = Manifest(
        v=1, shelf=str(SHELF), edition=edition, base_edition=edition,
        base=[PackRef("ab" * 32, 700, len(entries))], chain=[], root=merkle_root(entries),
        entries=len(entries), schema=1, effective_from="", profile="online", stale_after_ms=0,
    )  # fmt: skip
    payload = canonical.dumps(manifest)
    unsigned = statements.Statement(statements.MANIFEST, payload, b"", statements.AUTHORITY)
    raw = statements.encode(
        statements.Statement(
            statements.MANIFEST, payload, authority.sign(unsigned.message()), statements.AUTHORITY
        )
    )
    with MemoryStore().write() as transaction:
        transaction.replace_shelf(SHELF, edition, entries)
        warrants.keep_in_use(transaction, SHELF, raw)
        return canonical.dumps(warrants.make(transaction, LINE))


def read(raw: bytes, authority: Ed25519Signer) -> tuple[str, ...]:
    """Return the line a node reads that holds nothing but the authority's key."""
    core = Core(
        station="CG0111", epoch=1, incarnation="", root=ROOT, parent=None, certificate=b"",
        authority=(authority.public_key(),), signer=authority, verifier=Ed25519Verifier(),
        chance=_NoChance(),
    )  # fmt: skip
    return warrants.line_of(core, canonical.loads(raw, bytes_max=BODY_BYTES_MAX))


class _NoChance:
    """Nothing is drawn to read a warrant."""

    def bytes(self, count: int) -> bytes:
        raise AssertionError(count)
