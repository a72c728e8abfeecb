"""上报情况, the part on sticks: a file to the browser, a file from it, true words in between."""

from __future__ import annotations

from pathlib import Path

from tests.integration.stick_world import Sticks
from tests.integration.tree_world import CENTRAL, VILLAGE, Tree
from tests.unit.edge_node.pages_world import Person, words


def upload(person: Person, raw: bytes, **headers: str) -> str:
    """Send a file by the form and return what the page says."""
    answer = person.client.post(
        "/sync/stick/import", files={"bundle": ("x.yzb", raw)}, headers=headers
    )
    return f"{answer.status_code} {words(answer)}"


def test_records_go_out_and_the_receipt_comes_back(
    tree: Tree, clerk: Person, tmp_path: Path
) -> None:
    """The page says 还没有收到回执 until the receipt was imported, and then who has them."""
    clerk.take_in()
    tree.now_ms += 1000
    answer = clerk.post("/sync/stick/export")
    assert answer.status_code == 200
    assert f"{VILLAGE}-up-" in answer.headers["content-disposition"]
    page = words(clerk.get("/sync"))
    assert "还没有收到回执" in page
    before = tree.nodes[VILLAGE].situation().rungs
    assert before.local > 0
    sticks = Sticks(tree, tmp_path / "sticks")
    carried = sticks.folder / "carried.yzb"
    carried.write_bytes(answer.content)
    assert sticks.take(CENTRAL, carried).taken > 0
    assert tree.nodes[VILLAGE].situation().rungs == before, "taken in, but nobody said so here"
    said = upload(clerk, sticks.down(CENTRAL, VILLAGE).read_bytes())
    assert said.startswith("200 ")
    assert "确认收到本站新的" in said
    assert "还没有收到回执" not in said
    assert tree.nodes[VILLAGE].situation().rungs.local == 0
    spool = tree.home(VILLAGE) / "spool"
    assert list(spool.iterdir()) == [], "nothing of it stays behind"


def test_every_refusal_is_one_sentence(tree: Tree, clerk: Person, tmp_path: Path) -> None:
    """Wrong files change nothing and say what to do."""
    sticks = Sticks(tree, tmp_path / "sticks")
    own = sticks.up(VILLAGE).read_bytes()
    held = tree.held()
    assert "这不是驿站的数据包" in upload(clerk, b"junk" * 100)
    assert "没有选择数据包文件" in upload(clerk, b"")
    assert "本站自己导出的" in upload(clerk, own)
    assert "不完整" in upload(clerk, own[:50])
    assert tree.held() == held


def test_nobody_without_a_login_or_from_elsewhere(tree: Tree, clerk: Person) -> None:
    """Export and import need a signed-in person on the station's own page."""
    stranger = Person(tree, VILLAGE)
    for path in ("/sync/stick/export", "/sync/stick/import"):
        assert stranger.post(path).status_code in (303, 401)
        assert clerk.post(path, origin="http://evil.example").status_code == 403
    assert upload(clerk, b"x", origin="http://evil.example").startswith("403 ")


def test_only_the_upload_may_be_large(clerk: Person) -> None:
    """Every other page keeps its small limit; the upload has its own."""
    large = b"x" * (300 * 1024)
    assert clerk.client.post("/sync/now", content=large).status_code == 413
    assert upload(clerk, large).startswith("422 ")
