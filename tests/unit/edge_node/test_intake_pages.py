"""From the search box to the applicant's paper."""

from __future__ import annotations

from tests.integration.tree_world import DISTRICT, VILLAGE, Tree
from tests.unit.edge_node.pages_world import (
    ALLOWANCE,
    ID_NO,
    NAME,
    Person,
    cut,
    form_key,
    intake_fields,
    words,
)


def held(tree: Tree, code: str = VILLAGE) -> int:
    with tree.nodes[code].database.read() as transaction:
        return transaction.event_count()


def test_initials_find_the_matter_as_page_and_as_fragment(clerk: Person) -> None:
    """gljt finds 高龄津贴; htmx gets the list alone."""
    page = clerk.get("/matters?q=gljt")
    piece = clerk.get("/matters?q=gljt", **{"HX-Request": "true"})
    for answer in (page, piece):
        assert f'href="/matters/{ALLOWANCE}"' in answer.text
    assert "<html" in page.text
    assert "<html" not in piece.text


def test_nothing_found_says_what_to_do(clerk: Person) -> None:
    """An empty result is never a blank area, and the query is escaped."""
    answer = clerk.get("/matters", **{"HX-Request": "true"})
    assert answer.status_code == 200
    none = clerk.client.get("/matters", params={"q": "<b>没有的"})
    assert "没有找到" in none.text
    assert "<b>没有的" not in none.text


def test_a_notice_only_matter_has_no_intake(tree: Tree) -> None:
    """Where the mode is 告知 there is no button, and the form's address refuses."""
    hall = Person(tree, DISTRICT).sign_in(f"{DISTRICT}-05")
    page = hall.get(f"/matters/{ALLOWANCE}")
    if page.status_code == 404:
        assert hall.post(f"/intake/{ALLOWANCE}", intake_fields()).status_code == 404
        return
    assert f"/intake/{ALLOWANCE}" not in page.text
    assert "只提供咨询" in page.text
    before = held(tree, DISTRICT)
    assert hall.post(f"/intake/{ALLOWANCE}", intake_fields()).status_code == 409
    assert held(tree, DISTRICT) == before


def test_the_notice_lists_materials_and_marks(clerk: Person) -> None:
    """The printed notice names the materials and carries 演示."""
    text = words(clerk.get(f"/matters/{ALLOWANCE}/notice"))
    for sentence in ("居民身份证", "居民户口簿", "演示", "承诺期限"):
        assert sentence in text


def test_the_same_form_twice_is_one_case(tree: Tree, clerk: Person) -> None:
    """The second press leads to the first result and records nothing."""
    key = form_key()
    fields = {**intake_fields(), "form_key": key}
    first = clerk.post(f"/intake/{ALLOWANCE}", fields)
    before = held(tree)
    second = clerk.post(f"/intake/{ALLOWANCE}", fields)
    assert first.headers["location"] == second.headers["location"]
    assert held(tree) == before
    assert len(clerk.json("/api/v1/cases")["cases"]) == 1


def test_a_form_without_key_saves_nothing(tree: Tree, clerk: Person) -> None:
    """A post that does not come from a form of ours is refused."""
    before = held(tree)
    answer = clerk.client.post(f"/intake/{ALLOWANCE}", data=intake_fields())
    assert answer.status_code == 400
    assert held(tree) == before


def test_a_wrong_identity_number_keeps_what_was_typed(tree: Tree, clerk: Person) -> None:
    """The error stands at the field, and everything typed is still there."""
    before = held(tree)
    wrong = ID_NO[:-1] + ("1" if ID_NO[-1] != "1" else "2")
    answer = clerk.post(f"/intake/{ALLOWANCE}", {**intake_fields(), "id_no": wrong})
    assert answer.status_code == 422
    assert 'id="e-id_no"' in answer.text
    for typed in (NAME, wrong, 'name="material_M1" value="已收" checked'):
        assert typed in answer.text
    assert held(tree) == before


def test_a_small_x_is_taken_as_capital(clerk: Person) -> None:
    """Identity numbers may be typed in small letters."""
    number = clerk.take_in(id_no=ID_NO.lower())
    assert clerk.json(f"/api/v1/cases/{number}")["applicant"]["id_no"].endswith(ID_NO[-4:])


def test_what_is_typed_is_escaped_everywhere(clerk: Person) -> None:
    """Markup in a name or note is text on the case's page, the slip and in the lists."""
    evil = "<script>alert(1)</script>"
    number = clerk.take_in(name=evil, note='"><img src=x onerror=1>')
    for path in (f"/cases/{number}", f"/cases/{number}/slip", f"/cases/{number}/done", "/cases"):
        text = clerk.get(path).text
        assert evil not in text
        assert "<img" not in text
    assert "&lt;script&gt;" in clerk.get(f"/cases/{number}").text


def test_the_slip_holds_what_the_applicant_needs(tree: Tree, clerk: Person) -> None:
    """Number, matter and version, masked number, papers, promise, station, clerk, QR, 演示."""
    cut(tree, VILLAGE)
    number = clerk.take_in()
    page = clerk.get(f"/cases/{number}/slip")
    text = words(page)
    wanted = (
        "收件凭证", number, "高龄津贴", f"{ALLOWANCE}第1版", NAME, "居民户口簿", "已收",
        "没有交(非必要)", "承诺期限(演示)", "斗南社区便民服务站", "斗南街道为民服务中心",
        "受理后才开始计算办理期限;若今天受理,为2026-12-22(暂定)",
        "王小禾", "断网办理", "最终以上级确认为准", "演示",
    )  # fmt: skip
    for sentence in wanted:
        assert sentence in text
    assert f'data-qr="{number}"' in page.text
    assert "<svg" in page.text
    assert ID_NO not in page.text
    assert f"{ID_NO[:4]}**********{ID_NO[-4:]}" in text


def test_online_paper_does_not_say_offline(clerk: Person) -> None:
    """A case taken in while the parent answers has no offline sentence on its slip."""
    number = clerk.take_in()
    assert "断网办理" not in words(clerk.get(f"/cases/{number}/slip"))


def test_a_further_copy_is_counted_and_looking_is_not(clerk: Person) -> None:
    """补打 counts; opening the print view does not."""
    number = clerk.take_in()
    for _ in range(2):
        assert "补打第" not in words(clerk.get(f"/cases/{number}/slip"))
    roll = clerk.client.post(f"/cases/{number}/slip", data={"paper": "80"})
    assert roll.headers["location"].endswith("?paper=80")
    page = clerk.get(f"/cases/{number}/slip?paper=80")
    assert "补打第1次" in words(page)
    assert "roll80.css" in page.text


def test_a_case_is_found_by_its_number_however_typed(clerk: Person) -> None:
    """Small letters and missing hyphens are forgiven."""
    number = clerk.take_in()
    for typed in (number, number.lower(), number.replace("-", "")):
        answer = clerk.client.get("/find", params={"q": typed})
        assert answer.headers["location"] == f"/cases/{number}"
    assert clerk.get("/find?q=nothing").status_code == 404


def test_the_promise_without_a_published_calendar_says_so(tree: Tree) -> None:
    """A day that falls into a year without an edition is provisional, with the year named."""
    tree.now_ms += 20 * 24 * 3600 * 1000
    clerk = Person(tree, VILLAGE).sign_in(f"{VILLAGE}-01")
    number = clerk.take_in()
    text = words(clerk.get(f"/cases/{number}/slip"))
    assert "若今天受理,为2027-01-" in text
    assert "2027年节假日安排尚未公布" in text


def test_taking_in_is_called_by_its_mode(clerk: Person) -> None:
    """代收 does not accept, 代办 is entrusted, 受理 accepts: heading and button say so."""
    for matter, heading, button in (
        (ALLOWANCE, "收件:", "收件并打印"),
        ("CG-YB-0104", "登记委托:", ">登记委托<"),
        ("CG-WJ-0101", "受理:", "受理并打印"),
    ):
        page = clerk.get(f"/intake/{matter}").text
        assert f"<h1>{heading}" in page
        assert button in page


def test_no_telephone_is_ordinary(clerk: Person) -> None:
    """An empty telephone is 无电话; a number together with 无电话 is asked about."""
    number = clerk.take_in(phone="", phone_of="本人")
    assert clerk.json(f"/api/v1/cases/{number}")["applicant"]["phone_of"] == "无电话"
    answer = clerk.post(f"/intake/{ALLOWANCE}", {**intake_fields(), "phone_of": "无电话"})
    assert answer.status_code == 422
    assert 'id="e-phone"' in answer.text


def test_the_same_name_again_today_is_asked_about(clerk: Person) -> None:
    """A second case for one name and matter on one day is saved only on purpose."""
    first = clerk.take_in()
    answer = clerk.post(f"/intake/{ALLOWANCE}", intake_fields())
    assert answer.status_code == 422
    assert first in answer.text
    assert clerk.take_in(again="是") != first
    clerk.take_in(name="另一位(演示)")


def test_a_form_of_another_person_is_not_saved(tree: Tree, clerk: Person) -> None:
    """The form names who opened it; who is signed in now is told, on intake and on acts."""
    before = held(tree)
    fields = {**intake_fields(), "by": f"{VILLAGE}-02"}
    assert "这张表不是您打开的" in clerk.post(f"/intake/{ALLOWANCE}", fields).text
    assert held(tree) == before
    number = clerk.take_in()
    before = held(tree)
    answer = clerk.act(number, "supplement_received", note="x", by=f"{VILLAGE}-02")
    assert answer.status_code == 422
    assert held(tree) == before


def test_a_voided_case_offers_nothing_and_its_slip_says_so(clerk: Person) -> None:
    """After a mistake was voided there is nothing left to press, and the paper is no good."""
    number = clerk.take_in(material_M1="缺")
    assert "申请作废" not in words(clerk.get(f"/cases/{number}"))
    assert clerk.act(number, "voided", reason="录错").status_code == 303
    assert "这一件现在不用您办" in words(clerk.get(f"/cases/{number}"))
    assert "这一件已作废" in words(clerk.get(f"/cases/{number}/slip"))


def test_history_names_stations(tree: Tree, clerk: Person) -> None:
    """A handover shows the station's name, never its code alone."""
    number = clerk.take_in()
    tree.settle()
    text = words(clerk.get(f"/cases/{number}"))
    assert "移交:斗南街道为民服务中心" in text
    assert "移交:CG0101" not in text
