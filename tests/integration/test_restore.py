"""Machines that are put back, rebuilt or salvaged: what was acknowledged comes back, whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from central import __main__ as central_program
from central import approvals
from central.cli import cli as central_cli
from edge_node import commands, life_commands
from edge_node.cli import World
from node import backup, enrolment, lives, rebuilding, salvage, troubles
from node.backup import BackupRefused
from node.program import Node
from node.salvage import NotSalvaged
from node.situation import BACKED_UP, rung_of_case
from sync.protocol.errors import DatabaseCorrupt
from tests.integration.tree_world import (
    CENTRAL,
    DISTRICT,
    RELEASE,
    TOWNSHIP,
    VILLAGE,
    Tree,
)

AT_ONCE = "CG-CW-0101"
HANDED_ON = "CG-MZ-0101"


def quiet(_: str) -> None:
    """Say nothing."""


def reopen(tree: Tree, code: str) -> Node:
    """Start a node as its program does: central can make out vouchers for itself."""
    node = tree.open(code)
    if code == CENTRAL:
        approvals.join(node, tree.home(CENTRAL))
    return node


def put_back(tree: Tree, code: str, source: Path) -> None:
    """Lose a node's disk and restore its backup."""
    tree.nodes.pop(code).close()
    shutil.rmtree(tree.home(code))
    tree.now_ms += 1000
    backup.restore(source, tree.home(code), tree.now_ms, quiet)
    reopen(tree, code)


def halted(tree: Tree, code: str) -> str:
    with tree.nodes[code].database.read() as transaction:
        own = troubles.own(transaction)
    return "" if own is None else own.reason


def pictures(tree: Tree, stream: str, *codes: str) -> set[str]:
    rows = [tree.row(code, stream) for code in codes]
    assert None not in rows
    return {row.state_hash for row in rows if row is not None}


def nobody_frozen(tree: Tree) -> bool:
    found = []
    for node in tree.nodes.values():
        with node.database.read() as transaction:
            found += [log for log in transaction.logs() if log.frozen]
    return not found


class OverTheTree:
    """A road that calls a station's parent directly."""

    def __init__(self, tree: Tree, parent: str) -> None:
        self._tree, self._parent = tree, parent

    def round(self, request: bytes) -> bytes:
        self._tree.now_ms += 50
        return self._tree.nodes[self._parent].rounds.serve(request)

    def close(self) -> None:
        """Nothing to close."""


def test_a_verified_backup_is_told_to_the_authors(tree: Tree) -> None:
    """已备份 appears at the village only for what stands in the verified copy."""
    stream = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    node = tree.nodes[VILLAGE]
    said: list[str] = []
    backup.make(tree.central, tree.folder / "unverified", verify=False, say=said.append)
    tree.settle()
    assert 0 == node.situation().rungs.backed_up
    made = backup.make(tree.central, tree.folder / "backup", verify=True, say=said.append)
    assert made.verified
    assert any("逐条核对通过" in line for line in said)
    later = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    with node.database.read() as transaction:
        assert BACKED_UP == rung_of_case(node.core, transaction, stream)
        assert BACKED_UP != rung_of_case(node.core, transaction, later)


def test_a_copy_that_does_not_add_up_is_no_backup(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken chain in the copy: no folder, no watermark; an old backup that rotted is refused."""
    tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    with tree.central.database.write() as transaction:
        log = transaction.log(tree.nodes[VILLAGE].core.log)
        assert log is not None
        transaction.connection.execute(
            "UPDATE logs SET chain = x'00112233445566778899aabbccddeeff' WHERE station = ?",
            (VILLAGE,),
        )
    with pytest.raises(DatabaseCorrupt):
        backup.make(tree.central, tree.folder / "backup", verify=True, say=quiet)
    assert not list(tree.folder.glob("backup*"))
    with tree.central.database.write() as transaction:
        transaction.put_log(log)
    backup.make(tree.central, tree.folder / "backup", verify=True, say=quiet)
    database = tree.folder / "backup" / enrolment.NODE_DATABASE
    raw = bytearray(database.read_bytes())
    raw[len(raw) // 2] ^= 1
    database.write_bytes(raw)
    with pytest.raises(BackupRefused):
        backup.restore(tree.folder / "backup", tree.folder / "new", tree.now_ms, quiet)
    assert not (tree.folder / "new").exists()


def test_central_put_back_gets_everything_acknowledged_from_its_children(tree: Tree) -> None:
    """Its own later records come back too, nothing is frozen, and no number is given twice."""
    before = tree.take_in(VILLAGE, AT_ONCE)
    tree.act(VILLAGE, before, "accepted", kind="收件即受理")
    tree.settle()
    backup.make(tree.central, tree.folder / "backup", verify=True, say=quiet)
    after = [tree.take_in(VILLAGE, AT_ONCE), tree.take_in(TOWNSHIP, HANDED_ON)]
    tree.act(VILLAGE, after[0], "accepted", kind="收件即受理")
    tree.settle()
    known = {s: tree.events(CENTRAL, s) for s in (before, *after)}
    given = tree.row(VILLAGE, after[0])
    assert given is not None
    assert given.official_no, "central's own record, written after the backup"
    put_back(tree, CENTRAL, tree.folder / "backup")
    tree.settle()
    assert "" == halted(tree, CENTRAL)
    assert known == {s: tree.events(CENTRAL, s) for s in known}
    for stream in known:
        assert 1 == len(
            pictures(tree, stream, CENTRAL, VILLAGE if stream != after[1] else TOWNSHIP)
        )
    assert nobody_frozen(tree)
    fresh = tree.take_in(VILLAGE, AT_ONCE)
    tree.act(VILLAGE, fresh, "accepted", kind="收件即受理")
    tree.settle()
    new = tree.row(VILLAGE, fresh)
    assert new is not None
    assert new.official_no not in ("", given.official_no)
    for code in (VILLAGE, TOWNSHIP, DISTRICT):
        assert "" == halted(tree, code)


def test_a_central_put_back_without_a_word_finds_out_itself(tree: Tree) -> None:
    """A rolled-back disk, no restore command: the children's receipts show it, and it heals."""
    tree.nodes.pop(CENTRAL).close()
    shutil.copytree(tree.home(CENTRAL), tree.folder / "older")
    reopen(tree, CENTRAL)
    stream = tree.take_in(VILLAGE, AT_ONCE)
    tree.act(VILLAGE, stream, "accepted", kind="收件即受理")
    tree.settle()
    known = tree.events(CENTRAL, stream)
    tree.nodes.pop(CENTRAL).close()
    shutil.rmtree(tree.home(CENTRAL))
    shutil.copytree(tree.folder / "older", tree.home(CENTRAL))
    reopen(tree, CENTRAL)
    life = tree.central.core.incarnation
    for _ in range(3):
        tree.settle()
    assert tree.central.core.incarnation > life
    assert known == tree.events(CENTRAL, stream)
    assert "" == halted(tree, CENTRAL)
    assert 1 == len(pictures(tree, stream, CENTRAL, VILLAGE))
    assert nobody_frozen(tree)


def test_a_relay_put_back_without_a_word_freezes_no_village(tree: Tree) -> None:
    """Tokens it never remembers giving are evidence against itself, not against its village."""
    tree.nodes.pop(TOWNSHIP).close()
    shutil.copytree(tree.home(TOWNSHIP), tree.folder / "older")
    tree.open(TOWNSHIP)
    for _ in range(3):
        tree.round(VILLAGE)
    tree.nodes.pop(TOWNSHIP).close()
    shutil.rmtree(tree.home(TOWNSHIP))
    shutil.copytree(tree.folder / "older", tree.home(TOWNSHIP))
    tree.open(TOWNSHIP)
    life = tree.nodes[TOWNSHIP].core.incarnation
    for _ in range(3):
        tree.settle()
    assert tree.nodes[TOWNSHIP].core.incarnation > life
    assert nobody_frozen(tree)
    assert "" == halted(tree, VILLAGE)
    stream = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    assert tree.events(CENTRAL, stream) > 0


def test_a_relay_restored_from_a_backup_goes_on_after_a_persons_word(tree: Tree) -> None:
    """A station's own backup and restore: new life, log fetched back, new epoch."""
    backup.make(tree.nodes[TOWNSHIP], tree.folder / "backup", verify=True, say=quiet)
    stream = tree.take_in(VILLAGE, HANDED_ON)
    tree.settle()
    put_back(tree, TOWNSHIP, tree.folder / "backup")
    tree.settle()
    assert "restored" == halted(tree, TOWNSHIP)
    approvals.approve(tree.central, tree.home(CENTRAL), TOWNSHIP)
    tree.settle()
    assert "" == halted(tree, TOWNSHIP)
    assert 1 == len(pictures(tree, stream, VILLAGE, TOWNSHIP, CENTRAL))
    assert nobody_frozen(tree)


def rebuilt(tree: Tree, code: str) -> Node:
    """Rebuild a dead station on a fresh machine from its parent."""
    sheet = tree.sheet(code)
    enrolment.enrol(tree.home(code), sheet, tree.now_ms)
    lives.mark(tree.home(code), "rebuilt", tree.now_ms)
    node = tree.open(code)
    assert "" == rebuilding.fetch(node, OverTheTree(tree, sheet.parent), quiet)
    return node


def rebuilt_at_once(tree: Tree) -> int:
    """Replace the village's machine with nothing lost; return the epoch of its new life."""
    tree.nodes.pop(VILLAGE).close()
    shutil.rmtree(tree.home(VILLAGE))
    return rebuilt(tree, VILLAGE).core.epoch


def test_a_dead_station_is_rebuilt_and_its_old_disk_salvaged(tree: Tree) -> None:
    """Cases and registers come from the parent; the unsent tail from the disk, to be checked."""
    stream = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    tree.now_ms = tree.now_ms // 60_000 * 60_000
    first = rebuilt_at_once(tree)
    unsent = tree.take_in(VILLAGE, AT_ONCE)
    lost_number = getattr(tree.row(VILLAGE, unsent), "receipt_no", "")
    assert lost_number
    assert first != tree.now_ms
    tree.nodes.pop(VILLAGE).close()
    tree.home(VILLAGE).rename(tree.folder / "dead")
    node = rebuilt(tree, VILLAGE)
    tree.settle()
    assert "" == halted(tree, VILLAGE)
    assert 1 == len(pictures(tree, stream, VILLAGE, CENTRAL))
    with node.database.read() as transaction:
        assert transaction.entries("matters")
    fresh = tree.take_in(VILLAGE, AT_ONCE)
    numbered = tree.row(VILLAGE, fresh)
    assert numbered is not None
    assert lost_number != numbered.receipt_no, "opened in one minute, and no number given twice"
    found = salvage.salvage(node, tree.folder / "dead")
    assert (1, 0, 0) == (found.taken, found.refused, found.unreadable)
    assert 0 == salvage.salvage(node, tree.folder / "dead").taken, "handed in once"
    tree.settle()
    for code in tree.nodes:
        with tree.nodes[code].database.read() as transaction:
            listed = [one.stream for one in troubles.of_tree(transaction, VILLAGE).recovered]
        assert [unsent] == listed, code
    assert tree.row(CENTRAL, unsent) is None, "shown, never applied"
    assert tree.events(CENTRAL, fresh) > 0
    with pytest.raises(NotSalvaged):
        salvage.salvage(tree.nodes[TOWNSHIP], tree.folder / "dead")


def test_a_disk_with_damaged_rows_gives_what_can_be_read(tree: Tree) -> None:
    """Pages that went bad cost their own records, not the others."""
    unsent = [tree.take_in(VILLAGE, AT_ONCE) for _ in range(12)]
    tree.nodes.pop(VILLAGE).close()
    dead = tree.home(VILLAGE).rename(tree.folder / "dead")
    database = dead / enrolment.NODE_DATABASE
    raw = bytearray(database.read_bytes())
    for page in range(len(raw) // 4096 - 8, len(raw) // 4096, 4):
        raw[page * 4096 + 100] ^= 1
    database.write_bytes(raw)
    node = rebuilt(tree, VILLAGE)
    found = salvage.salvage(node, dead)
    assert 0 < found.taken <= len(unsent)
    assert 0 == found.refused


def test_the_commands_say_what_they_do(tree: Tree) -> None:
    """backup --verify, restore and lives over the command line, with their refusals."""
    for node in tree.nodes.values():
        node.close()
    run = CliRunner()
    home, target = str(tree.home(CENTRAL)), str(tree.folder / "backup")
    done = run.invoke(central_cli, ["backup", target, "--verify", "--data", home, "--json"])
    assert 0 == done.exit_code, done.output
    assert json.loads(done.stdout)["verified"]
    again = run.invoke(central_cli, ["backup", target, "--data", home])
    assert 1 == again.exit_code
    assert "没有覆盖" in again.output
    refused = run.invoke(central_cli, ["restore", target, "--data", home])
    assert 1 == refused.exit_code
    back = run.invoke(central_cli, ["restore", target, "--data", str(tree.folder / "new")])
    assert 0 == back.exit_code, back.output
    listed = run.invoke(central_cli, ["lives", "list", "--data", home, "--json"])
    assert [] == json.loads(listed.stdout)["asks"]
    none = run.invoke(central_cli, ["lives", "approve", VILLAGE, "--data", home])
    assert 1 == none.exit_code
    world = World(tree.clock, lambda: 0.0, lambda: 0.5, RELEASE)
    assert life_commands
    assert central_program
    state = run.invoke(
        commands.main, ["lives", "--data", str(tree.home(VILLAGE)), "--json"], obj=world
    )
    assert 0 == state.exit_code, state.output
    assert json.loads(state.stdout)["own"] is None
    ask = run.invoke(
        commands.main,
        ["ask", str(tree.folder / "ask.yz"), "--data", str(tree.home(VILLAGE))],
        obj=world,
    )
    assert 1 == ask.exit_code
    assert "不需要申请" in ask.output
    for code in tuple(tree.nodes):
        tree.nodes.pop(code)
