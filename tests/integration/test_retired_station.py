"""A merged village takes nothing in; what it still has comes in and goes on, weeks later."""

from __future__ import annotations

import pytest

from central.answers import NotDone
from central.retire_command import retire
from node.desk import StationClosed
from tests.integration.test_tree_of_four import AT_ONCE, HANDED_ON
from tests.integration.tree_world import (
    CENTRAL,
    TOWNSHIP,
    VILLAGE,
    VILLAGE_2,
    Tree,
    without_notices,
)

MONTH_MS = 31 * 24 * 3600 * 1000


def merge(tree: Tree) -> list[str]:
    """Merge the first village into the second."""
    return retire(tree.central, tree.home(CENTRAL), VILLAGE, VILLAGE_2).open_cases


def others(tree: Tree) -> tuple[str, ...]:
    return tuple(code for code in tree.nodes if code not in (CENTRAL, VILLAGE))


def test_an_offline_retired_station_comes_back_and_loses_nothing(tree: Tree) -> None:
    """Its last case was written offline; a month after the merger it arrives and counts."""
    tree.enrol(VILLAGE_2)
    tree.settle()
    stream = tree.take_in(VILLAGE, HANDED_ON)
    merge(tree)
    tree.settle(*others(tree))
    tree.now_ms += MONTH_MS
    tree.settle()
    row, own = tree.row(CENTRAL, stream), tree.row(VILLAGE, stream)
    assert row is not None
    assert own is not None
    assert row.state_hash == own.state_hash
    assert row.status
    with tree.central.database.read() as transaction:
        assert [] == [r for log in transaction.logs() for r in transaction.refusals(log.name)]
    with pytest.raises(StationClosed) as refused:
        tree.take_in(VILLAGE, AT_ONCE)
    assert "已并入" in refused.value.sentence


def test_its_cases_are_reachable_by_takeover_and_go_to_its_successor(tree: Tree) -> None:
    """The township above takes a case of the silent village over and hands it to the other."""
    tree.enrol(VILLAGE_2)
    tree.settle()
    stream = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    row = tree.row(CENTRAL, stream)
    assert row is not None
    assert VILLAGE == row.holder
    assert [row.receipt_no] == merge(tree)
    tree.settle(*others(tree))
    tree.act(TOWNSHIP, stream, "taken_over", actor=f"{TOWNSHIP}-02", reason="演示:并站")
    tree.act(TOWNSHIP, stream, "handed_over", actor=f"{TOWNSHIP}-02", to=VILLAGE_2, reason="演示")
    tree.settle(*others(tree))
    row = tree.row(CENTRAL, stream)
    assert row is not None
    assert VILLAGE_2 == row.holder
    tree.settle()
    own = tree.row(VILLAGE, stream)
    assert own is not None
    assert VILLAGE_2 == own.holder


def test_a_later_import_does_not_open_the_station_again(tree: Tree) -> None:
    """The merger is kept beside the table that is imported."""
    merge(tree)
    tree.publish(without_notices())
    tree.settle()
    with tree.nodes[VILLAGE].database.read() as transaction:
        registry = tree.nodes[VILLAGE].desk.registry(transaction, tree.now_ms)
        assert VILLAGE_2 == registry.tree.closed_into(VILLAGE)


def test_a_station_with_children_is_not_merged_away(tree: Tree) -> None:
    """Its villages would have nobody to call."""
    with pytest.raises(NotDone) as refused:
        retire(tree.central, tree.home(CENTRAL), TOWNSHIP, VILLAGE_2)
    assert "has_children" == refused.value.code
