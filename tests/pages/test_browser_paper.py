"""Paper as Chromium prints it: pages, width, QR size, nothing of the screen on it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pages.browsing import Visit
from tests.unit.edge_node.pages_world import ALLOWANCE

MM = 72 / 25.4
MATERIALS = 12
MORE_ROWS = """count => { const body = document.querySelector('article table tbody');
  const row = body.rows[0]; row.cells[0].textContent = '居民户口簿首页和本人页复印件(演示)';
  while (body.rows.length < count) body.appendChild(row.cloneNode(true)); }"""


def printed(visit: Visit, path: Path) -> tuple[int, float, float]:
    """How many pages the open page prints on, and the paper. Units: millimetres."""
    visit.page.pdf(path=str(path), prefer_css_page_size=True)
    content = path.read_bytes()
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", content)
    pages = len(re.findall(rb"/Type /Page\b[^s]", content))
    return pages, float(boxes[0][0]) / MM, float(boxes[0][1]) / MM


@pytest.mark.parametrize("where", ["slip", "done", "notice"])
def test_twelve_materials_fit_one_a4_page(clerk: Visit, where: str, tmp_path: Path) -> None:
    """Slip, the page after an intake and the notice: exactly one A4 sheet."""
    number = clerk.take_in()
    clerk.go(f"/matters/{ALLOWANCE}/notice" if where == "notice" else f"/cases/{number}/{where}")
    clerk.page.evaluate(MORE_ROWS, MATERIALS)
    pages, width, height = printed(clerk, tmp_path / "a4.pdf")
    assert pages == 1
    assert (width, height) == (pytest.approx(210, abs=1), pytest.approx(297, abs=1))


@pytest.mark.parametrize("materials", [4, MATERIALS])
def test_the_roll_is_80_mm_wide(clerk: Visit, materials: int, tmp_path: Path) -> None:
    """The choice of paper is kept, the roll is 80 mm wide and one piece."""
    number = clerk.take_in()
    with clerk.page.expect_navigation():
        clerk.page.click("text=换成 80 毫米小票")
    clerk.go(f"/cases/{number}/slip")
    clerk.page.evaluate(MORE_ROWS, materials)
    if materials == MATERIALS:
        clerk.page.evaluate("document.querySelector('.yz-roll').classList.add('yz-roll-long')")
    pages, width, _ = printed(clerk, tmp_path / "roll.pdf")
    assert pages == 1
    assert width == pytest.approx(80, abs=0.5)


def test_paper_shows_no_screen_parts_and_a_large_code(clerk: Visit) -> None:
    """In print: no header, no buttons; the code is at least 25 mm without its quiet zone."""
    number = clerk.take_in()
    page = clerk.page
    for path in (f"/cases/{number}/slip", f"/cases/{number}/done"):
        clerk.go(path)
        page.emulate_media(media="print")
        for hidden in ("header", "nav", "button", ".yz-done"):
            for one in page.locator(hidden).all():
                assert not one.is_visible(), (path, hidden)
        svg = page.locator("[data-qr] svg")
        size = float((svg.get_attribute("viewBox") or "").split()[2])
        box = svg.bounding_box()
        assert box is not None
        assert box["width"] / 96 * 25.4 * (size - 8) / size >= 25
        assert "演示" in page.inner_text("[data-slip]")
        page.emulate_media(media="screen")
