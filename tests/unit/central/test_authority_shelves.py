"""Which entries go to which shelf, and the lint that nobody lacks a matter he takes part in."""

from __future__ import annotations

from datetime import date
from typing import Any

from central import shelves
from central.catalogue import read
from central.imports.entries import DEMO_DIVISION
from sync.engine.tree import Tree
from sync.protocol.registers import Shelf

TODAY = date(2026, 11, 24)
NOW_MS = 1_795_482_000_000


def shipped() -> dict[str, list[dict[str, Any]]]:
    """Return the shipped catalogue."""
    return read(None, NOW_MS)


def test_every_entry_stands_on_a_shelf_somebody_reads() -> None:
    """No entry is published where no station of the tree would ever read it."""
    catalogue = shipped()
    tree = shelves.station_tree(catalogue, TODAY)
    read_by_all = {scope for code in tree.codes() for scope in shelves.scopes(tree, code)}
    for shelf, entries in shelves.distribute(catalogue, TODAY).items():
        assert entries
        assert (shelf.division, shelf.tier) in read_by_all, str(shelf)


def test_scopes_agree_with_the_engine() -> None:
    """What this module believes a station reads is what the engine lets it read."""
    catalogue = shipped()
    tree = shelves.station_tree(catalogue, TODAY)
    engine = Tree(
        parents={code: tree.parent(code) for code in tree.codes()},
        parents_ever={},
        tiers={code: tree.tier(code) for code in tree.codes()},
        divisions={code: tree.division(code) for code in tree.codes()},
    )
    for code in tree.codes():
        assert engine.scopes(code) == shelves.scopes(tree, code), code


def test_borrowed_names_are_on_the_district_shelf_alone() -> None:
    """The 1,135 names without materials burden no village and are marked as demonstration."""
    placed = shelves.distribute(shipped(), TODAY)
    sizes = {s.tier: len(e) for s, e in placed.items() if s.register == "matters"}
    assert {"district": 1179, "township": 44, "village": 44} == sizes
    district = placed[Shelf("matters", DEMO_DIVISION, "district")]
    assert all("演示".encode() in entry.raw for entry in district)


def test_each_station_reads_its_own_services_and_staff() -> None:
    """A village's shelf of services holds no neighbour's rows."""
    for shelf, entries in shelves.distribute(shipped(), TODAY).items():
        if shelf.register == "services":
            assert 1 == len({entry.key.split("/")[0] for entry in entries}), str(shelf)


def test_matter_missing_at_its_handling_station_is_found() -> None:
    """A service whose handling station's tier is not among the matter's tiers is named."""
    catalogue = shipped()
    first = next(s for s in catalogue["services"] if s["handling"] != s["station"])
    for matter in catalogue["matters"]:
        if matter["code"] == first["matter"]:
            matter["tiers"] = ["village"]
    problems = shelves.unreachable(catalogue, TODAY)
    assert problems
    assert {"matter_not_on_shelf"} == {p.code for p in problems}
    assert any(first["handling"] in p.sentence and first["matter"] in p.sentence for p in problems)


def test_shipped_catalogue_reaches_everyone() -> None:
    """The shipped catalogue has no such gap."""
    assert [] == shelves.unreachable(shipped(), TODAY)
