"""The fixtures of the browser tests: one Chromium for all, a tree and its village per test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.integration.tree_world import VILLAGE, Tree
from tests.pages import browsing
from tests.pages.browsing import Visit
from tests.unit.edge_node.pages_world import pages_at_rest, tree

__all__ = ["pages_at_rest", "tree"]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for the whole run."""
    with browsing.browser() as opened:
        yield opened


@pytest.fixture
def village(tree: Tree) -> Iterator[str]:
    """The address of the first village's pages."""
    with browsing.serving(tree.nodes[VILLAGE]) as base:
        yield base


@pytest.fixture
def clerk(chromium: Browser, tree: Tree, village: str) -> Iterator[Visit]:
    """The clerk at her window; nothing may have left the house, nothing broken the CSP."""
    visit = Visit.of(chromium, tree, village).sign_in()
    yield visit
    visit.page.context.close()
    assert visit.foreign == []
    assert [line for line in visit.console if "Security Policy" in line] == []


@pytest.fixture
def scriptless(chromium: Browser, tree: Tree, village: str) -> Iterator[Visit]:
    """The clerk in a browser whose scripts are off."""
    visit = Visit.of(chromium, tree, village, scripts=False).sign_in()
    yield visit
    visit.page.context.close()
    assert visit.foreign == []
