"""A station put back to an older state of its disk: found in one round, its log fetched back."""

from __future__ import annotations

import shutil

import pytest

from central import approvals
from node import life_files
from node.situation import CENTRAL as AT_CENTRAL
from node.situation import rung_of_case
from sync.engine.halt import halted
from sync.engine.recovery import lost_positions
from sync.protocol import frames
from sync.protocol.errors import LogStopped, VoucherRefused
from sync.protocol.names import LogName
from sync.protocol.ports import RECOVERED
from tests.integration.forging import rewritten
from tests.integration.tree_world import (
    CENTRAL,
    DISTRICT,
    TOWNSHIP,
    VILLAGE,
    VILLAGE_2,
    Tree,
    without_notices,
)

AT_ONCE = "CG-CW-0101"
HANDED_ON = "CG-MZ-0101"


def put_back(tree: Tree, code: str, older: str) -> None:
    """Stop a node and start it on an older copy of its folder."""
    tree.nodes.pop(code).close()
    shutil.rmtree(tree.home(code))
    shutil.copytree(tree.folder / older, tree.home(code))
    tree.open(code)


def keep_copy(tree: Tree, code: str, name: str) -> None:
    """Copy a node's folder while it is stopped."""
    tree.nodes.pop(code).close()
    shutil.copytree(tree.home(code), tree.folder / name)
    tree.open(code)


def reason(tree: Tree, code: str) -> str:
    with tree.nodes[code].database.read() as transaction:
        halt = halted(transaction)
    return "" if halt is None else halt.reason


def approve(tree: Tree, station: str, code: str = "") -> None:
    """Let central's operator answer a station's ask."""
    tree.now_ms += 1000
    approvals.approve(tree.central, tree.home(CENTRAL), station, code)


def editions(tree: Tree, code: str) -> dict[str, int]:
    with tree.nodes[code].database.read() as transaction:
        return transaction.editions()


def picture(tree: Tree, code: str, stream: str) -> str:
    row = tree.row(code, stream)
    assert row is not None
    return row.state_hash


def test_a_rolled_back_village_gets_its_log_back_and_opens_a_new_epoch(tree: Tree) -> None:
    """What the parent held comes back whole; new work waits for a person's word."""
    keep_copy(tree, VILLAGE, "older")
    stream = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    first_epoch = tree.nodes[VILLAGE].core.epoch
    written = tree.nodes[VILLAGE].situation().written
    seen = picture(tree, CENTRAL, stream)
    put_back(tree, VILLAGE, "older")
    assert tree.row(VILLAGE, stream) is None
    tree.round(VILLAGE)
    assert "rewind" == reason(tree, VILLAGE), "found at the first contact"
    with pytest.raises(LogStopped):
        tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    assert seen == picture(tree, VILLAGE, stream), "fetched back before anybody approved"
    assert "rewind" == reason(tree, VILLAGE)
    approve(tree, VILLAGE)
    tree.settle()
    village = tree.nodes[VILLAGE]
    assert "" == reason(tree, VILLAGE)
    assert village.core.epoch > first_epoch
    after = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    assert tree.events(CENTRAL, after) == tree.events(VILLAGE, after) > 0
    with tree.central.database.read() as transaction:
        former = transaction.log(LogName(VILLAGE, first_epoch))
        assert former is not None
        assert written == former.position
        assert not any(log.frozen for log in transaction.logs())
    with village.database.read() as transaction:
        assert AT_CENTRAL == rung_of_case(village.core, transaction, after)
    tree.reopen(VILLAGE)
    assert "" == reason(tree, VILLAGE)


def test_work_written_on_the_older_disk_is_recovered_and_not_applied(tree: Tree) -> None:
    """Another content for a position the parent holds leaves the log, is listed, never applied."""
    keep_copy(tree, VILLAGE, "older")
    kept = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    put_back(tree, VILLAGE, "older")
    doubtful = [tree.take_in(VILLAGE, AT_ONCE) for _ in range(2)]
    assert kept == doubtful[0], "the same name, for another case"
    tree.settle()
    assert reason(tree, VILLAGE) in ("fork", "second_copy")
    approve(tree, VILLAGE)
    tree.settle()
    assert "" == reason(tree, VILLAGE)
    assert picture(tree, VILLAGE, kept) == picture(tree, CENTRAL, kept)
    for code in (VILLAGE, TOWNSHIP, DISTRICT, CENTRAL):
        with tree.nodes[code].database.read() as transaction:
            listed = transaction.events_standing(RECOVERED, 100)
            frozen = [log.name for log in transaction.logs() if log.frozen]
        assert set(doubtful) == {one.stream for one in listed}, f"not listed at {code}"
        assert [] == frozen
    shown = tree.row(VILLAGE, doubtful[1])
    assert shown is not None
    assert shown.cannot_be_shown
    assert tree.row(CENTRAL, doubtful[1]) is None
    later = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    assert picture(tree, VILLAGE, later) == picture(tree, CENTRAL, later)


def test_positions_nobody_holds_any_more_are_lost_by_number(tree: Tree) -> None:
    """What the parent was told of and never got is listed as lost at author, parent and central."""
    keep_copy(tree, VILLAGE, "older")
    tree.take_in(VILLAGE, AT_ONCE)
    tree.round(VILLAGE)
    village = tree.nodes[VILLAGE]
    epoch, held = village.core.epoch, village.situation().written
    tree.take_in(VILLAGE, AT_ONCE)
    told = village.situation().written
    cut = rewritten(village.rounds.begin(), lambda f: None if f.type == frames.EVENTS else f)
    tree.parent_of(VILLAGE).rounds.serve(cut)
    put_back(tree, VILLAGE, "older")
    tree.settle()
    approve(tree, VILLAGE)
    tree.settle()
    assert told > held
    for code in (VILLAGE, TOWNSHIP, DISTRICT, CENTRAL):
        with tree.nodes[code].database.read() as transaction:
            assert list(range(held + 1, told + 1)) == lost_positions(
                transaction, LogName(VILLAGE, epoch)
            ), code
    for code in (VILLAGE, TOWNSHIP, DISTRICT):
        with tree.nodes[code].database.read() as transaction:
            former = transaction.log(LogName(VILLAGE, epoch))
            assert former is not None
            assert told == former.position == former.parent_position == former.central_position
            assert LogName(VILLAGE, epoch) not in [log.name for log in transaction.logs_unsent()]
    later = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    assert tree.events(CENTRAL, later) > 0


def test_an_edition_that_went_with_the_disk_comes_again(tree: Tree) -> None:
    """The parent had a receipt for it; the older disk knows nothing of it and does not ask."""
    keep_copy(tree, TOWNSHIP, "older")
    changed = without_notices()
    matters = [{**m, "name": f"{m['name']}(改,演示)"} for m in changed["matters"]]
    tree.publish({**changed, "matters": matters})
    tree.take_in(TOWNSHIP, HANDED_ON)
    tree.settle()
    newest = editions(tree, TOWNSHIP)
    put_back(tree, TOWNSHIP, "older")
    assert newest != editions(tree, TOWNSHIP)
    tree.settle()
    assert newest == editions(tree, TOWNSHIP)


def test_a_rolled_back_relay_serves_its_villages_meanwhile(tree: Tree) -> None:
    """Only its own log stands still; its villages' records go through it, older ones too."""
    tree.enrol(VILLAGE_2)
    tree.settle()
    keep_copy(tree, TOWNSHIP, "older")
    stream = tree.take_in(VILLAGE, HANDED_ON)
    tree.settle()
    put_back(tree, TOWNSHIP, "older")
    tree.settle()
    assert "behind" == reason(tree, TOWNSHIP), "a village's token proved it first"
    other = tree.take_in(VILLAGE_2, AT_ONCE)
    tree.settle()
    assert tree.events(CENTRAL, other) > 0, "others go on through the halted relay"
    assert picture(tree, TOWNSHIP, stream) == picture(tree, CENTRAL, stream)
    approve(tree, TOWNSHIP)
    tree.settle()
    assert "" == reason(tree, TOWNSHIP)
    tree.act(TOWNSHIP, stream, "accepted", actor="CG0101-02")
    tree.settle()
    assert 1 == len({picture(tree, code, stream) for code in (VILLAGE, TOWNSHIP, CENTRAL)})


def test_ask_and_voucher_travel_by_stick_and_fit_one_machine(tree: Tree) -> None:
    """With the road to central cut, files do; the voucher is of no use to another machine."""
    keep_copy(tree, VILLAGE, "older")
    keep_copy(tree, TOWNSHIP, "older_township")
    stream = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    put_back(tree, VILLAGE, "older")
    tree.settle(VILLAGE)
    village = tree.nodes[VILLAGE]
    with pytest.raises(life_files.NotAsking):
        life_files.write_ask(tree.nodes[TOWNSHIP], tree.folder / "none.yz")
    code = life_files.write_ask(village, tree.folder / "ask.yz")
    taken = life_files.take_ask(tree.central, tree.folder / "ask.yz")
    assert (VILLAGE, code) == (taken.station, life_files.code_of(taken.key))
    tree.now_ms += 1000
    given = approvals.approve(tree.central, tree.home(CENTRAL), VILLAGE, code)
    life_files.write_voucher(tree.central, given, tree.folder / "voucher.yz")
    put_back(tree, TOWNSHIP, "older_township")
    with pytest.raises(VoucherRefused):
        life_files.take_voucher(tree.nodes[TOWNSHIP], tree.folder / "voucher.yz")
    assert life_files.take_voucher(village, tree.folder / "voucher.yz")
    assert "" == reason(tree, VILLAGE)
    assert tree.row(VILLAGE, stream) is not None
    tree.take_in(VILLAGE, AT_ONCE)
