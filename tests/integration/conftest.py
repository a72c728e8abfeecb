"""A tree per test. The one at rest is built once and copied, keys, files and all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.tree_world import (
    CENTRAL,
    DISTRICT,
    TOWNSHIP,
    VILLAGE,
    Tree,
    without_notices,
)

STATIONS = (CENTRAL, DISTRICT, TOWNSHIP, VILLAGE)


@pytest.fixture
def bare_tree(tmp_path: Path) -> Iterator[Tree]:
    """Central alone, nothing published."""
    tree = Tree.founded(tmp_path)
    yield tree
    tree.close()


@pytest.fixture(scope="session")
def tree_at_rest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The stopped files of a tree at rest, and what time it is there."""
    folder = tmp_path_factory.mktemp("tree")
    tree = Tree.founded(folder)
    tree.publish(without_notices())
    tree.enrol(*STATIONS[1:])
    tree.settle()
    tree.close()
    return folder, tree.now_ms


@pytest.fixture
def tree(tree_at_rest: tuple[Path, int], tmp_path: Path) -> Iterator[Tree]:
    """Central, a district, a township and a village, enrolled, with a catalogue, at rest."""
    folder, now_ms = tree_at_rest
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    tree = Tree(tmp_path, now_ms)
    for code in STATIONS:
        tree.open(code)
    yield tree
    tree.close()
