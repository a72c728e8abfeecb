"""One identity on two machines: caught, that one log frozen, and one command names who goes on."""

from __future__ import annotations

import shutil

import pytest

from central import approvals
from central.approvals import NothingToApprove
from node import lives, troubles
from node.program import Node
from node.troubles import Own
from sync.protocol import statements
from sync.protocol.errors import LogStopped
from sync.protocol.lives import Evidence
from tests.integration.tree_world import (
    CENTRAL,
    DISTRICT,
    RELEASE,
    TOWNSHIP,
    VILLAGE,
    VILLAGE_2,
    Tree,
)

AT_ONCE = "CG-CW-0101"
COPY = "copy"


def copied(tree: Tree, code: str) -> Node:
    """Copy a node's folder and start the copy beside it, as a cloned disk would."""
    tree.nodes.pop(code).close()
    shutil.copytree(tree.home(code), tree.folder / COPY)
    tree.open(code)
    return Node(tree.folder / COPY, clock_ms=tree.clock, release=RELEASE)


def round_of(tree: Tree, node: Node, above: str = TOWNSHIP) -> bool:
    """Make one round of any machine with a station's parent."""
    tree.now_ms += 50
    return node.rounds.take_answer(tree.nodes[above].rounds.serve(node.rounds.begin())).more


def settle_both(tree: Tree, copy: Node) -> None:
    """Make rounds of the copy and of the whole tree until nothing moves."""
    for _ in range(4):
        for _ in range(20):
            if not round_of(tree, copy):
                break
        tree.settle()


def own(node: Node) -> Own | None:
    with node.database.read() as transaction:
        return troubles.own(transaction)


def frozen(tree: Tree, code: str) -> list[str]:
    with tree.nodes[code].database.read() as transaction:
        return [log.name.station for log in transaction.logs() if log.frozen]


def write(node: Node, tree: Tree) -> str:
    """Take a case in at a machine of the village; return its stream."""
    present = tree.nodes[VILLAGE]
    tree.nodes[VILLAGE] = node
    try:
        return tree.take_in(VILLAGE, AT_ONCE)
    finally:
        tree.nodes[VILLAGE] = present


def test_a_copy_is_caught_at_its_first_contact_and_one_goes_on(tree: Tree) -> None:
    """Confirmed tokens: the second machine is found as it calls; nobody else is touched."""
    tree.enrol(VILLAGE_2)
    tree.settle()
    copy = copied(tree, VILLAGE)
    tree.settle()
    tree.round(VILLAGE)
    tree.round(VILLAGE)
    round_of(tree, copy)
    round_of(tree, copy)
    assert [VILLAGE] == frozen(tree, TOWNSHIP)
    settle_both(tree, copy)
    here, there = own(tree.nodes[VILLAGE]), own(copy)
    assert here is not None
    assert there is not None
    assert here.code != there.code
    for node in (tree.nodes[VILLAGE], copy):
        with pytest.raises(LogStopped):
            write(node, tree)
    other = tree.take_in(VILLAGE_2, AT_ONCE)
    tree.settle()
    assert tree.events(CENTRAL, other) > 0, "the neighbours' work goes on"
    with pytest.raises(NothingToApprove):
        approvals.approve(tree.central, tree.home(CENTRAL), VILLAGE)
    tree.now_ms += 1000
    approvals.approve(tree.central, tree.home(CENTRAL), VILLAGE, there.code)
    settle_both(tree, copy)
    assert own(copy) is None, "the copy that was named goes on"
    left = own(tree.nodes[VILLAGE])
    assert left is not None
    assert "older_life" == left.reason
    assert [] == frozen(tree, TOWNSHIP) == frozen(tree, CENTRAL)
    stream = write(copy, tree)
    settle_both(tree, copy)
    assert tree.events(CENTRAL, stream) > 0
    copy.close()


def test_the_copy_that_goes_on_hands_up_what_it_had_not_sent(tree: Tree) -> None:
    """Its opening and the work before it go up together: the freeze it ends takes nothing along."""
    copy = copied(tree, VILLAGE)
    tree.settle()
    for _ in range(2):
        tree.round(VILLAGE)
    unsent = write(copy, tree)
    for _ in range(2):
        round_of(tree, copy)
    assert [VILLAGE] == frozen(tree, TOWNSHIP)
    settle_both(tree, copy)
    there = own(copy)
    assert there is not None
    approvals.approve(tree.central, tree.home(CENTRAL), VILLAGE, there.code)
    settle_both(tree, copy)
    assert own(copy) is None
    assert tree.events(CENTRAL, unsent) > 0
    copy.close()


def test_two_contents_are_shown_side_by_side_up_to_central(tree: Tree) -> None:
    """Both machines wrote: evidence climbs, what was accepted stays, the rest is listed."""
    copy = copied(tree, VILLAGE)
    kept = write(tree.nodes[VILLAGE], tree)
    tree.settle()
    doubtful = write(copy, tree)
    assert kept == doubtful, "one name, two contents"
    settle_both(tree, copy)
    with tree.central.database.read() as transaction:
        proofs = troubles.evidence(transaction)
        raws = transaction.statements(statements.EVIDENCE)
    assert {VILLAGE} == {proof.station for proof in proofs}
    assert {TOWNSHIP} == {proof.witness for proof in proofs}
    assert all(2 == len(proof.sides) for proof in proofs)
    assert all(
        (one := statements.decode(raw).read(Evidence)).first != one.second for _, raw in raws
    )
    there = own(copy)
    assert there is not None
    approvals.approve(tree.central, tree.home(CENTRAL), VILLAGE, there.code)
    settle_both(tree, copy)
    assert own(copy) is None
    for node in (copy, tree.nodes[TOWNSHIP], tree.nodes[DISTRICT], tree.central):
        with node.database.read() as transaction:
            listed = troubles.of_tree(transaction, VILLAGE).recovered
        assert [doubtful] == [one.stream for one in listed], node.core.station
    seen, there_row = tree.row(CENTRAL, kept), None
    with copy.database.read() as transaction:
        there_row = copy.desk.table(transaction).get(kept)
    assert seen is not None
    assert there_row is not None
    assert seen.state_hash == there_row.state_hash
    copy.close()


def test_the_other_machines_unsent_work_is_recovered_after_the_choice(tree: Tree) -> None:
    """The machine that does not go on hands its tail in; it is listed and never applied."""
    copy = copied(tree, VILLAGE)
    mine = write(tree.nodes[VILLAGE], tree)
    tree.round(VILLAGE)
    tail = [write(copy, tree) for _ in range(2)]
    settle_both(tree, copy)
    here = own(tree.nodes[VILLAGE])
    assert here is not None
    approvals.approve(tree.central, tree.home(CENTRAL), VILLAGE, here.code)
    settle_both(tree, copy)
    assert own(tree.nodes[VILLAGE]) is None
    with tree.central.database.read() as transaction:
        listed = {one.stream for one in troubles.of_tree(transaction, VILLAGE).recovered}
        assert transaction.event(transaction.stream_events(mine)[0].name) is not None
    assert set(tail) == listed
    assert tree.row(CENTRAL, tail[1]) is None
    copy.close()


def test_a_copy_that_only_wrote_and_never_called_hands_its_work_in(tree: Tree) -> None:
    """The replaced machine comes back months later: its work is listed and nothing is frozen."""
    copy = copied(tree, VILLAGE)
    tail = write(copy, tree)
    tree.settle()
    tree.nodes.pop(VILLAGE).close()
    shutil.rmtree(tree.home(VILLAGE))
    shutil.copytree(tree.folder / COPY, tree.home(VILLAGE))
    tree.now_ms += 1000
    lives.mark(tree.home(VILLAGE), "restored", tree.now_ms)
    tree.open(VILLAGE)
    tree.settle()
    approvals.approve(tree.central, tree.home(CENTRAL), VILLAGE)
    tree.settle()
    assert own(tree.nodes[VILLAGE]) is None
    late = write(copy, tree)
    settle_both(tree, copy)
    left = own(copy)
    assert left is not None
    assert "older_life" == left.reason
    with tree.central.database.read() as transaction:
        listed = {one.stream for one in troubles.of_tree(transaction, VILLAGE).recovered}
    assert {late} == listed
    assert tree.events(CENTRAL, tail) > 0, "what the restored machine held too went up as its own"
    assert [] == frozen(tree, TOWNSHIP)
    copy.close()


def test_honest_stations_with_lost_answers_are_never_frozen(tree: Tree) -> None:
    """Answers lost, requests doubled and restarts in any order freeze nobody."""
    for _ in range(3):
        write(tree.nodes[VILLAGE], tree)
        request = tree.nodes[VILLAGE].rounds.begin()
        for _ in range(2):
            tree.nodes[TOWNSHIP].rounds.serve(request)
        tree.reopen(VILLAGE)
        tree.settle()
        tree.nodes[TOWNSHIP].rounds.serve(request)
        tree.reopen(TOWNSHIP)
        tree.settle()
    assert [[]] * 4 == [frozen(tree, code) for code in tree.nodes]
    assert [None] * 4 == [own(node) for node in tree.nodes.values()]
