"""A station revoked at central's command line: what of its work counts is the same everywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from casework.errors import DomainRefusal
from central.__main__ import cli
from tests.integration.test_tree_of_four import AT_ONCE, HANDED_ON
from tests.integration.tree_world import CENTRAL, DISTRICT, TOWNSHIP, VILLAGE, Tree


def central(tree: Tree, *arguments: str, expect: int = 0) -> dict[str, Any]:
    """Run a command of central beside the running node and return its answer."""
    options = ["--data", str(tree.home(CENTRAL)), "--json"]
    result = CliRunner().invoke(cli, [*arguments, *options])
    assert expect == result.exit_code, result.output
    answer: dict[str, Any] = json.loads(result.output)
    tree.central.catch_up()
    return answer


def position(stream: str) -> int:
    return int(stream.split("/")[2])


def statuses(tree: Tree, stream: str) -> list[str]:
    rows = [tree.row(code, stream) for code in (TOWNSHIP, DISTRICT, CENTRAL)]
    return ["" if row is None else row.status for row in rows]


def test_an_act_above_the_cut_ceases_to_count_and_counts_again_when_it_is_raised(
    tree: Tree,
) -> None:
    """The picture of the case goes back everywhere, and comes back with a raised cut."""
    stream = tree.take_in(VILLAGE, HANDED_ON)
    tree.settle()
    before = statuses(tree, stream)
    tree.act(VILLAGE, stream, "withdrawal_requested", reason="演示")
    tree.settle()
    row = tree.row(TOWNSHIP, stream)
    assert row is not None
    asked = row.state_hash
    with tree.nodes[VILLAGE].database.read() as transaction:
        last = transaction.stream_events(stream)[-1].name.position
    central(tree, "revoke", VILLAGE, "--last-good", str(last - 1), "--reason", "演示")
    tree.settle()
    hashes = set()
    for code in (VILLAGE, TOWNSHIP, DISTRICT, CENTRAL):
        row = tree.row(code, stream)
        assert row is not None
        hashes.add(row.state_hash)
    assert 1 == len(hashes)
    assert asked not in hashes
    assert before == statuses(tree, stream)
    central(tree, "revoke", VILLAGE, "--last-good", str(last), "--reason", "演示:核对无误")
    tree.settle()
    row = tree.row(TOWNSHIP, stream)
    assert row is not None
    assert asked == row.state_hash


def test_a_case_opened_above_the_cut_says_so_and_can_no_longer_be_worked_on(tree: Tree) -> None:
    """Its row stays findable; at the station itself nothing new is called saved."""
    stream = tree.take_in(VILLAGE, HANDED_ON)
    tree.settle()
    central(tree, "revoke", VILLAGE, "--last-good", str(position(stream) - 1), "--reason", "演示")
    tree.settle()
    for code in (VILLAGE, TOWNSHIP, CENTRAL):
        row = tree.row(code, stream)
        assert row is not None
        assert "停用站点的作废范围" in row.cannot_be_shown, code
        assert row.receipt_no
    with pytest.raises(DomainRefusal) as refused:
        tree.take_in(VILLAGE, AT_ONCE)
    assert "中心停用" in refused.value.sentence


def test_revoking_stops_new_sheets_and_readmitting_allows_them(tree: Tree) -> None:
    """A voucher is no back door; the way back is a decision of its own."""
    central(tree, "revoke", VILLAGE, "--reason", "演示")
    assert (
        "already_revoked" == central(tree, "revoke", VILLAGE, "--reason", "演示", expect=1)["code"]
    )
    sheet = ("voucher", VILLAGE, "--parent-url", "http://127.0.0.1:1", "--out")
    out = str(tree.folder / "sheet")
    assert "revoked" == central(tree, *sheet, out, expect=1)["code"]
    central(tree, "readmit", VILLAGE, "--reason", "演示")
    assert VILLAGE == central(tree, *sheet, out)["station"]
    assert "not_revoked" == central(tree, "readmit", VILLAGE, "--reason", "演示", expect=1)["code"]


def test_a_station_revoked_by_mistake_goes_on_with_all_its_records(tree: Tree) -> None:
    """Trusted again from its present log on, it loses nothing of what it wrote meanwhile."""
    central(tree, "revoke", VILLAGE, "--reason", "演示")
    stream = tree.take_in(VILLAGE, AT_ONCE)  # it has not heard of it yet
    tree.settle()
    assert tree.row(CENTRAL, stream) is None
    epoch = str(tree.nodes[VILLAGE].core.epoch)
    central(tree, "readmit", VILLAGE, "--epoch", epoch, "--reason", "演示:停用有误")
    tree.settle()
    row = tree.row(CENTRAL, stream)
    assert row is not None
    assert not row.cannot_be_shown


def test_status_names_what_does_not_count(tree: Tree) -> None:
    """The list a person at central works through."""
    stream = tree.take_in(VILLAGE, HANDED_ON)
    tree.settle()
    central(tree, "revoke", VILLAGE, "--last-good", str(position(stream) - 1), "--reason", "演示")
    found = central(tree, "status")
    assert {stream} == {one["stream"] for one in found["aside"]["revoked"]}
    lines = {one["code"]: one for one in found["stations"]}
    assert lines[VILLAGE]["revoked"]
    assert not lines[TOWNSHIP]["revoked"]


def test_rules_that_rested_while_a_station_was_revoked_act_when_it_is_trusted_again(
    tree: Tree,
) -> None:
    """Offered a case meanwhile, it takes it then, though nothing more comes in that case."""
    central(tree, "revoke", TOWNSHIP, "--reason", "演示")
    tree.settle(DISTRICT)
    tree.settle(TOWNSHIP)
    stream = tree.take_in(VILLAGE, HANDED_ON)
    tree.settle(VILLAGE)
    row = tree.row(TOWNSHIP, stream)
    assert row is not None
    assert (VILLAGE, TOWNSHIP) == (row.holder, row.offered_to)
    epoch = str(tree.nodes[TOWNSHIP].core.epoch)
    central(tree, "readmit", TOWNSHIP, "--epoch", epoch, "--reason", "演示:停用有误")
    tree.settle()
    for code in (VILLAGE, TOWNSHIP, CENTRAL):
        row = tree.row(code, stream)
        assert row is not None
        assert (TOWNSHIP, "") == (row.holder, row.offered_to), code
