"""What a case still waiting to be shown pins is kept when an edition takes it away (DESIGN 8)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from casework.matter_index import MatterIndex
from node import enrolment
from node.indexing import INDEXED
from node.program import Node
from node.registry import PINNED
from sync.engine import authority, record
from sync.protocol import canonical
from sync.protocol.registers import Entry, Shelf
from sync.signing import Ed25519Signer, new_seed

NOW = 1_795_000_000_000
DAY_MS = 24 * 3600 * 1000
MATTERS = Shelf("matters", "000000000000", "all")


class Central:
    """A central alone, whose clock the test moves."""

    def __init__(self, folder: Path) -> None:
        self.now_ms = NOW
        self.signer = Ed25519Signer(new_seed())
        sheet = enrolment.make_sheet(
            self.signer, "KM0000", NOW, root="KM0000", parent="", parent_url=""
        )
        enrolment.enrol(folder, sheet, NOW)
        self.node = Node(folder, clock_ms=lambda: self.now_ms, release="test")

    def publish(self, *matters: dict[str, Any], **options: Any) -> None:
        """Publish the matters shelf, and take in what follows from it."""
        self.now_ms += 1000
        entries = [entry_of(matter) for matter in matters]
        with self.node.database.write() as transaction:
            effects = authority.publish(
                self.node.core, transaction, self.now_ms, self.node.blobs, self.signer, MATTERS,
                entries, **options,
            )  # fmt: skip
        self.node.refresh_index(effects.switched)

    def found(self, query: str) -> list[str]:
        with self.node.database.read() as transaction:
            return MatterIndex(transaction.connection).search(query)


@pytest.fixture
def central(tmp_path: Path) -> Any:
    """Return a central that is closed afterwards."""
    world = Central(tmp_path / "node")
    yield world
    world.node.close()


def matter(n: int, **more: Any) -> dict[str, Any]:
    """Return a matter entry; its text does not compress, so that a change is a small delta."""
    text = hashlib.shake_256(b"%d" % n).hexdigest(600)
    return {"code": f"M{n:02d}", "name": f"事项{n:02d}(演示)", "version": 1, "text": text, **more}


def entry_of(row: dict[str, Any]) -> Entry:
    return Entry(row["code"], canonical.dumps(row))


def pin(row: dict[str, Any]) -> str:
    return hashlib.sha256(canonical.dumps(row)).hexdigest()


@pytest.mark.parametrize("gone", ["changed", "removed"])
def test_an_edition_takes_no_entry_away_that_a_waiting_case_pins(
    central: Central, gone: str
) -> None:
    """The event came, was not projected yet, and the edition came first."""
    rows = [matter(n) for n in range(8)]
    central.publish(*rows)
    body = {"matter": {"code": "M01", "version": 1, "hash": pin(rows[1])}, "form": {}}
    with central.node.database.write() as transaction:
        record.record(
            central.node.core, transaction, central.now_ms,
            stream=None, kind="received", actor="S001", added=[], body=body,
        )  # fmt: skip
    changed = [{**row, "version": 2} for row in rows]
    central.publish(*(changed if gone == "changed" else changed[2:]))
    with central.node.database.read() as transaction:
        assert canonical.dumps(rows[1]) == transaction.statement(PINNED, pin(rows[1]))
        assert transaction.statement(PINNED, pin(rows[2])) is None, "nobody needs the others"


def test_a_delta_brings_search_up_by_what_it_touched(central: Central) -> None:
    """Found by the new name, no longer by the old one, and gone when it is gone."""
    rows = [matter(n) for n in range(12)]
    central.publish(*rows)
    with central.node.database.read() as transaction:
        before = transaction.meta(INDEXED)
        ids = transaction.connection.execute("SELECT code, id FROM matter_search_doc").fetchall()
    central.publish({**rows[0], "name": "高龄津贴(演示)"}, *rows[1:11])
    assert ["M00"] == central.found("高龄津贴")
    assert [] == central.found("事项00")
    assert [] == central.found("事项11")
    with central.node.database.read() as transaction:
        assert before != transaction.meta(INDEXED)
        again = transaction.connection.execute("SELECT code, id FROM matter_search_doc").fetchall()
    assert sorted(again) == sorted(row for row in ids if row[0] != "M11"), "not made anew"


def test_an_edition_to_come_is_switched_to_on_its_day(central: Central) -> None:
    """By the node itself, looking at its clock; pages and search follow."""
    rows = [matter(n) for n in range(3)]
    central.publish(*rows)
    central.publish({**rows[0], "name": "新法事项(演示)"}, effective_from="2026-11-20")
    central.node.rounds.switch_due()
    assert [] == central.found("新法事项")
    central.now_ms += 4 * DAY_MS
    central.node.rounds.switch_due()
    assert ["M00"] == central.found("新法事项")
