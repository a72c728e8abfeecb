"""A register row nobody can read harms only itself (G9)."""

from __future__ import annotations

from pathlib import Path

from casework.matter_index import MatterIndex
from node import enrolment
from node.program import Node
from sync.engine import authority
from sync.protocol import canonical
from sync.protocol.registers import Entry, Shelf
from sync.signing import Ed25519Signer, new_seed

NOW = 1_795_000_000_000
NATION = "000000000000"


def entry(key: str, row: dict[str, object]) -> Entry:
    """Return a register entry."""
    return Entry(key, canonical.dumps(row))


def test_unreadable_rows_are_passed_over_and_the_rest_serves(tmp_path: Path) -> None:
    """A calendar year and a matter of a shape from the future leave the others usable."""
    signer = Ed25519Signer(new_seed())
    sheet = enrolment.make_sheet(signer, "KM0000", NOW, root="KM0000", parent="", parent_url="")
    enrolment.enrol(tmp_path / "node", sheet, NOW)
    node = Node(tmp_path / "node", clock_ms=lambda: NOW, release="test")
    try:
        with node.database.write() as transaction:
            authority.publish(
                node.core,
                transaction,
                NOW,
                node.blobs,
                signer,
                Shelf("calendar", NATION, "all"),
                [
                    entry(f"{NATION}/2026", {"division": NATION, "year": 2026}),
                    entry(f"{NATION}/2027", {"division": 7, "year": "x"}),
                ],
            )
            authority.publish(
                node.core,
                transaction,
                NOW,
                node.blobs,
                signer,
                Shelf("matters", NATION, "all"),
                [
                    entry("M1", {"code": "M1", "name": "高龄津贴(演示)", "version": 1}),
                    entry("M2", {"code": "M2", "name": {"new": "shape"}}),
                ],
            )
        node.refresh_index()
        with node.database.read() as transaction:
            registry = node.desk.registry(transaction, NOW)
            assert registry.calendar("KM0000").published(2026)
            assert not registry.calendar("KM0000").published(2027)
            assert ["M1"] == MatterIndex(transaction.connection).search("高龄")
    finally:
        node.close()
