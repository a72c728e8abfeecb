"""A fresh tree per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.tree_world import (
    DISTRICT,
    TOWNSHIP,
    VILLAGE,
    Tree,
    without_notices,
)


@pytest.fixture
def bare_tree(tmp_path: Path) -> Iterator[Tree]:
    """Central alone, nothing published."""
    tree = Tree(tmp_path)
    yield tree
    tree.close()


@pytest.fixture
def tree(bare_tree: Tree) -> Tree:
    """Central, a district, a township and a village, enrolled, with a catalogue, at rest."""
    bare_tree.publish(without_notices())
    bare_tree.enrol(DISTRICT, TOWNSHIP, VILLAGE)
    bare_tree.settle()
    return bare_tree
