"""Two hundred files that mean or met harm: each refused by its code, nothing taken, flat memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from node import stick_words
from node.files import SPOOL
from sync.protocol import frames
from sync.protocol.errors import (
    BundleDamaged,
    BundleStopped,
    BundleTooLarge,
    PeerProtocolError,
)
from sync.protocol.frames import Frame
from sync.protocol.names import EventName
from tests.integration import hostile_bundles, hostile_contents
from tests.integration.hostile_bundles import ANY, Forge, Hostile
from tests.integration.hostile_copies import copies
from tests.integration.stick_world import Sticks
from tests.integration.test_tree_of_four import AT_ONCE
from tests.integration.tree_world import CENTRAL, TOWNSHIP, VILLAGE, Tree

FILES_MIN = 200
GROWTH_KIB_MAX = 24 * 1024
"""Peak of a process that is given all of them, beyond that of one given the honest one alone."""
SECONDS_MAX = 5.0
GIB = 1024**3
WITH_ITS_PEAK = """
import atexit, re, runpy, sys
def tell():
    with open("/proc/self/status") as status:
        sys.stderr.write("\\n" + re.search(r"VmHWM:\\s+(\\d+)", status.read())[1])
atexit.register(tell)
sys.argv[0] = "central"
runpy.run_module("central", run_name="__main__")
"""
"""A program that says at its end how much memory it took at most, in KiB; what `wait` says of a
child counts the memory of the parent it was forked from."""
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def corpus(tree: Tree, tmp_path: Path) -> list[Hostile]:
    """All of them, made of a real bundle with a real case in it."""
    tree.take_in(VILLAGE, AT_ONCE)
    good = Sticks(tree, tmp_path / "sticks").up(VILLAGE).read_bytes()
    up, down = Forge(tree), Forge(tree, TOWNSHIP, VILLAGE)
    village = tree.nodes[VILLAGE]
    with village.database.read() as transaction:
        newest = transaction.log_events(village.core.log, 1, 1)[0].event
    return [
        *copies(good),
        *hostile_bundles.odd_heads(up),
        *hostile_bundles.odd_manifests(up),
        *hostile_bundles.torn(up),
        *hostile_bundles.odd_frames(up),
        *hostile_bundles.insides(up, Forge(tree, VILLAGE, TOWNSHIP), newest),
        *hostile_contents.zstd_frames(up),
        *hostile_contents.odd_columns(up),
        *hostile_contents.odd_parts(up),
        *hostile_contents.odd_facts(up),
        *hostile_contents.odd_events(up),
        *hostile_contents.odd_statements(up, tree),
        *hostile_contents.strangers(up, tree),
        *hostile_contents.from_above(down, tree),
    ]


def events_and_editions(tree: Tree) -> dict[str, tuple[object, object]]:
    """Return what no file here may change at any node."""
    return {code: (held[0], held[2]) for code, held in tree.held().items()}


def check(tree: Tree, path: Path, hostile: Hostile) -> None:
    """Check that a node refuses a file by its code and in a sentence, and holds what it held."""
    path.write_bytes(hostile.raw)
    before = events_and_editions(tree)
    code, sentence, began = "", "", time.monotonic()
    try:
        done = tree.nodes[hostile.at].files.import_file(path)
    except PeerProtocolError as error:
        code, sentence = error.code, stick_words.refused(error)
    else:
        assert (done.taken, done.covered, done.shelves) == (0, 0, 0), hostile.name
    assert code == hostile.code or (hostile.code == ANY and code), (hostile.name, code)
    assert time.monotonic() - began < SECONDS_MAX, hostile.name
    assert not code or sentence.endswith("。"), hostile.name
    assert not sentence or ("旧" in sentence) == (code == "peer_too_old"), hostile.name
    assert events_and_editions(tree) == before, hostile.name
    assert list((tree.home(hostile.at) / SPOOL).iterdir()) == [], hostile.name


def test_each_is_refused_and_nothing_is_taken(
    tree: Tree, tmp_path: Path, corpus: list[Hostile]
) -> None:
    """Its stable code and one sentence; no event, no receipt, no file; in time."""
    assert len(corpus) >= FILES_MIN
    assert len({hostile.name for hostile in corpus}) == len(corpus)
    for hostile in corpus:
        check(tree, tmp_path / "hostile.yzb", hostile)


def test_the_honest_ones_are_taken_after_all_of_them(
    tree: Tree, tmp_path: Path, corpus: list[Hostile]
) -> None:
    """What was refused, and what was tried on the same positions, stands in nobody's way."""
    path = tmp_path / "hostile.yzb"
    for hostile in corpus:
        path.write_bytes(hostile.raw)
        with suppress(PeerProtocolError):
            tree.nodes[hostile.at].files.import_file(path)
    sticks = Sticks(tree, tmp_path / "more")
    assert sticks.take(CENTRAL, sticks.up(VILLAGE)).taken > 0
    log = tree.nodes[VILLAGE].core.log
    with tree.central.database.read() as transaction:
        held = transaction.log(log)
        assert held is not None
        assert held.position == tree.nodes[VILLAGE].situation().written
        assert not held.frozen
    tree.settle()
    answer = sticks.take(VILLAGE, sticks.down(CENTRAL, VILLAGE))
    assert answer.contiguous
    with tree.nodes[VILLAGE].database.read() as transaction:
        own = transaction.log(log)
        assert own is not None
        assert own.central_position == own.position == own.parent_position


def test_one_that_goes_wrong_in_the_middle_is_not_called_untouched(
    tree: Tree, tmp_path: Path
) -> None:
    """What stands before the bad part is taken, and the sentence says so."""
    tree.take_in(VILLAGE, AT_ONCE)
    village, forge = tree.nodes[VILLAGE], Forge(tree)
    with village.database.read() as transaction:
        event = transaction.log_events(village.core.log, 1, 1)[0].event
    path = tmp_path / "half.yzb"
    good = frames.encode_events(0, [event])
    path.write_bytes(forge.file(forge.content(good, Frame(frames.EVENTS, b""))))
    with pytest.raises(BundleStopped) as refused:
        tree.central.files.import_file(path)
    assert "已经导入" in stick_words.refused(refused.value)
    with tree.central.database.read() as transaction:
        assert transaction.event(EventName(*village.core.log, 1)) is not None


def test_a_gigabyte_of_nothing_is_not_even_copied(tree: Tree, tmp_path: Path) -> None:
    """A file longer than its head says, or than any may be, is refused by its size alone."""
    tree.take_in(VILLAGE, AT_ONCE)
    good = Sticks(tree, tmp_path / "sticks").up(VILLAGE)
    for size, refusal in ((GIB // 2, BundleDamaged), (2 * GIB, BundleTooLarge)):
        os.truncate(good, size)
        began = time.monotonic()
        with pytest.raises(refusal):
            tree.central.files.import_file(good)
        assert time.monotonic() - began < 0.2


def import_in_a_process(home: Path, folder: Path) -> tuple[dict[str, Any], int]:
    """Run the command on a folder; return what it said and its peak of memory in KiB."""
    words = ["bundle", "import", str(folder), "--data", str(home), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", WITH_ITS_PEAK, *words],
        cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return json.loads(done.stdout), int(done.stderr.split()[-1])


def test_a_folder_full_of_them_stays_in_flat_memory(
    tree: Tree, tmp_path: Path, corpus: list[Hostile]
) -> None:
    """One command is given them all: each gets its sentence, the honest one at the end is taken."""
    alone, crowd = tmp_path / "alone", tmp_path / "crowd"
    alone.mkdir()
    good = Sticks(tree, tmp_path / "stick").up(VILLAGE)
    shutil.copy(good, alone)
    crowd.mkdir()
    for number, hostile in enumerate(one for one in corpus if one.at == CENTRAL):
        (crowd / f"{number:04d}.yzb").write_bytes(hostile.raw)
    shutil.copy(good, crowd / "z.yzb")
    home, other = tree.home(CENTRAL), tmp_path / "other"
    tree.close()
    tree.nodes.clear()
    shutil.copytree(home, other)
    taken, usual = import_in_a_process(other, alone)
    assert taken["files"][0]["taken"] > 0
    said, most = import_in_a_process(home, crowd)
    assert len(said["files"]) == len(list(crowd.iterdir()))
    assert all(one["sentence"].endswith("。") for one in said["files"])
    assert said["files"][-1]["taken"] > 0
    assert most - usual < GROWTH_KIB_MAX
