"""The console over a living tree: contacts and rungs of every tier, figures, one case by number."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from central.app import make_console
from central.figures import OPENED
from node.accounts import issue_code
from tests.integration.tree_world import (
    APPLICANT,
    CENTRAL,
    DISTRICT,
    TOWNSHIP,
    VILLAGE,
    Tree,
)

SUPERVISOR = "KM0000-01"
PASSWORD = "demo-password-1"


@pytest.fixture
def browser(tree: Tree) -> TestClient:
    """A browser at central's console, signed in as its supervisor."""
    node = tree.central
    client = TestClient(make_console(node, node.folder, hosts={"testserver"}))
    with node.database.write() as transaction:
        code = issue_code(transaction, SUPERVISOR, tree.now_ms)
    fields = {"staff_no": SUPERVISOR, "code": code, "password": PASSWORD, "password2": PASSWORD}
    assert 200 == client.post("/first-login", data=fields).status_code
    return client


def test_tree_page_knows_every_tier(tree: Tree, browser: TestClient) -> None:
    """Direct children are known by their rounds, deeper ones by what their parents carry up."""
    stream = tree.take_in(VILLAGE, "CG-CW-0101")
    tree.now_ms += 600_000  # health goes up at least this often
    tree.settle(VILLAGE, TOWNSHIP, DISTRICT)
    found = {line["code"]: line for line in browser.get("/api/v1/tree").json()["stations"]}
    assert ["self", "round", "parent", "parent"] == [
        found[code]["contact_by"] for code in (CENTRAL, DISTRICT, TOWNSHIP, VILLAGE)
    ]
    assert tree.now_ms - found[VILLAGE]["last_contact_ms"] < 600_000
    assert ["central"] * 3 == [found[code]["rung"] for code in (DISTRICT, TOWNSHIP, VILLAGE)]
    assert ("never", "") == (found["CG0201"]["contact_by"], found["CG0201"]["rung"])
    assert "test-1" == found[DISTRICT]["release"]
    assert 200 == browser.get(f"/stations/{VILLAGE}").status_code
    held = browser.get(f"/api/v1/streams/{stream}").json()["held"]
    assert tree.events(VILLAGE, stream) == held > 0


def test_case_is_opened_by_exact_number_masked_and_marked(tree: Tree, browser: TestClient) -> None:
    """Both numbers find it, part of one does not; who opened it stays on record."""
    stream = tree.take_in(VILLAGE, "CG-CW-0101")
    tree.act(VILLAGE, stream, "accepted", kind="收件即受理")
    tree.settle()
    row = tree.row(VILLAGE, stream)
    assert row is not None
    for number in (row.receipt_no, row.official_no, row.receipt_no.lower()):
        case = browser.get(f"/api/v1/cases/{number}").json()
        assert (stream, row.state_hash) == (case["stream"], case["state_hash"])
        assert ("已受理", VILLAGE) == (case["status"], case["holder"])
        page = browser.get("/find", params={"q": number}).text
        assert row.receipt_no in page
        assert row.official_no in page
        assert APPLICANT["name"] not in page + str(case)
    assert 404 == browser.get(f"/api/v1/cases/{row.receipt_no[:-2]}").status_code
    with tree.central.database.read() as transaction:
        marks = transaction.statements(OPENED)
    assert {stream.encode()} == {content for _, content in marks}
    assert all(ref.endswith(f"/{SUPERVISOR}") for ref, _ in marks)


def test_figures_and_metrics_count_cases_without_naming_them(
    tree: Tree, browser: TestClient
) -> None:
    """Figures per status and holder; metrics without station, number or person."""
    stream = tree.take_in(VILLAGE, "CG-CW-0101")
    tree.settle()
    row = tree.row(CENTRAL, stream)
    assert row is not None
    assert [{"status": "已收件", "holder": VILLAGE, "cases": 1}] == (
        browser.get("/api/v1/figures").json()["cases"]
    )
    assert "已收件" in browser.get("/cases").text
    text = browser.get("/metrics").text
    assert 'yizhan_central_cases{status="已收件"} 1.0' in text
    assert 'yizhan_central_stations_enrolled{tier="village"} 1.0' in text
    assert not any(word in text for word in (VILLAGE, row.receipt_no, APPLICANT["name"]))
