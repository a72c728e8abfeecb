"""Carries bundles between the nodes of a tree."""

from __future__ import annotations

from pathlib import Path

from node.files import Imported
from tests.integration.tree_world import Tree


class Sticks:
    """One folder that stands for all sticks; the clock moves while they are carried."""

    def __init__(self, tree: Tree, folder: Path) -> None:
        self.tree = tree
        self.folder = folder
        folder.mkdir()

    def up(self, station: str) -> Path:
        self.tree.now_ms += 60_000
        return self.tree.nodes[station].files.export_up(self.folder).path

    def down(self, maker: str, station: str) -> Path:
        self.tree.now_ms += 60_000
        return self.tree.nodes[maker].files.export_down(station, self.folder).path

    def take(self, station: str, path: Path) -> Imported:
        self.tree.now_ms += 60_000
        return self.tree.nodes[station].files.import_file(path)

    def there_and_back(self, station: str, above: str) -> tuple[Imported, Imported]:
        went = self.take(above, self.up(station))
        return went, self.take(station, self.down(above, station))
