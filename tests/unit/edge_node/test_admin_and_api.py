"""站点管理, and the JSON beside the pages."""

from __future__ import annotations

import re

from tests.integration.tree_world import TOWNSHIP, VILLAGE, Tree
from tests.unit.edge_node.pages_world import ALLOWANCE, ID_NO, PASSWORD, Person, words

CASE = {
    "matter": ALLOWANCE,
    "applicant": {"name": "何演示", "id_type": "居民身份证", "id_no": ID_NO},
    "materials": [{"code": code, "state": "已收"} for code in ("M1", "M2", "M3")],
}


def test_an_admin_gives_a_code_that_is_shown_once(tree: Tree, clerk: Person) -> None:
    """The code on the page lets the colleague set a password; the page does not repeat it."""
    colleague = f"{VILLAGE}-02"
    answer = clerk.client.post("/admin/codes", data={"staff_no": colleague})
    found = re.search(r'data-code="(\d{8})"', answer.text)
    assert found
    assert found.group(1) not in clerk.get("/admin").text
    fields = {"staff_no": colleague, "code": found.group(1)}
    fields |= {"password": PASSWORD, "password2": PASSWORD}
    assert Person(tree, VILLAGE).client.post("/first-login", data=fields).status_code == 303


def test_only_admins_see_station_management(tree: Tree) -> None:
    """Without the post admin: 403 and no code; the entry is not shown."""
    person = Person(tree, VILLAGE).sign_in(f"{VILLAGE}-02")
    assert person.get("/admin").status_code == 403
    answer = person.client.post("/admin/codes", data={"staff_no": f"{VILLAGE}-01"})
    assert answer.status_code == 403
    assert 'data-code="' + "0" not in answer.text
    assert 'href="/admin"' not in person.get("/").text


def test_no_code_for_staff_of_another_station(clerk: Person) -> None:
    """An admin gives codes to his own station's staff only."""
    answer = clerk.client.post("/admin/codes", data={"staff_no": f"{TOWNSHIP}-01"})
    assert answer.status_code == 422
    assert "没有给出代码" in words(answer)


def test_the_api_opens_one_case_per_key(clerk: Person) -> None:
    """The same X-Form-Key gives the same case; none is refused."""
    headers = {"X-Form-Key": "api-open-1"}
    first = clerk.client.post("/api/v1/cases", json=CASE, headers=headers)
    assert first.status_code == 201
    again = clerk.client.post("/api/v1/cases", json=CASE, headers=headers)
    assert first.json()["receipt_no"] == again.json()["receipt_no"]
    assert clerk.client.post("/api/v1/cases", json=CASE).json()["code"] == "form_key_missing"


def test_the_api_says_what_the_page_says(tree: Tree, clerk: Person) -> None:
    """State hash, rung, audience and timeline of a case; the identity number is masked."""
    number = clerk.take_in()
    case = clerk.json(f"/api/v1/cases/{number}")
    assert case["rung"] == "local"
    assert set(case["audience"]) == {VILLAGE, TOWNSHIP}
    assert [entry["type"] for entry in case["timeline"]] == ["received", "handed_over"]
    assert case["state_hash"] == clerk.json("/api/v1/cases")["cases"][0]["state_hash"]
    assert ID_NO not in str(case)
    tree.settle()
    assert clerk.json(f"/api/v1/cases/{number}")["rung"] == "central"
    held = clerk.json(f"/api/v1/streams/{case['stream']}")["held"]
    assert held == tree.events(VILLAGE, case["stream"])
    assert clerk.json("/api/v1/streams/XX0001/1/1") == {"held": 0}


def test_refusals_of_the_api_have_code_and_sentence(clerk: Person) -> None:
    """A missing name is told with its field, an unknown case is 404, junk is 422 without echo."""
    applicant = {"id_type": "居民身份证", "id_no": ID_NO}
    missing = clerk.client.post(
        "/api/v1/cases", json={**CASE, "applicant": applicant}, headers={"X-Form-Key": "api-bad-1"}
    )
    assert (missing.status_code, missing.json()["code"]) == (422, "field_missing")
    assert missing.json()["field"] == "name"
    assert clerk.get("/api/v1/cases/none").json()["code"] == "not_found"
    junk = clerk.client.post(
        "/api/v1/cases", content=f'["{ID_NO}"]', headers={"X-Form-Key": "api-bad-2"}
    )
    assert junk.status_code == 422
    assert ID_NO not in junk.text


def test_the_api_is_described(clerk: Person) -> None:
    """The OpenAPI document names the API's paths and none of the pages."""
    paths = clerk.json("/api/openapi.json")["paths"]
    assert "/api/v1/cases/{no}/acts/{act}" in paths
    assert all(path.startswith("/api/") for path in paths)
