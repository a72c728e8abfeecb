"""A village that is never online: everything goes by stick, also past its parent."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from node import enrolment, health
from node.program import Node
from sync.protocol.errors import BundleNotForUs, BundleNotOurs, BundleOwn
from sync.protocol.names import incarnation
from tests.integration.stick_world import Sticks
from tests.integration.test_tree_of_four import AT_ONCE, HANDED_ON
from tests.integration.tree_world import (
    CENTRAL,
    DISTRICT,
    TOWNSHIP,
    VILLAGE,
    VILLAGE_2,
    Tree,
)

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def sticks(tree: Tree, tmp_path: Path) -> Sticks:
    """The tree at rest, and a second village under its township that never calls anybody."""
    enrolment.enrol(tree.home(VILLAGE_2), tree.sheet(VILLAGE_2), tree.now_ms)
    tree.open(VILLAGE_2)
    return Sticks(tree, tmp_path / "sticks")


def settle_online(tree: Tree) -> None:
    tree.settle(DISTRICT, TOWNSHIP, VILLAGE)


def standings(node: Node) -> set[str]:
    with node.database.read() as transaction:
        return {stored.standing for stored in transaction.events_after(0, 10_000)}


def test_a_village_that_is_never_online_works_by_stick_past_its_parent(sticks: Sticks) -> None:
    """Catalogue, cases, receipts: all by sticks to central, the township knows nothing."""
    tree = sticks.tree
    village = tree.nodes[VILLAGE_2]
    first, answer = sticks.there_and_back(VILLAGE_2, CENTRAL)
    assert first.taken == 1, "the opening of its epoch"
    assert answer.shelves > 0
    assert answer.covered == 1

    stream = tree.take_in(VILLAGE_2, AT_ONCE)
    written = village.situation().rungs.local
    assert written > 0
    went = sticks.take(CENTRAL, sticks.up(VILLAGE_2))
    assert (went.taken, went.known, went.failed, went.gaps) == (written, 0, 0, [])
    assert tree.row(CENTRAL, stream) is not None
    assert village.situation().rungs.local == written, "nobody told the village yet"
    back = sticks.take(VILLAGE_2, sticks.down(CENTRAL, VILLAGE_2))
    assert back.covered == written
    rungs = village.situation().rungs
    assert (rungs.local, rungs.parent) == (0, 0)
    assert rungs.central == written + 1
    with village.database.read() as transaction:
        assert transaction.parent_link() is None, "no round was ever made"


def test_answers_of_the_district_reach_the_village_by_stick(sticks: Sticks) -> None:
    """A case handed on by stick past the township is worked on there, and comes back by stick."""
    tree = sticks.tree
    sticks.there_and_back(VILLAGE_2, CENTRAL)
    stream = tree.take_in(VILLAGE_2, HANDED_ON)
    sticks.take(CENTRAL, sticks.up(VILLAGE_2))
    assert tree.row(TOWNSHIP, stream) is None
    settle_online(tree)
    assert tree.row(TOWNSHIP, stream) is not None, "past it, and yet it concerns it"
    assert standings(tree.nodes[TOWNSHIP]) == {"good"}
    at_township = tree.events(TOWNSHIP, stream)
    assert at_township > tree.events(VILLAGE_2, stream), "the township answered by rule"
    sticks.take(VILLAGE_2, sticks.down(CENTRAL, VILLAGE_2))
    assert tree.events(VILLAGE_2, stream) == at_township
    assert standings(tree.nodes[VILLAGE_2]) == {"good"}


def test_the_parent_gets_the_log_later_without_doubling(sticks: Sticks) -> None:
    """First by stick to the district, then online through the township: each event once."""
    tree = sticks.tree
    sticks.there_and_back(VILLAGE_2, CENTRAL)
    stream = tree.take_in(VILLAGE_2, HANDED_ON)
    sticks.take(DISTRICT, sticks.up(VILLAGE_2))
    later = tree.take_in(VILLAGE_2, AT_ONCE)
    tree.settle(DISTRICT, TOWNSHIP, VILLAGE, VILLAGE_2)
    counts = {code: tree.events(code, stream) for code in tree.nodes if code != VILLAGE}
    assert len(set(counts.values())) == 1, counts
    assert tree.row(CENTRAL, later) is not None
    rungs = tree.nodes[VILLAGE_2].situation().rungs
    assert (rungs.local, rungs.parent) == (0, 0)
    for code in (TOWNSHIP, DISTRICT):
        with tree.nodes[code].database.read() as transaction:
            assert not transaction.logs_unsent(), f"{code} offers for ever what is above"
            log = transaction.log(tree.nodes[VILLAGE_2].core.log)
            assert log is not None
            assert log.central_position == log.position
        assert tree.counter(code, "logs_frozen") == 0


def test_a_relay_cut_off_brings_its_subtree_by_stick(sticks: Sticks) -> None:
    """The township's stick carries its village; receipts of both come back with it."""
    tree = sticks.tree
    stream = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle(VILLAGE)
    assert tree.row(DISTRICT, stream) is None
    went, _ = sticks.there_and_back(TOWNSHIP, CENTRAL)
    assert went.taken > 0
    assert tree.row(CENTRAL, stream) is not None
    tree.settle(VILLAGE)
    rungs = tree.nodes[VILLAGE].situation().rungs
    assert (rungs.local, rungs.parent) == (0, 0), "central's receipt came by stick and by round"
    tree.settle(DISTRICT, TOWNSHIP, VILLAGE)
    assert tree.row(DISTRICT, stream) is not None


def test_a_stick_again_is_success_and_changes_nothing(sticks: Sticks) -> None:
    """Taken in whole before, it says so; another node above may take the same one."""
    tree = sticks.tree
    path = sticks.up(VILLAGE_2)
    assert sticks.take(CENTRAL, path).taken > 0
    held = tree.held()
    again = sticks.take(CENTRAL, path)
    assert again.already
    assert again.taken == 0
    assert tree.held() == held
    other = sticks.take(DISTRICT, path)
    assert other.taken > 0, "the same stick may be brought to another node above"


def test_a_lost_stick_leaves_no_gap_and_an_old_one_does_no_harm(sticks: Sticks) -> None:
    """The next holds it all; the old one, found months later, is taken without effect."""
    tree = sticks.tree
    sticks.there_and_back(VILLAGE_2, CENTRAL)
    first = tree.take_in(VILLAGE_2, AT_ONCE)
    lost = sticks.up(VILLAGE_2)
    second = tree.take_in(VILLAGE_2, AT_ONCE)
    went, _ = sticks.there_and_back(VILLAGE_2, CENTRAL)
    assert went.gaps == []
    assert tree.row(CENTRAL, first) is not None
    assert tree.row(CENTRAL, second) is not None
    tree.now_ms += 200 * DAY_MS
    held = tree.held()
    late = sticks.take(CENTRAL, lost)
    assert late.past
    assert (late.taken, late.failed, late.told) == (0, 0, "")
    assert tree.held() == held


def test_a_gap_is_named_and_the_answer_closes_it(sticks: Sticks) -> None:
    """The district never saw what went to central: it says from where on; the next stick fits."""
    tree = sticks.tree
    sticks.there_and_back(VILLAGE_2, CENTRAL)
    tree.take_in(VILLAGE_2, AT_ONCE)
    path = sticks.up(VILLAGE_2)
    went = sticks.take(DISTRICT, path)
    assert [(gap.held, gap.at) for gap in went.gaps] == [(0, 2)]
    assert went.missing == (1, 1)
    sticks.take(VILLAGE_2, sticks.down(DISTRICT, VILLAGE_2))
    again = sticks.take(DISTRICT, sticks.up(VILLAGE_2))
    assert again.gaps == []
    assert again.taken > 1
    first = sticks.take(DISTRICT, path)
    assert first.gaps == []
    assert first.taken == 0


def test_a_receipt_of_a_node_between_counts_as_handed_up_and_no_more(sticks: Sticks) -> None:
    """The rung is the one of a node above; only central's own receipt makes it central's."""
    tree = sticks.tree
    sticks.there_and_back(VILLAGE_2, CENTRAL)
    tree.take_in(VILLAGE_2, AT_ONCE)
    sticks.there_and_back(VILLAGE_2, DISTRICT)  # a gap: it never saw the first stick
    _, back = sticks.there_and_back(VILLAGE_2, DISTRICT)
    assert back.covered > 0
    rungs = tree.nodes[VILLAGE_2].situation().rungs
    assert rungs.local == 0
    assert rungs.parent > 0
    assert rungs.central == 1


def test_a_node_restored_from_before_is_given_all_again(sticks: Sticks, tmp_path: Path) -> None:
    """Receipts of its earlier life are void once the village hears of the new one."""
    tree = sticks.tree
    with_copy = tmp_path / "copy"
    tree.nodes.pop(DISTRICT).close()
    shutil.copytree(tree.home(DISTRICT), with_copy)
    tree.open(DISTRICT)
    stream = tree.take_in(VILLAGE, AT_ONCE)
    sticks.there_and_back(VILLAGE, DISTRICT)
    assert tree.row(DISTRICT, stream) is not None
    sticks.there_and_back(VILLAGE, CENTRAL)
    old_answer = sticks.down(DISTRICT, VILLAGE)
    restore(tree, with_copy)
    assert tree.row(DISTRICT, stream) is None
    sticks.there_and_back(VILLAGE, DISTRICT)
    assert tree.row(DISTRICT, stream) is None, "it was believed to hold it"
    late = sticks.take(VILLAGE, old_answer)
    assert late.past
    assert late.covered == 0
    sticks.there_and_back(VILLAGE, DISTRICT)
    assert tree.row(DISTRICT, stream) is not None


def restore(tree: Tree, copy: Path) -> None:
    """Put a copy of the district's files back, in a new life."""
    tree.nodes.pop(DISTRICT).close()
    shutil.rmtree(tree.home(DISTRICT))
    shutil.copytree(copy, tree.home(DISTRICT))
    path = tree.home(DISTRICT) / enrolment.NODE_FILE
    facts = json.loads(path.read_text())
    facts["incarnation"] = incarnation(tree.now_ms, b"\1" * 8)
    path.write_text(json.dumps(facts))
    tree.open(DISTRICT)


def test_each_reader_opens_and_nobody_else(sticks: Sticks) -> None:
    """Every node above reads a bundle up; a neighbour, its own maker and a relay below do not."""
    tree = sticks.tree
    sticks.there_and_back(VILLAGE_2, CENTRAL)
    path = sticks.up(VILLAGE_2)
    with pytest.raises(BundleNotForUs):
        sticks.take(VILLAGE, path)
    with pytest.raises(BundleOwn):
        sticks.take(VILLAGE_2, path)
    assert sticks.take(DISTRICT, path).taken == 0
    down = sticks.down(CENTRAL, VILLAGE_2)
    with pytest.raises(BundleNotForUs):
        sticks.take(TOWNSHIP, down)
    with pytest.raises(BundleNotOurs):
        tree.nodes[VILLAGE].files.export_down(VILLAGE_2, sticks.folder)


def test_a_relay_that_holds_less_than_the_node_above_comes_to_rest(sticks: Sticks) -> None:
    """The stick overtook it: its receipt ends at what it showed, and it offers nothing for ever."""
    tree = sticks.tree
    tree.settle(VILLAGE_2)
    tree.take_in(VILLAGE_2, AT_ONCE)
    tree.settle(VILLAGE_2)
    overtaking = tree.take_in(VILLAGE_2, AT_ONCE)
    assert sticks.take(DISTRICT, sticks.up(VILLAGE_2)).taken > 0
    settle_online(tree)
    with tree.nodes[TOWNSHIP].database.read() as transaction:
        assert not transaction.logs_unsent()
    assert tree.row(CENTRAL, overtaking) is not None
    tree.settle()
    rungs = tree.nodes[VILLAGE_2].situation().rungs
    assert (rungs.local, rungs.parent) == (0, 0)


def test_a_stick_past_the_parent_hides_nothing_the_parent_says(sticks: Sticks) -> None:
    """Central keeps what the road told of a village, and hears of it later by the stick."""
    tree = sticks.tree
    with tree.central.database.read() as transaction:
        before = health.below(transaction)[VILLAGE]
    assert before.release
    sticks.take(CENTRAL, sticks.up(VILLAGE))
    with tree.central.database.read() as transaction:
        after = health.below(transaction)[VILLAGE]
    assert after.release == before.release
    assert after.heard_ms > before.heard_ms
