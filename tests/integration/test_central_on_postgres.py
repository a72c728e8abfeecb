"""Central on PostgreSQL plays the part it plays on a file, also as several processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from casework.status import Status
from node.program import Node
from node.situation import CENTRAL as AT_CENTRAL
from node.situation import rung_of_case
from tests.integration.tree_world import (
    CENTRAL,
    DISTRICT,
    RELEASE,
    TOWNSHIP,
    VILLAGE,
    Tree,
    shipped,
    without_notices,
)
from tests.postgres_server import Cluster

AT_ONCE = "CG-CW-0101"
STATIONS = (DISTRICT, TOWNSHIP, VILLAGE)


@pytest.fixture
def tree(cluster: Cluster, tmp_path: Path) -> Iterator[Tree]:
    """A tree whose central keeps its data in PostgreSQL, enrolled and at rest."""
    tree = Tree.founded(tmp_path, database_url=cluster.database())
    tree.publish(without_notices())
    tree.enrol(*STATIONS)
    tree.settle()
    yield tree
    tree.close()


def test_a_case_reaches_central_and_its_receipt_comes_back(tree: Tree) -> None:
    """The main job: taken in at a village, shown at central, 已到中心 at the village."""
    stream = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    row = tree.row(CENTRAL, stream)
    assert row is not None
    assert row.status == Status.RECEIVED.value
    assert row.receiving == VILLAGE
    node = tree.nodes[VILLAGE]
    with node.database.read() as transaction:
        assert rung_of_case(node.core, transaction, stream) == AT_CENTRAL
    assert not (tree.home(CENTRAL) / "node.db").exists()


def test_central_goes_on_after_a_restart(tree: Tree) -> None:
    """Everything is in the server's database: what a stopped central held, the next one holds."""
    stream = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    before = tree.held()[CENTRAL]
    tree.reopen(CENTRAL)
    assert before == tree.held()[CENTRAL]
    tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    assert tree.row(CENTRAL, stream) is not None


def test_central_finds_matters_without_full_text(tree: Tree) -> None:
    """By name, alias, department, code and initials; the very name comes first."""
    tree.publish(shipped())
    central = tree.central
    with central.database.read() as transaction:
        finder = central.matters(transaction)
        entry = central.desk.registry(transaction, tree.now_ms).matter_entry(AT_ONCE)
        assert entry is not None
        name = entry["name"]
        for typed in (name, name[:4], AT_ONCE, AT_ONCE.lower(), f" {name[:2]}  {name[2:4]} "):
            assert AT_ONCE in finder.search(typed, 50), typed
        assert finder.search(name, 5)[0] == AT_ONCE
        assert finder.search(f"{name[0]}%{name[-1]}", 5) == finder.search("  ", 5) == []
        several = finder.search("证", 50)
        assert len(several) > 2
        assert finder.search("证", 50, boost={several[-1]})[0] == several[-1]


def test_two_processes_of_central_project_and_serve(tree: Tree) -> None:
    """A second process on the same database takes the next round; both show the same cases."""
    second = Node(
        tree.home(CENTRAL),
        clock_ms=tree.clock,
        release=RELEASE,
        must_exist=True,
        database_url=tree.database_url,
    )
    first = tree.central
    streams = []
    try:
        for central in (first, second, first, second):
            streams.append(tree.take_in(VILLAGE, AT_ONCE))
            tree.nodes[CENTRAL] = central
            tree.settle()
        for central in (first, second):
            with central.database.read() as transaction:
                rows = [central.desk.table(transaction).get(stream) for stream in streams]
            assert all(row is not None and row.receipt_no for row in rows)
            assert len({row.receipt_no for row in rows if row is not None}) == len(streams)
    finally:
        tree.nodes[CENTRAL] = first
        second.close()
