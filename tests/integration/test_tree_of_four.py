"""Central, district, township and village as real nodes: what one does is seen at another."""

from __future__ import annotations

from casework.status import Status
from central.imports.entries import DEMO_DIVISION
from node.situation import CENTRAL as AT_CENTRAL
from node.situation import LOCAL, PARENT, rung_of_case
from tests.integration.tree_world import (
    CENTRAL,
    DISTRICT,
    TOWNSHIP,
    VILLAGE,
    VILLAGE_2,
    Tree,
    shipped,
    without_notices,
)

AT_ONCE = "CG-CW-0101"
"""Done at the village itself (直办), accepted on receipt."""
HANDED_ON = "CG-MZ-0101"
"""Taken in at the village (代收), accepted at the township, decided at the district."""


def rung(tree: Tree, code: str, stream: str) -> str:
    """Return the rung of a case as its station shows it."""
    node = tree.nodes[code]
    with node.database.read() as transaction:
        return rung_of_case(node.core, transaction, stream)


def matters(tree: Tree, code: str) -> set[str]:
    """Return the codes of the matters a station holds."""
    with tree.nodes[code].database.read() as transaction:
        return {entry.key for entry in transaction.entries("matters")}


def test_editions_arrive_down_the_tree(bare_tree: Tree) -> None:
    """Every station gets its own tier's shelves whole, through the relays above it, and no more."""
    bare_tree.publish(shipped())
    bare_tree.enrol(DISTRICT, TOWNSHIP, VILLAGE)
    bare_tree.settle()
    assert 1179 == len(matters(bare_tree, DISTRICT))
    assert 44 == len(matters(bare_tree, TOWNSHIP)) == len(matters(bare_tree, VILLAGE))
    with bare_tree.nodes[VILLAGE].database.read() as transaction:
        editions = transaction.editions()
        staff = {entry.key for entry in transaction.entries("staff")}
        services = {entry.key.split("/")[0] for entry in transaction.entries("services")}
        stations = {entry.key for entry in transaction.entries("stations")}
        years = {entry.key for entry in transaction.entries("calendar")}
    assert f"matters/{DEMO_DIVISION}/village" in editions
    assert f"matters/{DEMO_DIVISION}/district" not in editions
    assert {"CG0111-01", "CG0111-02"} == staff
    assert {VILLAGE} == services
    assert 7 == len(stations)
    assert {"000000000000/2025", "000000000000/2026"} == years
    assert 0 == sum(bare_tree.counter(code, "editions_refused") for code in bare_tree.nodes)


def test_unchanged_shelves_make_no_new_edition(tree: Tree) -> None:
    """Publishing the same again gives no edition; one changed matter gives just its shelves."""
    assert not any(one.changed for one in tree.publish(without_notices()))
    changed = without_notices()
    first, *others = changed["matters"]
    changed["matters"] = [{**first, "version": 2, "fee": "改了(演示)"}, *others]
    published = tree.publish(changed)
    shelves = {one.shelf.tier for one in published if one.changed}
    assert {"district", "township", "village"} == shelves
    assert {"matters"} == {one.shelf.register for one in published if one.changed}
    tree.settle()
    with tree.nodes[VILLAGE].database.read() as transaction:
        entry = transaction.entry("matters", first["code"])
    assert entry is not None
    assert "改了(演示)".encode() in entry.raw


def test_removed_entries_leave_every_node(tree: Tree) -> None:
    """A matter taken out of the catalogue is gone at the village after its next edition."""
    fewer = without_notices()
    gone = fewer["matters"][0]["code"]
    fewer["matters"] = fewer["matters"][1:]
    fewer["services"] = [s for s in fewer["services"] if s["matter"] != gone]
    tree.publish(fewer)
    tree.settle()
    assert gone not in matters(tree, VILLAGE)
    assert 43 == len(matters(tree, VILLAGE))


def test_event_reaches_central_and_its_receipt_comes_back(tree: Tree) -> None:
    """A case saved at the village climbs the rungs one by one, each only when it is true."""
    stream = tree.take_in(VILLAGE, AT_ONCE)
    assert LOCAL == rung(tree, VILLAGE, stream)
    tree.round(VILLAGE)
    assert PARENT == rung(tree, VILLAGE, stream)
    assert 0 == tree.events(DISTRICT, stream)
    tree.round(TOWNSHIP)
    tree.round(DISTRICT)
    assert tree.events(CENTRAL, stream) >= 1
    assert PARENT == rung(tree, VILLAGE, stream)
    tree.settle()
    assert AT_CENTRAL == rung(tree, VILLAGE, stream)
    state = tree.nodes[VILLAGE].situation()
    assert 0 == state.rungs.local == state.rungs.parent
    assert state.written == state.rungs.central


def test_central_gives_official_number_by_rule(tree: Tree) -> None:
    """A case accepted at the village comes back from central with its 办件编号."""
    stream = tree.take_in(VILLAGE, AT_ONCE)
    tree.act(VILLAGE, stream, "accepted", kind="收件即受理")
    tree.settle()
    here, there = tree.row(VILLAGE, stream), tree.row(CENTRAL, stream)
    assert here is not None
    assert there is not None
    assert here.accepted_day
    assert here.official_no
    assert here.state_hash == there.state_hash
    with tree.central.database.read() as transaction:
        kinds = [stored.type for stored in transaction.stream_events(stream)]
    assert 1 == kinds.count("official_number_given")


def test_case_is_handed_to_township_and_seen_the_same_everywhere(tree: Tree) -> None:
    """A complete case of 代收 goes into the township's custody; all who hold it agree."""
    stream = tree.take_in(VILLAGE, HANDED_ON)
    tree.settle()
    rows = [tree.row(code, stream) for code in (VILLAGE, TOWNSHIP, CENTRAL)]
    assert [TOWNSHIP] * 3 == [row.holder for row in rows if row is not None]
    assert 1 == len({row.state_hash for row in rows if row is not None})
    tree.act(TOWNSHIP, stream, "accepted", actor="CG0101-02")
    tree.settle()
    seen = tree.row(VILLAGE, stream)
    assert seen is not None
    assert str(Status.RECEIVED) != seen.status
    assert seen.official_no
    assert 1 == len({row.state_hash for c in tree.nodes if (row := tree.row(c, stream))})


def test_relay_serves_its_children_with_its_own_uplink_cut(tree: Tree) -> None:
    """With the township's uplink cut, its villages go on with it and say where it stands."""
    tree.enrol(VILLAGE_2)
    tree.settle()
    below = (VILLAGE, VILLAGE_2)
    stream = tree.take_in(VILLAGE, HANDED_ON)
    tree.settle(*below)
    at_township, at_village = tree.row(TOWNSHIP, stream), tree.row(VILLAGE, stream)
    assert at_township is not None
    assert at_village is not None
    assert TOWNSHIP == at_township.holder == at_village.holder
    assert PARENT == rung(tree, VILLAGE, stream)
    assert 0 == tree.events(DISTRICT, stream) == tree.events(CENTRAL, stream)
    assert 0 == tree.events(VILLAGE_2, stream), "a neighbour not concerned never gets a case"
    assert tree.nodes[TOWNSHIP].situation().carried > 0
    tree.settle()
    assert AT_CENTRAL == rung(tree, VILLAGE, stream)
    assert tree.events(VILLAGE, stream) == tree.events(CENTRAL, stream)


def test_new_station_below_a_cut_relay_gets_its_registers(tree: Tree) -> None:
    """A village enrolled while the township is cut off loads its matters from the township."""
    tree.enrol(VILLAGE_2)
    tree.settle(VILLAGE_2)
    assert 44 == len(matters(tree, VILLAGE_2))


def test_undelivered_events_survive_restarts_of_every_node(tree: Tree) -> None:
    """What was saved before a restart anywhere on the way arrives once, and only once."""
    stream = tree.take_in(VILLAGE, AT_ONCE)
    tree.reopen(VILLAGE)
    tree.round(VILLAGE)
    tree.reopen(TOWNSHIP)
    tree.settle()
    tree.reopen(DISTRICT)
    tree.reopen(CENTRAL)
    tree.settle()
    assert AT_CENTRAL == rung(tree, VILLAGE, stream)
    held = {tree.events(code, stream) for code in tree.nodes}
    assert 1 == len(held)


def test_tree_at_rest_says_nothing(tree: Tree) -> None:
    """Once everything has arrived, one round per link finds nothing to do."""
    tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    before = tree.held()
    assert not any([tree.round(VILLAGE), tree.round(TOWNSHIP), tree.round(DISTRICT)])
    assert before == tree.held()
