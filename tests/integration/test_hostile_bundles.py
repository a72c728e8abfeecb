"""At least forty bundles that mean harm: each refused by its code, nothing taken, memory flat."""

from __future__ import annotations

import resource
import time
from contextlib import suppress
from pathlib import Path

import pytest

from node import stick_words
from node.files import SPOOL
from sync.protocol.errors import PeerProtocolError
from tests.integration.hostile_bundles import (
    Forge,
    Hostile,
    insides,
    odd_frames,
    odd_heads,
    odd_manifests,
    spoiled,
    torn,
)
from tests.integration.stick_world import Sticks
from tests.integration.test_tree_of_four import AT_ONCE
from tests.integration.tree_world import CENTRAL, VILLAGE, Tree

GROWTH_KIB_MAX = 64 * 1024
SECONDS_MAX = 5.0


@pytest.fixture
def corpus(tree: Tree, tmp_path: Path) -> list[Hostile]:
    """All of them, made of a real bundle with a real case in it."""
    tree.take_in(VILLAGE, AT_ONCE)
    good = Sticks(tree, tmp_path / "sticks").up(VILLAGE).read_bytes()
    forge = Forge(tree)
    village = tree.nodes[VILLAGE]
    with village.database.read() as transaction:
        newest = transaction.log_events(village.core.log, 1, 1)[0].event
    outside = [*spoiled(good), *odd_heads(forge), *odd_manifests(forge)]
    return [*outside, *torn(forge), *odd_frames(forge), *insides(forge, newest)]


def peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_each_is_refused_and_nothing_is_taken(
    tree: Tree, tmp_path: Path, corpus: list[Hostile]
) -> None:
    """Its stable code and one sentence; no event, no edition, no file; in time, in flat memory."""
    assert len(corpus) >= 60
    held, before = tree.held()[CENTRAL][0], peak_kib()
    for hostile in corpus:
        path = tmp_path / "hostile.yzb"
        path.write_bytes(hostile.raw)
        code, sentence, began = "", "", time.monotonic()
        try:
            done = tree.central.files.import_file(path)
        except PeerProtocolError as error:
            code, sentence = error.code, stick_words.refused(error)
        else:
            assert done.taken == 0, hostile.name
        assert code == hostile.code, hostile.name
        assert time.monotonic() - began < SECONDS_MAX, hostile.name
        assert not code or sentence.endswith("。"), hostile.name
        assert tree.held()[CENTRAL][0] == held, hostile.name
        assert list((tree.home(CENTRAL) / SPOOL).iterdir()) == [], hostile.name
    assert peak_kib() - before < GROWTH_KIB_MAX


def test_the_honest_one_is_taken_after_all_of_them(
    tree: Tree, tmp_path: Path, corpus: list[Hostile]
) -> None:
    """What was refused, and what was tried on the same positions, stands in nobody's way."""
    path = tmp_path / "hostile.yzb"
    for hostile in corpus:
        path.write_bytes(hostile.raw)
        with suppress(PeerProtocolError):
            tree.central.files.import_file(path)
    sticks = Sticks(tree, tmp_path / "more")
    sticks.take(CENTRAL, sticks.up(VILLAGE))
    log = tree.nodes[VILLAGE].core.log
    with tree.central.database.read() as transaction:
        held = transaction.log(log)
        assert held is not None
        assert held.position == tree.nodes[VILLAGE].situation().written
        assert not held.frozen
