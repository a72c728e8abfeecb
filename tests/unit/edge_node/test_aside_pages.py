"""What does not count is shown where it is held and at its author, with reason and case."""

from __future__ import annotations

from central.revoking import revoke
from sync.protocol.names import LogName
from sync.protocol.ports import Refused
from tests.integration.tree_world import CENTRAL, TOWNSHIP, VILLAGE, Tree
from tests.unit.edge_node.pages_world import Person, words


def test_a_refused_position_is_shown_at_its_author_with_its_case(tree: Tree, clerk: Person) -> None:
    """The clerk reads which case it is, why, and that nothing is lost."""
    number = clerk.take_in()
    node = tree.nodes[VILLAGE]
    with node.database.write() as transaction:
        position = transaction.log(node.core.log).position  # type: ignore[union-attr]
        transaction.refuse(Refused(node.core.log, position, "bad_signature", b""))
    for path in ("/sync", "/cases?tab=需要确认"):
        page = words(clerk.get(path))
        assert f"第{position}条" in page
        assert f"办件{number}" in page
        assert "签名核对不上" in page
        assert "原件仍在本站" in page


def test_records_above_a_cut_are_shown_as_such(tree: Tree, clerk: Person) -> None:
    """At the township that holds them: in the list, and on the page of the case they belong to."""
    number = clerk.take_in()
    tree.settle()
    clerk.act(number, "withdrawal_requested", reason="演示")
    tree.settle()
    reviewer = Person(tree, TOWNSHIP).sign_in(f"{TOWNSHIP}-02")
    with tree.central.database.read() as transaction:
        last = transaction.log(LogName(VILLAGE, tree.nodes[VILLAGE].core.epoch))
    assert last is not None
    revoke(
        tree.central, tree.home(CENTRAL), VILLAGE, epoch=0, last_good=last.position - 1,
        reason="演示",
    )  # fmt: skip
    tree.settle()
    for path in ("/sync", "/cases?tab=需要确认", f"/cases/{number}"):
        assert "撤销信任后的记录" in words(reviewer.get(path)), path
    own = words(clerk.get("/sync"))
    assert "中心已停用本站。理由:演示" in own
    assert f"第{last.position - 1}条及以前的记录仍然算数" in own
    assert "改用纸质登记" in own
