"""The fixtures of `pages_world`."""

from __future__ import annotations

from tests.unit.edge_node.pages_world import clerk, pages_at_rest, reviewer, tree

__all__ = ["clerk", "pages_at_rest", "reviewer", "tree"]
