"""存疑 at the console: what a station wrote without right is listed for supervisors only."""

from __future__ import annotations

from tests.integration.test_console_sticks import ADMIN, SUPERVISOR, Desk, desk
from tests.integration.test_custody_rights import handed_on, over
from tests.integration.tree_world import TOWNSHIP, VILLAGE, Tree
from tests.unit.edge_node.pages_world import NAME, Person, words

__all__ = ["desk"]


def test_a_supervisor_sees_what_is_in_doubt_until_it_is_checked(tree: Tree, desk: Desk) -> None:
    """Number, who wrote it, who has the case; not who applied; gone when a person has checked."""
    supervisor = desk(SUPERVISOR)
    assert 'href="/doubts"' in supervisor.get("/").text
    assert "现在没有存疑的记录" in words(supervisor.get("/doubts"))
    stream = handed_on(tree)
    forged = over(tree, VILLAGE, stream)
    tree.settle()
    row = tree.row(VILLAGE, stream)
    assert row is not None
    page = supervisor.get("/doubts")
    assert f'data-doubt="{forged}"' in page.text
    assert f'href="/find?q={row.receipt_no}"' in page.text
    assert f'href="/stations/{VILLAGE}"' in page.text
    assert row.applicant_name not in page.text
    assert NAME not in page.text
    assert "上级接办" in words(page)
    assert 200 == supervisor.get(f"/find?q={row.receipt_no}").status_code
    clerk = Person(tree, TOWNSHIP).sign_in(f"{TOWNSHIP}-02")
    done = clerk.act(row.receipt_no, "checked", event=forged, note="演示:已电话核实")
    assert 303 == done.status_code
    tree.settle()
    assert "现在没有存疑的记录" in words(supervisor.get("/doubts"))


def test_only_supervisors_get_the_list(tree: Tree, desk: Desk) -> None:
    """An administrator is refused with a sentence, a stranger is sent to the login."""
    refused = desk(ADMIN).get("/doubts")
    assert 403 == refused.status_code
    assert "这一页需要“监督”岗位" in words(refused)
    assert 303 == desk("").get("/doubts").status_code
