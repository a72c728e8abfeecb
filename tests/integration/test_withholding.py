"""A relay that takes and does not hand on is noticed at central after a day of contact."""

from __future__ import annotations

from central.metrics import CentralCollector
from central.supervision import Fleet, StationLine
from tests.integration.test_tree_of_four import AT_ONCE
from tests.integration.tree_world import CENTRAL, DISTRICT, TOWNSHIP, VILLAGE, Tree

HOUR_MS = 3600 * 1000


def line(tree: Tree, code: str) -> StationLine:
    with tree.central.database.read() as transaction:
        return Fleet(tree.central, transaction).line(code)


def hours_pass(tree: Tree, hours: int) -> None:
    """Let everybody call now and then."""
    for _ in range(hours):
        tree.now_ms += HOUR_MS
        for code in (VILLAGE, TOWNSHIP, DISTRICT):
            tree.round(code)
            tree.round(code)


def withhold(tree: Tree) -> None:
    """Let the township keep the village's log to itself, though it gave the receipt for it."""
    node = tree.nodes[TOWNSHIP]
    log = tree.nodes[VILLAGE].core.log
    with node.database.write() as transaction:
        state = transaction.log(log)
        assert state is not None
        transaction.connection.execute(
            "UPDATE logs SET parent_position = position WHERE station = ?", (VILLAGE,)
        )


def metric(tree: Tree, name: str) -> float:
    found = [
        sample.value
        for family in CentralCollector(tree.central).collect()
        for sample in family.samples
        if sample.name == name and sample.labels.get("tier") == "village"
    ]
    return found[0]


def test_an_event_kept_by_a_relay_is_seen_at_central(tree: Tree) -> None:
    """The oldest event below central is said by its author and carried past the relay."""
    hours_pass(tree, 1)
    written = tree.take_in(VILLAGE, AT_ONCE)
    tree.round(VILLAGE)
    withhold(tree)
    hours_pass(tree, 3)
    found = line(tree, VILLAGE)
    assert 0 < found.below_central_ms < tree.now_ms
    assert not found.withheld
    hours_pass(tree, 23)
    assert line(tree, VILLAGE).withheld
    assert not line(tree, TOWNSHIP).withheld
    assert 1 == metric(tree, "yizhan_central_stations_withheld")
    age = metric(tree, "yizhan_central_oldest_below_central_seconds")
    assert 24 * 3600 < age < 30 * 3600
    assert tree.row(CENTRAL, written) is None
    with tree.nodes[TOWNSHIP].database.write() as transaction:
        transaction.connection.execute(
            "UPDATE logs SET parent_position = 1 WHERE station = ?", (VILLAGE,)
        )
    hours_pass(tree, 3)
    found = line(tree, VILLAGE)
    assert (0, False) == (found.below_central_ms, found.withheld)
    assert tree.row(CENTRAL, written) is not None


def test_a_station_that_was_away_is_not_called_withheld(tree: Tree) -> None:
    """Nothing of it came for days because nobody could reach it; that is another state."""
    tree.take_in(VILLAGE, AT_ONCE)
    tree.now_ms += 72 * HOUR_MS
    assert not line(tree, VILLAGE).withheld
    for code in (VILLAGE, TOWNSHIP, DISTRICT):
        tree.round(code)
    assert not line(tree, VILLAGE).withheld
