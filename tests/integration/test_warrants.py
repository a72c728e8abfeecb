"""Warrants: proof of who stands above whom, read alike by whoever holds the authority's key."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.engine import trust, warrants
from sync.protocol import statements
from sync.protocol.merkle import beside, leaf, merkle_root, root_by
from sync.protocol.registers import Entry
from tests.integration.tree_world import (
    CENTRAL,
    DISTRICT,
    TOWNSHIP,
    TOWNSHIP_2,
    VILLAGE,
    Tree,
    without_notices,
)

Warrant = dict[str, Any]


@given(st.integers(1, 70), st.data())
def test_every_leaf_leads_to_the_root_and_no_other_does(count: int, data: st.DataObject) -> None:
    """Of any number of entries, from any place; a wrong place, count or entry leads elsewhere."""
    entries = [Entry(f"{at:03}", b"%d" % at) for at in range(count)]
    root, leaves = merkle_root(entries), [leaf(entry) for entry in entries]
    at = data.draw(st.integers(0, count - 1))
    way = beside(leaves, at)
    assert root == root_by(leaves[at], at, count, way)
    other = data.draw(st.integers(-1, count))
    if other != at:
        assert root != root_by(leaves[at], other, count, way)
    assert root != root_by(leaf(Entry("x", b"x")), at, count, way)
    assert root != root_by(leaves[at], at, count, [*way, bytes(32)])


def made(tree: Tree, code: str, *line: str) -> Warrant:
    """The warrant a node makes of a station and those above it."""
    with tree.nodes[code].database.read() as transaction:
        warrant = warrants.make(transaction, line)
    assert warrant is not None
    return warrant


def test_any_node_reads_the_same_from_a_warrant(tree: Tree) -> None:
    """The whole line up to the root, by the authority's key alone."""
    warrant = made(tree, DISTRICT, VILLAGE, TOWNSHIP, DISTRICT)
    for node in tree.nodes.values():
        line = (VILLAGE, TOWNSHIP, DISTRICT, CENTRAL)
        assert line == warrants.line_of(node.core, warrant)


def test_a_warrant_is_made_while_a_newer_edition_is_still_on_its_way(tree: Tree) -> None:
    """The manifest in use is kept until the next edition is switched to."""
    changed = without_notices()
    first, *others = changed["stations"]
    named = [{**first["attributes"][0], "name": "改名(演示)"}, *first["attributes"][1:]]
    changed["stations"] = [{**first, "attributes": named}, *others]
    child = tree.nodes[DISTRICT]
    with child.database.read() as transaction:
        before = dict(transaction.statements(statements.MANIFEST))
    tree.publish(changed)
    with tree.central.database.read() as transaction:
        newer = dict(transaction.statements(statements.MANIFEST))
    with child.database.write() as transaction:  # what take_manifest leaves until the packs came
        for ref in before:
            if newer[ref] != before[ref]:
                transaction.put_statement(statements.MANIFEST, ref, newer[ref])
    warrant = made(tree, DISTRICT, VILLAGE, TOWNSHIP, DISTRICT)
    assert (VILLAGE,) == warrants.line_of(child.core, warrant)[:1]


def _other_parent(warrant: Warrant) -> None:
    row = warrant["line"][0]
    row["raw"] = row["raw"].replace(TOWNSHIP, TOWNSHIP_2)


def _level_left_out(warrant: Warrant) -> None:
    del warrant["line"][1]


def _top_left_out(warrant: Warrant) -> None:
    del warrant["line"][2:]


def _nothing_in_it(warrant: Warrant) -> None:
    warrant["line"] = []


def _no_hash(warrant: Warrant) -> None:
    warrant["line"][0]["beside"] = ["zz"]


def _manifest_changed(warrant: Warrant) -> None:
    raw = base64.b64decode(warrant["manifest"])
    warrant["manifest"] = base64.b64encode(raw[:-9] + b"A" + raw[-8:]).decode()


TAMPERINGS = (
    _other_parent,
    _level_left_out,
    _top_left_out,
    _nothing_in_it,
    _no_hash,
    _manifest_changed,
)


@pytest.mark.parametrize("tamper", TAMPERINGS)
def test_what_was_tampered_with_proves_nothing(
    tree: Tree, tamper: Callable[[Warrant], None]
) -> None:
    """Neither another parent nor a level left out, nor an edition the authority did not sign."""
    warrant = made(tree, DISTRICT, VILLAGE, TOWNSHIP, DISTRICT)
    assert warrants.line_of(tree.central.core, warrant)
    tamper(warrant)
    assert () == warrants.line_of(tree.central.core, warrant)


@pytest.mark.parametrize("said", [None, "", 7, [], {}, {"manifest": "!", "line": [{}]}])
def test_what_is_no_warrant_proves_nothing(tree: Tree, said: object) -> None:
    """A body of any shape is read without an exception."""
    assert () == warrants.line_of(tree.central.core, said)


def test_a_manifest_signed_by_a_station_proves_nothing(tree: Tree) -> None:
    """Only the authority says who stands above whom."""
    core = tree.nodes[TOWNSHIP].core
    warrant = made(tree, TOWNSHIP, VILLAGE, TOWNSHIP, DISTRICT)
    said = statements.decode(base64.b64decode(warrant["manifest"]))
    signed = trust.sign(core, statements.MANIFEST, said.payload)
    warrant["manifest"] = base64.b64encode(statements.encode(signed)).decode()
    assert () == warrants.line_of(core, warrant)
