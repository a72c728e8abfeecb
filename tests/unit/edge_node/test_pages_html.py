"""The HTML of every page: nothing inline, nothing foreign, every field named, light enough."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.integration.tree_world import Tree
from tests.unit.edge_node.pages_world import ALLOWANCE, Person, cut
from ui.static_files import FOLDER

FIRST_LOAD_BYTES_MAX = 60 * 1024
REQUESTS_MAX = 5
OWN_CSS_BYTES_MAX = 8 * 1024
PATHS = (
    "/", "/matters", "/matters?q=gljt", f"/matters/{ALLOWANCE}", f"/matters/{ALLOWANCE}/notice",
    f"/intake/{ALLOWANCE}", "/cases", "/pending", "/review", "/issue", "/sync", "/admin", "/login",
    "/first-login", "/nothing-here", "/find?q=none", "/cases/{no}", "/cases/{no}/slip",
    "/cases/{no}/slip?paper=80", "/cases/{no}/done",
)  # fmt: skip
VOID = frozenset({"meta", "link", "input", "br", "img", "hr", "path"})
_TOO_NEW = re.compile(r":has\(|:is\(|:where\(|aspect-ratio|\binset:|color-mix|@layer|@container")


class Outline(HTMLParser):
    """What the checks below look at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.labels: set[str] = set()
        self.unnamed: list[dict[str, str]] = []
        self.inline: list[str] = []
        self.open: list[str] = []
        self._script = ""
        self.feed(text)
        assert self.open == [], f"tags left open: {self.open}"
        self.unnamed = [field for field in self.unnamed if field.get("id", "") not in self.labels]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Book a tag; forms' fields must be named by label, aria-label or the label around."""
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        if tag == "label":
            self.labels.add(given.get("for", ""))
        hidden = given.get("type") == "hidden"
        field = tag in ("input", "select", "textarea") and not hidden
        if field and "aria-label" not in given and "label" not in self.open:
            self.unnamed.append(given)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and not given.get("src")):
            self.inline.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Tags close in order."""
        if tag not in VOID:
            assert self.open.pop() == tag

    def addresses(self) -> list[str]:
        """Every address the page names."""
        names = ("href", "src", "action", "hx-get", "hx-post")
        return [given[name] for _, given in self.tags for name in names if name in given]


def outline(clerk: Person, path: str) -> Outline:
    number = clerk.json("/api/v1/cases")["cases"][0]["receipt_no"]
    return Outline(clerk.get(path.replace("{no}", number)).text)


@pytest.fixture
def at_work(clerk: Person) -> Person:
    """The clerk with one case."""
    clerk.take_in()
    return clerk


def test_pages_are_plain_and_complete(at_work: Person) -> None:
    """On every page: language, title, no inline code, own addresses, named fields, own ids."""
    for path in PATHS:
        page = outline(at_work, path)
        assert ("html", {"lang": "zh-CN"}) in page.tags, path
        assert page.inline == [], path
        assert page.unnamed == [], path
        foreign = [a for a in page.addresses() if not a.startswith(("/", "#", "data:,"))]
        assert foreign == [], path
        ids = [given["id"] for _, given in page.tags if "id" in given]
        assert len(ids) == len(set(ids)), path
        assert sum(tag == "h1" for tag, _ in page.tags) == 1, path
        assert sum(tag == "main" for tag, _ in page.tags) == 1, path


def test_every_page_shows_station_badge_clerk_and_the_demo_mark(
    tree: Tree, at_work: Person
) -> None:
    """The header is on every page, also while cut off."""
    cut(tree, at_work.code)
    for path in ("/", "/cases", "/sync", f"/intake/{ALLOWANCE}"):
        text = at_work.get(path).text
        for shown in ("斗南社区便民服务站", 'id="badge"', "王小禾", "演示", "断网办理中"):
            assert shown in text, (path, shown)


def test_the_first_load_is_light(at_work: Person) -> None:
    """Page, style sheets and scripts together stay below 60 KB in at most five requests."""
    page = at_work.get("/")
    parts = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    assert 1 + len(parts) <= REQUESTS_MAX
    total = len(page.content)
    for part in parts:
        with at_work.client.stream("GET", part) as answer:
            total += len(b"".join(answer.iter_raw()))
    assert total <= FIRST_LOAD_BYTES_MAX


def test_large_print_is_a_class_and_takes_nothing_away(at_work: Person) -> None:
    """大字版 is switched by a form and leaves every link in place."""
    before = outline(at_work, "/").addresses()
    answer = at_work.client.post("/large", data={"on": "1", "back": "/cases"})
    assert answer.headers["location"] == "/cases"
    page = outline(at_work, "/")
    assert ("body", {"class": "yz-large"}) in page.tags
    assert page.addresses() == before


@pytest.mark.parametrize("name", ["yizhan.css", "roll80.css"])
def test_own_styles_suit_chromium_86_and_are_small(name: str) -> None:
    """No selector or property newer than the floor, at most 8 KB."""
    text = (Path(FOLDER) / name).read_text(encoding="utf-8")
    assert not _TOO_NEW.search(text)
    assert len(text.encode()) <= OWN_CSS_BYTES_MAX


def test_the_search_box_waits_for_the_end_of_composing(at_work: Person) -> None:
    """htmx listens to compositionend; the script stops input while composing; no eval needed."""
    page = at_work.get("/").text
    assert 'hx-trigger="input changed delay:300ms, compositionend delay:50ms, search"' in page
    assert "data-ime" in page
    assert '"allowEval":false' in page
    script = (Path(FOLDER) / "yizhan.js").read_text(encoding="utf-8")
    assert "isComposing" in script
    assert "innerHTML" not in script
