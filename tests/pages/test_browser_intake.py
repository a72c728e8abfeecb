"""A clerk takes a case in with a real browser: by keyboard, without scripts, twice, in two tabs."""

from __future__ import annotations

from playwright.sync_api import Browser

from edge_node.matters import QUERY_LENGTH_MAX
from tests.integration.tree_world import Tree
from tests.pages.browsing import INTAKE, Visit
from tests.unit.edge_node.pages_world import ID_NO, NAME, cut

FIRST_LOAD_BYTES_MAX = 60 * 1024
EVIL = '"><img src=x onerror=document.title="hit"><script>document.title="hit"</script>'
SEARCH = "/matters?q="


def test_a_case_is_taken_in_by_keyboard_alone(clerk: Visit) -> None:
    """Search, open, fill in, save: no mouse; printed once, and the focus is on printing again."""
    page, keys = clerk.page, clerk.page.keyboard
    assert page.evaluate("document.activeElement.id") == "q"
    keys.type("gljt")
    page.wait_for_selector("#found a")
    keys.press("Tab")  # 查找
    keys.press("Tab")
    keys.press("Enter")
    page.wait_for_url("**/matters/CG-MZ-0101")
    keys.press("Control+Enter")
    page.wait_for_url("**" + INTAKE)
    keys.type(NAME)
    keys.press("Tab")
    keys.press("Tab")
    keys.type(ID_NO)
    for _ in range(3):
        keys.press("Tab")
    for _ in range(3):
        keys.press("ArrowLeft")
        keys.press("Tab")
    keys.press("Control+Enter")
    number = clerk.number()
    page.wait_for_function("window.prints === 1")
    assert page.evaluate("document.activeElement.textContent") == "打印收件凭证"
    text = page.inner_text("main")
    assert number in text
    assert "已保存在本站" in text
    assert "还缺" not in text
    assert clerk.cases() == 1


def test_a_case_is_taken_in_without_scripts(scriptless: Visit) -> None:
    """Forms and links alone lead from the search to the slip."""
    page = scriptless.page
    page.fill("#q", "gljt")
    page.click("[role=search] button")
    page.click("#found a >> nth=0")
    page.click("[data-main]")
    scriptless.fill_in()
    page.click("text=收件并打印")
    number = scriptless.number()
    page.click("text=打印收件凭证")
    assert page.inner_text("h1").startswith("收件凭证")
    assert number in page.inner_text("main")
    assert scriptless.cases() == 1


def test_a_second_press_is_one_case(clerk: Visit) -> None:
    """A double click ends on the one case, whose page prints once."""
    clerk.go(INTAKE)
    clerk.fill_in()
    clerk.page.dblclick("[data-main]")
    clerk.number()
    assert clerk.cases() == 1


def test_back_and_again_asks_before_a_second_case(clerk: Visit) -> None:
    """After going back, the same applicant is saved a second time only on purpose."""
    first = clerk.take_in()
    page = clerk.page
    page.go_back()
    clerk.fill_in()
    page.click("[data-main]")
    page.wait_for_selector("#errors")
    assert first in page.inner_text("#errors")
    assert clerk.cases() == 1
    page.check("[name=again]")
    page.click("[data-main]")
    assert clerk.number() != first
    assert clerk.cases() == 2


def test_a_reloaded_page_does_not_print_again(clerk: Visit) -> None:
    """The dialog opens after the intake, not whenever the page is shown."""
    clerk.take_in()
    clerk.page.wait_for_function("window.prints === 1")
    clerk.page.reload()
    clerk.page.wait_for_load_state("networkidle")
    assert clerk.page.evaluate("window.prints") == 0


def test_a_form_of_the_colleague_before_is_not_saved_unasked(clerk: Visit) -> None:
    """The second clerk on the same PC is told whose form it is, and saves it by pressing again."""
    clerk.go(INTAKE)
    clerk.fill_in()
    other = Visit(clerk.tree, clerk.page.context.new_page(), clerk.base)
    other.sign_in("CG0111-02")
    clerk.page.click("[data-main]")
    clerk.page.wait_for_selector("#errors")
    assert "李阿茶" in clerk.page.inner_text("#errors")
    assert clerk.cases() == 0
    clerk.page.click("[data-main]")
    clerk.number()
    assert "李阿茶" in clerk.page.inner_text("[data-slip]")


def test_the_focus_goes_to_what_is_wrong(clerk: Visit) -> None:
    """A wrong number: what was typed is there, and the cursor stands in that field."""
    clerk.go(INTAKE)
    clerk.fill_in()
    clerk.page.fill("[name=id_no]", "123")
    clerk.page.click("[data-main]")
    clerk.page.wait_for_selector("#errors")
    assert clerk.page.evaluate("document.activeElement.name") == "id_no"
    assert clerk.page.input_value("[name=name]") == NAME


def test_markup_in_any_field_stays_text(clerk: Visit) -> None:
    """Whatever is typed is shown as typed, on every page that shows it."""
    clerk.go(INTAKE)
    clerk.fill_in(EVIL)
    clerk.page.fill("[name=phone]", EVIL)
    clerk.page.fill("[name=note]", EVIL)
    clerk.page.click("[data-main]")
    number = clerk.number()
    for path in (f"/cases/{number}", f"/cases/{number}/slip", "/cases", f"/cases/{number}/done"):
        clerk.go(path)
        assert EVIL in clerk.page.inner_text("main"), path
        assert clerk.page.locator("main img, main script").count() == 0
        assert "hit" != clerk.page.title()
    clerk.go(SEARCH + EVIL)
    assert EVIL[:QUERY_LENGTH_MAX] in clerk.page.inner_text("main")
    assert clerk.page.locator("main img, main script").count() == 0


def test_composing_a_word_asks_once(clerk: Visit) -> None:
    """Six steps of pinyin and the committed word are one request, with the right list."""
    page = clerk.page
    page.focus("#q")
    ime = page.context.new_cdp_session(page)
    clerk.asked.clear()
    for typed in ("g", "ga", "gao", "gao l", "gao li", "gao ling"):
        ime.send(
            "Input.imeSetComposition",
            {"text": typed, "selectionStart": len(typed), "selectionEnd": len(typed)},
        )
        page.wait_for_timeout(120)
    ime.send("Input.insertText", {"text": "高龄"})
    page.wait_for_selector("#found a")
    page.wait_for_timeout(700)
    assert len([url for url in clerk.asked if url.startswith("/matters")]) == 1
    assert "高龄津贴" in page.inner_text("#found")


def test_the_first_load_is_light(chromium: Browser, tree: Tree, village: str) -> None:
    """Everything a fresh browser receives for the first page after login: at most 60 KB."""
    visit = Visit.of(chromium, tree, village).sign_in()
    fresh = Visit.of(chromium, tree, village)
    fresh.page.context.add_cookies(visit.page.context.cookies())  # type: ignore[arg-type]
    network = fresh.page.context.new_cdp_session(fresh.page)
    network.send("Network.enable")
    sizes: list[int] = []
    network.on("Network.loadingFinished", lambda told: sizes.append(int(told["encodedDataLength"])))
    fresh.page.goto(village + "/", wait_until="networkidle")
    assert 0 < sum(sizes) <= FIRST_LOAD_BYTES_MAX
    assert len(sizes) <= 5
    assert fresh.console == []


def test_offline_is_said_on_page_and_paper(tree: Tree, clerk: Visit) -> None:
    """With the parent silent: the badge names the state, saving goes on, the paper says so."""
    clerk.go("/sync")
    cut(tree, "CG0111")
    number = clerk.take_in()
    page = clerk.page
    assert "断网办理中 · 待上报 1 件" in page.inner_text("#badge")
    assert "断网办理" in page.inner_text("[data-slip]")
    clerk.go("/sync")
    assert "斗南街道为民服务中心没有应答" in page.inner_text("#road")
    rungs = [int(text.split()[0]) for text in page.locator("[data-rung]").all_inner_texts()]
    assert rungs[0] > 0
    assert f"本站记录合计\t{sum(rungs)} 条" in page.inner_text("main table >> nth=0")
    for path in ("/sync", "/", f"/cases/{number}"):
        clerk.go(path)
        assert "已上报" not in page.inner_text("body")
        assert "✓" not in page.inner_text("#badge")
