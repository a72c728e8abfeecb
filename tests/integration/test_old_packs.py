"""Editions come and go; their packs do not stay for ever, at central or below."""

from __future__ import annotations

from structlog.testing import capture_logs

from node import tidying
from tests.integration.tree_world import CENTRAL, TOWNSHIP, Tree, without_notices


def publish(tree: Tree, fee: str) -> None:
    """Publish an edition that changes every matter, and let it come everywhere."""
    changed = without_notices()
    changed["matters"] = [{**m, "fee": fee, "name": m["name"] + fee} for m in changed["matters"]]
    tree.publish(changed)
    tree.settle()


def test_packs_of_replaced_editions_are_dropped_after_a_week(tree: Tree) -> None:
    """What the manifests held name stays and is still given to a new child; the rest goes."""
    for at in range(3):
        publish(tree, f"改{at}(演示)")
    before = {code: tree.nodes[code].blobs.figures() for code in (CENTRAL, TOWNSHIP)}
    for days in (0, 1, 5):
        tree.now_ms += days * tidying.DAY_MS
        for code in before:
            tree.nodes[code].tidy(0)
            assert before[code] == tree.nodes[code].blobs.figures(), "not yet"
    tree.now_ms += tidying.DAY_MS
    with capture_logs() as said:
        for code in before:
            tree.nodes[code].tidy(0)
    told = [line for line in said if line["event"] == "old_packs_dropped"]
    assert len(before) == len(told)
    for line, code in zip(told, before, strict=True):
        after = tree.nodes[code].blobs.figures()
        assert before[code].whole - line["packs"] == after.whole > 0
        assert before[code].whole_bytes - line["bytes"] == after.whole_bytes
    tree.enrol("CG0112")
    tree.settle()
    with tree.nodes["CG0112"].database.read() as transaction:
        assert transaction.entries("matters"), "a new child still gets everything"
