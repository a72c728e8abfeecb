"""The page of a case: who sees it, what may be done, how far it came."""

from __future__ import annotations

from tests.integration.tree_world import DISTRICT, TOWNSHIP, VILLAGE, VILLAGE_2, Tree
from tests.unit.edge_node.pages_world import PASSWORD, Person, cut, words

CARE = "CG-MZ-0106"


def test_a_case_of_another_village_is_not_there(tree: Tree, clerk: Person) -> None:
    """A station outside the audience answers 404 on page, slip, act and API."""
    number = clerk.take_in()
    tree.settle()
    other = Person(tree, VILLAGE_2).sign_in(f"{VILLAGE_2}-01")
    for path in (f"/cases/{number}", f"/cases/{number}/slip", f"/api/v1/cases/{number}"):
        assert other.get(path).status_code == 404
    assert other.act(number, "supplement_received", note="x").status_code == 404


def test_a_relay_does_not_show_what_it_merely_carries(tree: Tree, clerk: Person) -> None:
    """The district holds the events of a case of village and township, and shows nothing of it."""
    number = clerk.take_in()
    stream = clerk.json(f"/api/v1/cases/{number}")["stream"]
    tree.settle()
    hall = Person(tree, DISTRICT).sign_in(f"{DISTRICT}-01")
    assert hall.json(f"/api/v1/streams/{stream}")["held"] > 0
    assert hall.get(f"/cases/{number}").status_code == 404
    assert number not in hall.get("/cases").text


def test_the_rung_of_a_case_is_told_by_name_and_ticked_only_at_central(
    tree: Tree, clerk: Person
) -> None:
    """已保存在本站, then 已传到 the neighbour, then ✓ 已到中心."""
    number = clerk.take_in()
    page = words(clerk.get(f"/cases/{number}"))
    assert "已保存在本站,还没有传到斗南街道为民服务中心" in page
    assert "✓" not in page
    tree.round(VILLAGE)
    page = words(clerk.get(f"/cases/{number}"))
    assert "已传到斗南街道为民服务中心,等它转报" in page
    assert "✓" not in page
    tree.settle()
    page = words(clerk.get(f"/cases/{number}"))
    assert "✓已到中心" in page
    assert "✓全部已到中心" in page


def test_an_act_without_right_is_refused_over_http(tree: Tree, clerk: Person) -> None:
    """A receiver of the township may not accept: 403 with the code, and nothing recorded."""
    number = clerk.take_in()
    tree.settle()
    receiver = Person(tree, TOWNSHIP).sign_in(f"{TOWNSHIP}-01")
    before = tree.nodes[TOWNSHIP].situation().written
    answer = receiver.act(number, "accepted", kind="普通")
    assert answer.status_code == 403
    assert 'data-code="no_right"' in answer.text
    api = receiver.client.post(
        f"/api/v1/cases/{number}/acts/accepted",
        json={"kind": "普通"},
        headers={"X-Form-Key": "api-key-1"},
    )
    assert (api.status_code, api.json()["code"]) == (403, "no_right")
    assert tree.nodes[TOWNSHIP].situation().written == before


def test_the_page_offers_only_what_this_person_may_do(
    tree: Tree, clerk: Person, reviewer: Person
) -> None:
    """The reviewer of the holding station sees 受理, the village's clerk does not."""
    number = clerk.take_in()
    tree.settle()
    assert "/acts/accepted" in reviewer.get(f"/cases/{number}").text
    assert "/acts/accepted" not in clerk.get(f"/cases/{number}").text
    assert number in reviewer.get("/review").text
    assert number not in clerk.get("/review").text


def test_defects_and_supplements_travel_through_forms(
    tree: Tree, clerk: Person, reviewer: Person
) -> None:
    """Told with repeated fields, listed under 待补材料, brought, completed, accepted."""
    number = clerk.take_in()
    tree.settle()
    told = reviewer.client.post(
        f"/cases/{number}/acts/defects_told",
        data={
            "form_key": "defects-key-1",
            "defect_material": ["M3", ""],
            "defect_problem": ["账户页不清楚", ""],
        },
    )
    assert told.headers["location"].endswith("?done=defects_told")
    tree.settle()
    pending = words(clerk.get("/pending"))
    assert number in pending
    assert "账户页不清楚" in words(clerk.get(f"/cases/{number}"))
    assert clerk.act(number, "supplement_received", material_M3="已收").status_code == 303
    tree.settle()
    assert reviewer.act(number, "supplement_complete").status_code == 303
    assert reviewer.act(number, "accepted", kind="普通").status_code == 303
    assert reviewer.json(f"/api/v1/cases/{number}")["status"] == "已受理"
    assert "承诺期限" in words(reviewer.get(f"/cases/{number}/slip"))


def test_a_refused_field_keeps_the_page_and_what_was_typed(
    tree: Tree, clerk: Person, reviewer: Person
) -> None:
    """不予受理 without a reason comes back to the case with its sentence."""
    number = clerk.take_in()
    tree.settle()
    answer = reviewer.act(number, "not_accepted", reason="")
    assert answer.status_code == 422
    assert "还没有填写" in words(answer)
    assert "/acts/not_accepted" in answer.text


def test_the_same_act_form_twice_is_one_act(tree: Tree, clerk: Person, reviewer: Person) -> None:
    """The second press of an act leads back to the case and records nothing more."""
    number = clerk.take_in()
    tree.settle()
    fields = {"form_key": "accept-key-1", "kind": "普通"}
    first = reviewer.post(f"/cases/{number}/acts/accepted", fields)
    written = tree.nodes[TOWNSHIP].situation().written
    second = reviewer.post(f"/cases/{number}/acts/accepted", fields)
    assert (first.status_code, second.status_code) == (303, 303)
    assert tree.nodes[TOWNSHIP].situation().written == written


def test_a_decision_asks_for_the_password(tree: Tree, clerk: Person, reviewer: Person) -> None:
    """Without the right password a decision is not recorded; with it, once."""
    number = clerk.take_in()
    tree.settle()
    reviewer.act(number, "accepted", kind="普通")
    step = reviewer.act(number, "step_done", result="符合", note="同意上报")
    assert step.status_code == 303, words(step)
    tree.settle()
    decider = Person(tree, DISTRICT).sign_in(f"{DISTRICT}-02")
    assert number in decider.get("/review").text
    wrong = decider.act(number, "decided", result="准予", password="not-my-password")
    assert wrong.status_code == 403
    assert 'data-code="password_wrong"' in wrong.text
    assert decider.json(f"/api/v1/cases/{number}")["status"] == "审查中"
    fields = {"form_key": "decide-key-1", "result": "准予", "password": PASSWORD}
    for _ in range(2):
        assert decider.post(f"/cases/{number}/acts/decided", fields).status_code == 303
    assert decider.json(f"/api/v1/cases/{number}")["status"] == "已决定"


def test_a_requested_void_is_shown_until_it_is_confirmed(tree: Tree, clerk: Person) -> None:
    """作废已申请,待确认 stands on the page while the holder has not answered."""
    number = clerk.take_in()
    cut(tree, VILLAGE)
    assert clerk.act(number, "void_requested", reason="选错了事项").status_code == 303
    case = clerk.json(f"/api/v1/cases/{number}")
    page = words(clerk.get(f"/cases/{number}"))
    assert ("作废已申请,待确认" in page) == (case["status"] != "办结")
    assert case["void_requested"]


def test_a_superior_opens_a_case_only_by_its_number_and_only_to_take_it_over(
    tree: Tree, clerk: Person
) -> None:
    """The district's decider sees no applicant, the opening is counted, the takeover works."""
    number = clerk.take_in()
    tree.settle()
    decider = Person(tree, DISTRICT).sign_in(f"{DISTRICT}-02")
    page = decider.get(f"/cases/{number}")
    assert page.status_code == 200
    assert "/acts/taken_over" in page.text
    assert "何演示" not in page.text
    assert tree.counter(DISTRICT, "cases_opened_by_superior") == 1
    assert decider.act(number, "accepted", kind="普通").status_code == 404
    taken = decider.act(number, "taken_over", reason="街道停电")
    assert taken.status_code == 303, words(taken)
    assert decider.json(f"/api/v1/cases/{number}")["holder"] == DISTRICT
    intake = Person(tree, DISTRICT).sign_in(f"{DISTRICT}-05")
    assert "何演示" in intake.get(f"/cases/{number}").text


def test_an_unknown_act_is_not_found(clerk: Person) -> None:
    """An act the table does not have is 404, an opening act is refused on a case."""
    number = clerk.take_in()
    assert clerk.act(number, "no_such_act").status_code == 404
    assert clerk.act(number, "received").status_code == 404


def test_refusing_a_case_asks_for_the_password(tree: Tree, clerk: Person, reviewer: Person) -> None:
    """不予受理 ends a case like a decision, so it asks once more who is at the keyboard."""
    number = clerk.take_in()
    tree.settle()
    refused = reviewer.act(number, "not_accepted", reason="不属于本事项(演示)")
    assert refused.status_code in (401, 403)
    assert "已收件" == reviewer.json(f"/api/v1/cases/{number}")["status"]
