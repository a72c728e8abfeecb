"""A station that helps itself to a case: nothing of it acts, its parent says so."""

from __future__ import annotations

from typing import Any

import pytest

from casework.case import Case
from sync.engine import record
from tests.integration.tree_world import CENTRAL, DISTRICT, TOWNSHIP, VILLAGE, VILLAGE_2, Tree
from tests.unit.edge_node.pages_world import Person, words
from ui.forms import KEY_HEADER

HANDED_ON = "CG-MZ-0101"
"""Taken in at the village (代收), accepted at the township, decided at the district."""


def forge(tree: Tree, code: str, stream: str, kind: str, /, **body: Any) -> str:
    """Let a station's own node sign what its pages would never write."""
    tree.now_ms += 1000
    node = tree.nodes[code]
    with node.database.write() as transaction:
        stored = record.record(
            node.core, transaction, tree.now_ms,
            stream=stream, kind=kind, actor=f"{code}-01", added=(),
            body={"at_ms": tree.now_ms, "day": "2026-11-24", **body},
        )  # fmt: skip
    node.catch_up()
    return str(stored.name)


def case_at(tree: Tree, code: str, stream: str) -> Case:
    """The case as a station's events make it."""
    with tree.nodes[code].database.read() as transaction:
        case = tree.nodes[code].desk.case(transaction, stream)
    assert case is not None
    return case


def over(tree: Tree, code: str, stream: str) -> str:
    """Let a station take a case over as if it were the root."""
    case = case_at(tree, code, stream)
    claims = {"holder": code, "depth": 0, "seen": case.last_of_holder, "reason": "演示"}
    return forge(tree, code, stream, "taken_over", follows=case.custody, **claims)


def handed_on(tree: Tree) -> str:
    """A case the township holds; its stream."""
    stream = tree.take_in(VILLAGE, HANDED_ON)
    tree.settle()
    return stream


def test_a_takeover_from_below_acts_nowhere_and_is_questioned_by_the_parent(tree: Tree) -> None:
    """Village, township and central show the township as holder; one question is written."""
    stream = handed_on(tree)
    forged = over(tree, VILLAGE, stream)
    under = forge(tree, VILLAGE, stream, "decided", custody=forged, result="准予")
    tree.settle()
    for code in (VILLAGE, TOWNSHIP, CENTRAL):
        case = case_at(tree, code, stream)
        assert (TOWNSHIP, "已收件") == (case.holder, case.status.value), code
        why = {item.name: item.why for item in case.superseded}
        assert {forged: "no_right", under: "losing_branch"} == why
        asked = [(one.station, one.event, one.why) for one in case.questions]
        assert [(TOWNSHIP, forged, "no_right")] == asked
        row = tree.row(code, stream)
        assert row is not None
        assert [forged] == [doubt.event for doubt in row.doubts]


def test_the_right_holder_goes_on_and_its_superior_may_still_take_over(tree: Tree) -> None:
    """The township accepts; the district's takeover, proven by the register, counts everywhere."""
    stream = handed_on(tree)
    over(tree, VILLAGE, stream)
    tree.settle()
    tree.act(TOWNSHIP, stream, "accepted", actor=f"{TOWNSHIP}-02", kind="普通")
    tree.act(DISTRICT, stream, "taken_over", actor=f"{DISTRICT}-02", reason="街道停电")
    tree.settle()
    holders = {case_at(tree, code, stream).holder for code in (VILLAGE, TOWNSHIP, CENTRAL)}
    assert {DISTRICT} == holders


@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        ("decided", {"result": "准予"}, "not_holder"),
        ("accepted", {"kind": "普通"}, "not_holder"),
        ("task_given", {"kind": "会办", "station": VILLAGE}, "not_holder"),
        ("official_number_given", {"number": "伪造-1"}, "no_right"),
    ],
)
def test_what_only_another_station_may_write_does_not_count(
    tree: Tree, kind: str, body: dict[str, str], why: str
) -> None:
    """A decision, an acceptance, a task, an official number by a mere member of the audience."""
    stream = handed_on(tree)
    custody = case_at(tree, VILLAGE, stream).custody
    forged = forge(tree, VILLAGE, stream, kind, custody=custody, **body)
    tree.settle()
    case = case_at(tree, CENTRAL, stream)
    assert {forged: why} == {item.name: item.why for item in case.superseded}
    assert ("已收件", "", ()) == (case.status.value, case.official_no, case.tasks)
    assert [TOWNSHIP] == [one.station for one in case.questions]


def test_the_reviewer_on_duty_finds_it_in_his_list_and_checks_it_by_form(tree: Tree) -> None:
    """Shown on the case and under 需要确认, and gone from there once the finding is written."""
    stream = handed_on(tree)
    forged = over(tree, VILLAGE, stream)
    tree.settle()
    number = case_at(tree, TOWNSHIP, stream).receipt_no
    reviewer = Person(tree, TOWNSHIP).sign_in(f"{TOWNSHIP}-02")
    assert f'data-doubt="{forged}"' in reviewer.get("/cases?tab=需要确认").text
    assert "存疑:写这一步的站点没有这个权限" in words(reviewer.get(f"/cases/{number}"))
    own = Person(tree, VILLAGE).sign_in(f"{VILLAGE}-01")
    assert own.act(number, "checked", event=forged, note="没事").status_code in (403, 422)
    done = reviewer.act(number, "checked", event=forged, note="已电话核实,是误操作")
    assert 303 == done.status_code, words(done)
    assert f'data-doubt="{forged}"' not in reviewer.get("/cases?tab=需要确认").text
    assert f'data-checked="{forged}"' in reviewer.get(f"/cases/{number}").text
    tree.settle()
    row = tree.row(CENTRAL, stream)
    assert row is not None
    assert (False, ()) == (row.to_check, row.doubts)
    assert 422 == reviewer.act(number, "checked", event=forged, note="再来一次").status_code


def test_a_station_cannot_clear_what_it_wrote_itself(tree: Tree) -> None:
    """Not by its pages, and not by an event its own node signs."""
    stream = handed_on(tree)
    forged = over(tree, VILLAGE, stream)
    forge(tree, VILLAGE, stream, "checked", events=[forged], note="没事")
    tree.settle()
    assert {forged: "no_right"} == case_at(tree, TOWNSHIP, stream).doubted()


def test_a_relay_lists_what_its_child_wrote_and_opens_no_case_by_it(tree: Tree) -> None:
    """The district sees the township's forgery by number, without a link and without a name."""
    stream = handed_on(tree)
    case = case_at(tree, VILLAGE, stream)
    forged = forge(tree, TOWNSHIP, stream, "decided", custody=stream, result="准予")
    tree.settle()
    hall = Person(tree, DISTRICT).sign_in(f"{DISTRICT}-02").get("/cases?tab=需要确认").text
    assert f'data-doubt="{forged}"' in hall
    assert f"/cases/{case.receipt_no}" not in hall
    assert case.applicant["name"] not in hall


CUSTODY_ROUTES = ("signed_for", "accepted_custody", "taken_over", "handed_over", "handed_back")


@pytest.mark.parametrize("act", CUSTODY_ROUTES)
def test_a_clerk_without_the_right_is_refused_by_the_node(tree: Tree, act: str) -> None:
    """Whoever posts a custody form directly, page or API: refused with a code, nothing written."""
    stream = handed_on(tree)
    number = case_at(tree, VILLAGE, stream).receipt_no
    fields = {"reason": "演示", "to": VILLAGE_2, "depth": "0", "holder": VILLAGE}
    for code in (VILLAGE, TOWNSHIP):
        if code == TOWNSHIP and act in ("handed_over", "handed_back"):
            continue  # the holder's own clerk may
        person = Person(tree, code).sign_in(f"{code}-01")
        before = tree.nodes[code].situation().written
        answer = person.act(number, act, **fields)
        assert answer.status_code in (403, 409), (act, words(answer))
        api = person.client.post(
            f"/api/v1/cases/{number}/acts/{act}",
            json=fields,
            headers={KEY_HEADER: f"api-{code}-{act}"},
        )
        assert api.status_code in (403, 409), (act, api.text)
        assert before == tree.nodes[code].situation().written
