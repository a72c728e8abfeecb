"""A case whose bodies were pruned here: its page asks for them and shows it when they came."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from click.testing import CliRunner
from msgspec.structs import replace

from central.purging import purge_events
from edge_node.cli import World
from edge_node.commands import main
from node.program import Node
from tests.integration.test_tree_of_four import AT_ONCE
from tests.integration.tree_world import CENTRAL, VILLAGE, Tree
from tests.unit.edge_node.pages_world import NAME, Person, cut, intake_fields, words

DAY_MS = 24 * 3600 * 1000


def back_up(node: Node) -> None:
    """Let a node know that a verified backup holds all its logs."""
    with node.database.write() as transaction:
        for log in transaction.logs():
            transaction.put_log(replace(log, backup_position=log.position))


def ended_case(tree: Tree, clerk: Person) -> str:
    fields = {k: v for k, v in intake_fields().items() if k != "material_M3"}
    answer = clerk.post(f"/intake/{AT_ONCE}", fields)
    assert 303 == answer.status_code, answer.text
    number = urlsplit(answer.headers["location"]).path.split("/")[2]
    clerk.act(number, "voided", reason="演示:录入错误", password="demo-pass-1")
    tree.settle()
    return number


def test_a_pruned_case_is_fetched_when_its_page_is_opened(tree: Tree, clerk: Person) -> None:
    """正在从上级取回, and after the next round the whole case."""
    number = ended_case(tree, clerk)
    node = tree.nodes[VILLAGE]
    assert 0 == node.prune(0).bodies
    back_up(node)
    tree.now_ms += 1000
    assert 0 == node.prune(DAY_MS).bodies
    assert 0 < node.prune(0).bodies
    page = clerk.get(f"/cases/{number}")
    assert 200 == page.status_code
    assert "正在从上级取回" in words(page)
    assert "现在没有应答" not in words(page)
    cut(tree, VILLAGE)
    assert "现在没有应答,联系上后自动取回" in words(clerk.get(f"/cases/{number}"))
    assert "being_fetched" == clerk.get(f"/api/v1/cases/{number}").json()["code"]
    tree.settle()
    page = clerk.get(f"/cases/{number}")
    assert "正在从上级取回" not in words(page)
    assert NAME in words(page)


def test_a_late_record_does_not_spoil_the_row_of_a_pruned_case(tree: Tree, clerk: Person) -> None:
    """The case is not folded from a part: what was shown stays until the bodies are back."""
    number = ended_case(tree, clerk)
    node = tree.nodes[VILLAGE]
    back_up(node)
    tree.now_ms += 1000
    node.prune(0)
    with node.database.write() as transaction:
        row = node.desk.table(transaction).by_number(number)[0]
        transaction.set_meta("settled_streams", row.stream)
    node.catch_up()
    with node.database.read() as transaction:
        assert row == node.desk.table(transaction).get(row.stream)
    tree.settle()
    with node.database.read() as transaction:
        stored = transaction.stream_events(row.stream)
    assert all(one.event.body is not None for one in stored)


def test_the_prune_command_says_what_it_freed(tree: Tree, clerk: Person) -> None:
    """In words and in figures; open cases stay."""
    open_case = clerk.take_in()
    ended_case(tree, clerk)
    back_up(tree.nodes[VILLAGE])
    tree.nodes.pop(VILLAGE).close()
    world = World(lambda: tree.now_ms + 2 * DAY_MS, lambda: 0.0, lambda: 0.0, "test-1")
    home = str(tree.home(VILLAGE))
    result = CliRunner().invoke(
        main, ["prune", "--data", home, "--keep-days", "1", "--json"], obj=world
    )
    assert 0 == result.exit_code, result.output
    freed = json.loads(result.output)
    assert 2 <= freed["bodies"] < freed["seen"]
    assert freed["bytes"] > 0
    node = tree.open(VILLAGE)
    with node.database.read() as transaction:
        row = node.desk.table(transaction).by_number(open_case)[0]
        stored = transaction.stream_events(row.stream)
    assert all(one.event.body is not None for one in stored)


def test_a_purged_case_says_by_what_rule(tree: Tree, clerk: Person) -> None:
    """On its page, found by its number as before; its applicant is nowhere."""
    number = ended_case(tree, clerk)
    purge_events(tree.central, tree.home(CENTRAL), case=number, names=[], basis="演示依据")
    tree.settle()
    page = clerk.get(f"/cases/{number}")
    assert "已依规删除,依据:演示依据" in words(page)
    assert NAME not in page.text
    assert number in clerk.get("/cases?tab=已办结").text
    assert NAME not in clerk.get("/cases?tab=已办结").text
