"""Quick checks of accessibility: names, focus, contrast, large print, no sideways scroll."""

from __future__ import annotations

from tests.pages.browsing import INTAKE, Visit
from tests.unit.edge_node.pages_world import ALLOWANCE

PATHS = (
    "/", "/matters?q=gljt", f"/matters/{ALLOWANCE}", INTAKE, "/cases", "/pending", "/review",
    "/issue", "/sync", "/admin", "/login", "/first-login", "/nothing-here", "/cases/{no}",
    "/cases/{no}/done", "/cases/{no}/slip",
)  # fmt: skip
CONTRAST_MIN, LARGE_TEXT_CONTRAST_MIN = 4.5, 3.0
UNNAMED = """() => [...document.querySelectorAll(
    'input:not([type=hidden]),select,textarea,button,a')]
  .filter(e => e.getClientRects().length)
  .filter(e => !(e.labels && e.labels.length) && !e.ariaLabel && !e.textContent.trim())
  .map(e => e.outerHTML.slice(0, 80))"""
FAINT = """([least, large]) => {
  const parts = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = parts(c).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) {
    const c = getComputedStyle(e).backgroundColor, p = parts(c);
    if (p.length < 4 || p[3] > 0) return c; } return 'rgb(255,255,255)'; };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) { const text = walker.currentNode, e = text.parentElement;
    if (!text.data.trim() || !e.getClientRects().length) continue;
    const s = getComputedStyle(e), a = light(s.color), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const big = parseFloat(s.fontSize) >= 24;
    if (ratio < (big ? large : least)) found.push(text.data.trim() + ' ' + ratio.toFixed(2)); }
  return found; }"""
FOCUS = """() => { const e = document.activeElement, s = getComputedStyle(e),
  r = e.getClientRects()[0];
  return [e.tagName, parseFloat(s.outlineWidth) >= 2 && s.outlineStyle !== 'none', !!r]; }"""
TABS_MAX = 60
LARGE_PX, TARGET_PX = 24, 60
SMALL_TEXT = """least => [...document.querySelectorAll('body *')]
  .filter(e => e.getClientRects().length
    && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
  .filter(e => parseFloat(getComputedStyle(e).fontSize) < least)
  .map(e => e.tagName + ' ' + e.textContent.trim().slice(0, 20))"""
SMALL_TARGETS = """least => [...document.querySelectorAll(
    '.btn,.form-control,.form-select,.yz-nav a,.yz-badge')]
  .filter(e => e.getClientRects().length && e.getBoundingClientRect().height < least - 0.5)
  .map(e => e.outerHTML.slice(0, 80))"""


def pages(clerk: Visit) -> list[str]:
    """Every kind of page, with one case."""
    number = clerk.take_in()
    return [path.replace("{no}", number) for path in PATHS]


def test_everything_has_a_name_and_enough_contrast(clerk: Visit) -> None:
    """Controls and links are named; text stands out at 4.5:1 (3:1 when large)."""
    for path in pages(clerk):
        clerk.go(path)
        assert clerk.page.evaluate(UNNAMED) == [], path
        least = [CONTRAST_MIN, LARGE_TEXT_CONTRAST_MIN]
        assert clerk.page.evaluate(FAINT, least) == [], path


def test_the_focus_is_seen_wherever_it_goes(clerk: Visit) -> None:
    """Tabbing through search, intake and case: each stop has an outline and a place."""
    number = clerk.take_in()
    for path in ("/", INTAKE, f"/cases/{number}"):
        clerk.go(path)
        for _ in range(TABS_MAX):
            clerk.page.keyboard.press("Tab")
            tag, outlined, placed = clerk.page.evaluate(FOCUS)
            if tag == "BODY":
                break
            assert outlined, (path, tag)
            assert placed, (path, tag)


def test_large_print_is_large_and_nothing_runs_off_sideways(clerk: Visit) -> None:
    """大字版: text from 24 px, targets from 60 px; at 683 px no page scrolls sideways."""
    found = pages(clerk)
    for large in (False, True):
        clerk.page.set_viewport_size({"width": 683, "height": 768})
        for path in found:
            clerk.go(path)
            wide = clerk.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wide <= 0, (path, large)
            if large:
                assert clerk.page.evaluate(SMALL_TEXT, LARGE_PX) == [], path
                assert clerk.page.evaluate(SMALL_TARGETS, TARGET_PX) == [], path
        clerk.go("/")
        clerk.page.click("header >> text=大字版") if not large else None
