"""A form sent twice is one act, and what is remembered of forms does not grow for ever."""

from __future__ import annotations

from node.program import FORM_KEY_MS
from tests.integration.tree_world import VILLAGE, Tree

AT_ONCE = "CG-CW-0101"


def remembered(tree: Tree) -> int:
    """Return how many forms a village remembers."""
    with tree.nodes[VILLAGE].database.read() as transaction:
        row = transaction.connection.execute("SELECT count(*) FROM form_keys").fetchone()
    return int(row[0])


def test_forms_are_forgotten_after_a_month(tree: Tree) -> None:
    """The same form is one case for as long as anybody may still send it, and no row longer."""
    first = tree.take_in(VILLAGE, AT_ONCE, form_key="a")
    assert first == tree.take_in(VILLAGE, AT_ONCE, form_key="a")
    tree.now_ms += FORM_KEY_MS // 2
    tree.take_in(VILLAGE, AT_ONCE, form_key="b")
    assert 2 == remembered(tree)
    tree.now_ms += FORM_KEY_MS // 2 + 1
    tree.take_in(VILLAGE, AT_ONCE, form_key="c")
    assert 2 == remembered(tree)
