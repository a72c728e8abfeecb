"""The stick page of the console: a station without a network served by forms, both ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from central.app import make_console
from node.accounts import issue_code
from tests.integration.stick_world import Sticks
from tests.integration.tree_world import CENTRAL, VILLAGE, Tree
from tests.unit.edge_node.pages_world import PASSWORD, form_key, words

SUPERVISOR, ADMIN = f"{CENTRAL}-01", f"{CENTRAL}-03"
AT_ONCE = "CG-CW-0101"
Desk = Callable[[str], TestClient]


@pytest.fixture
def desk(tree: Tree) -> Desk:
    """A browser at the console, signed in as a member of staff; empty number: nobody."""
    app = make_console(tree.central, tree.home(CENTRAL), hosts={"testserver"})

    def client(number: str) -> TestClient:
        browser = TestClient(app, follow_redirects=False)
        if number:
            with tree.central.database.write() as transaction:
                code = issue_code(transaction, number, tree.now_ms)
            fields = {"staff_no": number, "code": code}
            fields |= {"password": PASSWORD, "password2": PASSWORD}
            assert 303 == browser.post("/first-login", data=fields).status_code
        return browser

    return client


def bring(browser: TestClient, raw: bytes, **headers: str) -> tuple[int, str]:
    """Post a file by the form; the status and what the page says."""
    answer = browser.post(
        "/sticks/import",
        data={"form_key": form_key()},
        files={"bundle": ("x.yzb", raw)},
        headers=headers,
    )
    return answer.status_code, words(answer)


def take_home(browser: TestClient, code: str = VILLAGE, **headers: str) -> tuple[int, bytes]:
    """Post the form that makes a bundle for a station."""
    fields = {"form_key": form_key(), "station": code}
    answer = browser.post("/sticks/export", data=fields, headers=headers)
    return answer.status_code, answer.content


def test_records_come_in_and_the_receipt_goes_back(tree: Tree, desk: Desk, tmp_path: Path) -> None:
    """Brought, listed, answered; taken in at the village the records are at central."""
    stream = tree.take_in(VILLAGE, AT_ONCE)
    sticks = Sticks(tree, tmp_path / "sticks")
    admin = desk(ADMIN)
    assert "还没有" in words(admin.get("/sticks"))
    status, said = bring(admin, sticks.up(VILLAGE).read_bytes())
    assert (200, True) == (status, "新收到" in said)
    assert "收到第1号" in said
    assert tree.events(CENTRAL, stream) > 0
    status, raw = take_home(admin)
    assert 200 == status
    assert "第1号" in words(admin.get("/sticks")).partition("最近给它的下行")[2]
    carried = sticks.folder / "home.yzb"
    carried.write_bytes(raw)
    assert sticks.take(VILLAGE, carried).covered > 0
    assert 0 == tree.nodes[VILLAGE].situation().rungs.local
    assert [] == list((tree.home(CENTRAL) / "spool").iterdir()), "nothing of it stays behind"


def test_every_refusal_is_one_sentence(tree: Tree, desk: Desk, tmp_path: Path) -> None:
    """Junk, nothing, a cut file, the same twice, a station nobody knows: said, nothing changed."""
    sticks = Sticks(tree, tmp_path / "sticks")
    whole = sticks.up(VILLAGE).read_bytes()
    admin = desk(ADMIN)
    held = tree.held()
    assert "这不是驿站的数据包" in bring(admin, b"junk" * 100)[1]
    assert "没有选择数据包文件" in bring(admin, b"")[1]
    assert "不完整" in bring(admin, whole[:50])[1]
    assert 422 == take_home(admin, "ZZ9999")[0]
    assert held == tree.held()
    assert 200 == bring(admin, whole)[0]
    assert "以前已经导入过" in bring(admin, whole)[1]


def test_only_the_administrator_carries_and_only_from_his_own_page(tree: Tree, desk: Desk) -> None:
    """A supervisor looks on; nobody else gets in; another site's form and one without key fail."""
    supervisor, admin, stranger = desk(SUPERVISOR), desk(ADMIN), desk("")
    page = supervisor.get("/sticks")
    assert 200 == page.status_code
    assert "/sticks/export" not in page.text
    assert 403 == bring(supervisor, b"x")[0]
    assert 403 == take_home(supervisor)[0]
    assert bring(stranger, b"x")[0] in (303, 401)
    assert take_home(stranger)[0] in (303, 401)
    assert stranger.get("/sticks").status_code == 303
    assert 403 == bring(admin, b"x", origin="http://evil.example")[0]
    assert 403 == take_home(admin, origin="http://evil.example")[0]
    keyless = admin.post("/sticks/export", data={"station": VILLAGE})
    assert keyless.status_code in (400, 422)
    keyless = admin.post("/sticks/import", files={"bundle": ("x.yzb", b"x")})
    assert keyless.status_code in (400, 422)


def test_only_the_upload_may_be_large(desk: Desk) -> None:
    """Every other page keeps its small limit."""
    admin, large = desk(ADMIN), b"x" * (300 * 1024)
    assert 422 == bring(admin, large)[0]
    assert 413 == admin.post("/sticks/export", content=large).status_code
