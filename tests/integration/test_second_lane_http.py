"""The second lane over real sockets: asks under way together, cuts, refusals, giving way."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette

from edge_node.app import create_link
from node.blob_lane import BlobLane
from node.lane_gate import LaneGate
from sync.engine import along_with
from sync.protocol.blobs import PART_HEAD_BYTES, Part
from sync.protocol.errors import PeerUnreachable, StaleAsk
from sync.transport.blob_client import BlobLink, LaneBusy
from sync.transport.blob_routes import blob_route
from tests.fakes.http_server import served
from tests.integration.test_bad_editions import changed_catalogue
from tests.integration.tree_world import DISTRICT, TOWNSHIP, VILLAGE, Tree

WAIT_SECONDS = 30.0


@pytest.fixture(name="told")
def _told(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """A village that knows of an edition whose packs its township holds; none went along."""
    monkeypatch.setattr(along_with, "BLOB_ALONG_BYTES_MAX", 0)
    tree.publish(changed_catalogue())
    for code in (DISTRICT, TOWNSHIP) * 3:
        tree.round(code)
    village, township = tree.nodes[VILLAGE], tree.nodes[TOWNSHIP]
    village.rounds.take_answer(township.rounds.serve(village.rounds.begin()))
    assert village.exchange.wanted()
    return tree


@pytest.fixture(name="port")
def _port(told: Tree) -> Iterator[int]:
    with served(create_link(told.nodes[TOWNSHIP])) as port:
        yield port


@pytest.fixture(name="link")
def _link(port: int) -> Iterator[BlobLink]:
    link = BlobLink(f"http://127.0.0.1:{port}", silence_seconds=WAIT_SECONDS)
    yield link
    link.close()


def asked(tree: Tree, offset: int, count: int) -> bytes:
    want = tree.nodes[VILLAGE].exchange.wanted()[0]
    ask = tree.nodes[VILLAGE].exchange.ask([Part(want.sha256, offset, count)])
    assert ask is not None
    return ask


def body(link: BlobLink) -> bytes:
    incoming, parts = link.answer(), []
    while data := incoming.read():
        parts.append(data)
    return b"".join(parts)


def test_asks_under_way_together_are_answered_in_order(told: Tree, link: BlobLink) -> None:
    """Several asks are written before the first answer is read; each gets its own bytes."""
    want = told.nodes[VILLAGE].exchange.wanted()[0]
    whole = told.nodes[TOWNSHIP].blobs.read(want.sha256, 0, want.size)
    ranges = [(0, 700), (700, 1), (701, want.size)]
    for offset, count in ranges:
        link.send(asked(told, offset, count))
    got = [body(link)[PART_HEAD_BYTES:] for _ in ranges]
    assert [whole[:700], whole[700:701], whole[701:]] == got


def test_a_stale_ask_is_told_apart_from_a_refusal(told: Tree, link: BlobLink) -> None:
    """409 means: make a round and ask again."""
    ask = asked(told, 0, 10)
    for _ in range(2):
        village = told.nodes[VILLAGE]
        village.rounds.take_answer(told.nodes[TOWNSHIP].rounds.serve(village.rounds.begin()))
    link.send(ask)
    with pytest.raises(StaleAsk):
        link.answer()


def test_an_answer_broken_off_is_not_taken_for_its_end(told: Tree) -> None:
    """A parent that dies in mid-answer is unreachable, not done."""
    want = told.nodes[VILLAGE].exchange.wanted()[0]

    class Short:
        length = want.size

        pieces = iter([b"\0" * 9])

    with served(Starlette(routes=[blob_route(lambda raw: Short())])) as port:
        link = BlobLink(f"http://127.0.0.1:{port}", silence_seconds=WAIT_SECONDS)
        link.send(asked(told, 0, 10))
        with pytest.raises(PeerUnreachable):
            body(link)


def test_a_parent_that_serves_enough_asks_sends_the_next_away(told: Tree) -> None:
    """Beyond its places a parent answers 503; a place is free again when an answer ends."""
    hold, begun = threading.Event(), threading.Event()

    class Slow:
        length = 4

        @property
        def pieces(self) -> Iterator[bytes]:
            begun.set()
            hold.wait(WAIT_SECONDS)
            yield bytes(4)

    with served(Starlette(routes=[blob_route(lambda raw: Slow(), at_once_max=1)])) as port:
        first, second = (BlobLink(f"http://127.0.0.1:{port}") for _ in range(2))
        first.send(asked(told, 0, 10))
        assert begun.wait(WAIT_SECONDS)
        second.send(asked(told, 0, 10))
        with pytest.raises(LaneBusy) as busy:
            second.answer()
        assert busy.value.seconds > 0
        hold.set()
        assert bytes(4) == body(first)
        second.send(asked(told, 0, 10))
        assert bytes(4) == body(second)
        first.close()
        second.close()


def lane_of(tree: Tree, port: int, gate: LaneGate) -> BlobLane:
    return BlobLane(
        tree.nodes[VILLAGE].exchange,
        BlobLink(f"http://127.0.0.1:{port}", silence_seconds=WAIT_SECONDS),
        gate,
        seconds=time.monotonic,
        jitter=random.Random(1).random,
    )


def wait_until_nothing_is_wanted(tree: Tree) -> None:
    pause = threading.Event()
    for _ in range(int(WAIT_SECONDS / 0.05)):
        if not tree.nodes[VILLAGE].exchange.wanted():
            return
        pause.wait(0.05)
    raise AssertionError("the lane fetched nothing")


def test_the_lane_fetches_and_switches_by_itself(told: Tree, port: int) -> None:
    """Started once, the thread brings the edition whole into use."""
    lane = lane_of(told, port, LaneGate())
    lane.start()
    try:
        wait_until_nothing_is_wanted(told)
    finally:
        lane.stop()
    with told.nodes[VILLAGE].database.read() as transaction:
        entries = transaction.entries("matters")
    assert any("改了(演示)".encode() in entry.raw for entry in entries)
    assert lane.rate > 0


def test_the_lane_waits_for_a_round_that_has_something_to_say(told: Tree, port: int) -> None:
    """While a higher lane is busy nothing is asked for; afterwards it goes on by itself."""
    gate = LaneGate()
    lane = lane_of(told, port, gate)
    with gate.round(bytes(2000), following=False):
        lane.start()
        assert not threading.Event().wait(0.5)
        assert 0 == lane.fetched
    try:
        wait_until_nothing_is_wanted(told)
    finally:
        lane.stop()


def test_an_idle_round_does_not_hold_the_lane_back() -> None:
    """Only what has something to say is a higher lane."""
    gate = LaneGate()
    with gate.round(bytes(300), following=False):
        assert not gate.busy
    with gate.round(bytes(300), following=True):
        assert gate.busy
    assert not gate.busy


def test_stopping_ends_an_ask_under_way(told: Tree) -> None:
    """A parent that keeps silent does not keep the program from ending."""
    begun, hold = threading.Event(), threading.Event()

    class Silent:
        length = 4

        @property
        def pieces(self) -> Iterator[bytes]:
            begun.set()
            hold.wait(WAIT_SECONDS)
            yield bytes(4)

    with served(Starlette(routes=[blob_route(lambda raw: Silent())])) as port:
        lane = lane_of(told, port, LaneGate())
        lane.start()
        assert begun.wait(WAIT_SECONDS)
        before = time.monotonic()
        lane.stop()
        assert time.monotonic() - before < 5
        hold.set()
