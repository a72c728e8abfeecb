"""Lanes on a narrow road, 64 kbit/s and 600 ms there and back: a case overtakes a large file."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from edge_node.app import create_link
from node.program import Node, Roads
from sync.transport.blob_client import BlobLink
from sync.transport.http_client import HttpLink
from tests.fakes.http_server import served
from tests.fakes.shaped_link import ShapedLink
from tests.integration.tree_world import TOWNSHIP, VILLAGE, Tree

MATTER = "CG-MZ-0101"
BITS_PER_SECOND = 64_000
DELAY_SECONDS = 0.3
WAIT_SECONDS_MAX = 3.0
STEADY_SECONDS = 8.0
LARGE = 20 * 1024 * 1024
WHOLE_FILES = 5


@pytest.fixture(name="link")
def _link(tree: Tree) -> Iterator[ShapedLink]:
    """The road from the village to its township; the village calls over it by itself."""
    tree.real_time()
    village = tree.nodes[VILLAGE]
    with (
        served(create_link(tree.nodes[TOWNSHIP])) as port,
        ShapedLink(port, bits_per_second=BITS_PER_SECOND, delay_seconds=DELAY_SECONDS) as link,
    ):
        url = f"http://127.0.0.1:{link.port}"
        roads = Roads(HttpLink(url), BlobLink(url), time.monotonic)
        village.start(roads, interval_seconds=20, jitter=lambda: 0.5)
        yield link
        village.stop_calling()


def large_file(node: Node, stream: str) -> None:
    """Attach a file that takes most of an hour on this road."""
    for n in range(WHOLE_FILES):
        writer = node.case_files.writer(stream)
        chance = random.Random(n)
        for _ in range(LARGE // WHOLE_FILES // 65_536):
            writer.feed(chance.randbytes(65_536))
        file = writer.finish("image/jpeg")
        node.attach(stream, file, title="演示", actor=f"{node.core.station}-01")


def until(what: Callable[[], bool], seconds: float) -> float:
    """Wait for something; return how long it took."""
    pause, begun = threading.Event(), time.monotonic()
    while not what():
        assert time.monotonic() - begun < seconds, "it never came"
        pause.wait(0.01)
    return time.monotonic() - begun


def case_waits(tree: Tree) -> float:
    """Take a case in and return how long its events took to the township."""
    stream = tree.take_in(VILLAGE, MATTER)
    return until(lambda: tree.events(TOWNSHIP, stream) > 0, 30)


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_case_overtakes_twenty_megabytes(tree: Tree, link: ShapedLink, way: str) -> None:
    """A case waits at most 3 s, and the file keeps nearly the whole road while there is none."""
    village = tree.nodes[VILLAGE]
    lane = village.blob_lane
    assert lane is not None
    stream = tree.take_in(VILLAGE, MATTER)
    until(lambda: tree.events(TOWNSHIP, stream) > 0, 60)
    large_file(tree.nodes[VILLAGE if way == "up" else TOWNSHIP], stream)
    if way == "down":
        village.wake()
        until(lambda: tree.events(VILLAGE, stream) > WHOLE_FILES, 60)
        with village.database.read() as transaction:
            village.open_files(village.case_files.listed(transaction, stream))

    def moved() -> int:
        return lane.sent if way == "up" else lane.fetched

    until(lambda: moved() > 3 * 8192, 90)
    before, begun = moved(), time.monotonic()
    until(lambda: time.monotonic() - begun > STEADY_SECONDS, 60)
    useful = (moved() - before) * 8 / (time.monotonic() - begun)
    waits = [case_waits(tree) for _ in range(2)]
    assert max(waits) <= WAIT_SECONDS_MAX, waits
    assert useful >= 0.8 * BITS_PER_SECOND, f"{useful:.0f} bit/s of {BITS_PER_SECOND}"
    went_on = moved()
    until(lambda: moved() > went_on, 30)


def test_a_cut_costs_little(tree: Tree, link: ShapedLink) -> None:
    """What came before a cut stays; what crosses twice is less than 64 KiB."""
    village = tree.nodes[VILLAGE]
    lane = village.blob_lane
    assert lane is not None
    stream = tree.take_in(VILLAGE, MATTER)
    until(lambda: tree.events(TOWNSHIP, stream) > 0, 60)
    writer = village.case_files.writer(stream)
    writer.feed(random.Random(3).randbytes(90_000))
    village.attach(stream, writer.finish("image/jpeg"), title="演示", actor=f"{VILLAGE}-01")
    until(lambda: lane.sent > 40_000, 90)
    sent, crossed = lane.sent, link.crossed["up"]
    link.cut()
    until(lambda: not village.exchange.to_give(), 120)
    assert link.crossed["up"] - crossed - (90_000 - sent) < 64 * 1024
