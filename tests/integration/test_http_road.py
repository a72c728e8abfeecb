"""The HTTP road between two real nodes: few bytes when idle, progress under cuts and slow lines."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from demo.forwarder import Forwarder
from node.serving import Address, bind
from sync.engine import homes
from sync.protocol import frames
from sync.protocol.errors import PeerBusy, PeerTimedOut, VersionsApart
from sync.transport.admission import Admission
from sync.transport.http_client import ROUND_PATH, HttpLink, RefusedByParent
from sync.transport.http_routes import round_route
from tests.integration.tree_world import (
    CENTRAL,
    DISTRICT,
    TOWNSHIP,
    TOWNSHIP_2,
    VILLAGE,
    Tree,
    without_notices,
)

IDLE_BYTES_MAX = 400
MOVE_BYTES_MAX = 1_323
"""An idle round as measured, and a thousand bytes."""
WAIT_SECONDS = 30.0


@contextmanager
def served(*routes: Route) -> Iterator[int]:
    """Serve routes as the programs do and give the port."""
    listening = bind(Address("127.0.0.1", 0))
    port: int = listening.getsockname()[1]
    config = uvicorn.Config(
        Starlette(routes=list(routes)), http="h11", ws="none", loop="asyncio", lifespan="off",
        log_config=None, access_log=False, server_header=False, date_header=False,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
    thread.start()
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(WAIT_SECONDS)
        listening.close()


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Tree]:
    """Central and one district under it, not acquainted yet."""
    tree = Tree.founded(tmp_path)
    tree.publish(without_notices())
    tree.enrol(DISTRICT)
    yield tree
    for node in tree.nodes.values():
        node.close()


def one_round(tree: Tree, link: HttpLink) -> bool:
    """Make one round of the district over a link."""
    tree.now_ms += 1000
    rounds = tree.nodes[DISTRICT].rounds
    return rounds.take_answer(link.round(rounds.begin())).more


def settle(tree: Tree, link: HttpLink) -> None:
    """Make rounds until there is nothing to say."""
    for _ in range(20):
        if not one_round(tree, link):
            return
    raise AssertionError("it never comes to rest")


def events_at_central(tree: Tree) -> int:
    """Return how many events central holds."""
    with tree.central.database.read() as transaction:
        return transaction.event_count()


def test_an_idle_round_takes_one_request_of_four_hundred_bytes(pair: Tree) -> None:
    """HTTP headers of both ways included, counted on the wire between two real ends."""
    with served(round_route(pair.central.rounds.open)) as port:
        forwarder = Forwarder()
        try:
            road = forwarder.add("up", "up", free_port(), port)
            link = HttpLink(f"http://127.0.0.1:{road.port}")
            settle(pair, link)
            one_round(pair, link)
            before, begun = road.meter.total, road.meter.begun
            for _ in range(3):
                assert not one_round(pair, link)
            assert road.meter.begun - begun == 3
            assert (road.meter.total - before) / 3 <= IDLE_BYTES_MAX
            link.close()
        finally:
            forwarder.stop()


def test_a_station_that_moves_pays_little_more_than_an_idle_round(tmp_path: Path) -> None:
    """Its proofs, its new parent's and all receipts: counted on the wire, with HTTP's headers."""
    tree = Tree.founded(tmp_path)
    tree.publish(without_notices())
    tree.enrol(DISTRICT, TOWNSHIP, TOWNSHIP_2, VILLAGE)
    tree.settle()
    tree.take_in(VILLAGE, "CG-MZ-0101")
    tree.settle()
    village = tree.nodes[VILLAGE]
    with village.database.write() as transaction:
        homes.attach_to(village.core, transaction, tree.now_ms, TOWNSHIP_2)
    forwarder = Forwarder()
    try:
        with served(round_route(tree.nodes[TOWNSHIP_2].rounds.open)) as port:
            road = forwarder.add("up", "up", free_port(), port)
            link = HttpLink(f"http://127.0.0.1:{road.port}")
            village.rounds.take_answer(link.round(village.rounds.begin()))
            assert road.meter.begun == 1
            assert road.meter.total <= MOVE_BYTES_MAX
            link.close()
    finally:
        forwarder.stop()
    with village.database.read() as transaction:
        parent = transaction.parent_link()
    assert parent is not None
    assert (TOWNSHIP_2, "ok") == (parent.station, parent.verdict)
    tree.close()


def test_a_parent_that_forgot_the_last_round_is_sent_the_whole(pair: Tree) -> None:
    """A restarted parent knows no context: it says so, took nothing, and the round goes on."""
    link = None
    for _ in range(2):
        with served(round_route(pair.central.rounds.open)) as port:
            if link is None:
                link = HttpLink(f"http://127.0.0.1:{port}")
            else:
                link._url = f"http://127.0.0.1:{port}{ROUND_PATH}"
            settle(pair, link)
            sent = link.sent
            one_round(pair, link)
            assert link.sent - sent < IDLE_BYTES_MAX  # squeezed again
    assert link is not None
    link.close()


def test_frames_are_committed_while_the_request_is_still_coming(pair: Tree) -> None:
    """What arrived before a cut is kept, and nothing waits for the end of a slow request."""
    district = pair.nodes[DISTRICT]
    with served(round_route(pair.central.rounds.open)) as port:
        request = district.rounds.begin()
        whole = list(frames.decode_stream(request))
        assert whole[-1].type == frames.EVENTS
        before = events_at_central(pair)
        with socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS) as raw:
            head = f"POST {ROUND_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(request) + 99}"
            raw.sendall(head.encode() + b"\r\n\r\n" + request)
            waited = threading.Event()
            for _ in range(300):
                if events_at_central(pair) > before:
                    break
                waited.wait(0.1)
            assert events_at_central(pair) > before
        # The line is cut here; the next round fetches the receipt and sends nothing twice.
        link = HttpLink(f"http://127.0.0.1:{port}")
        settle(pair, link)
        link.close()
    with district.database.read() as transaction:
        assert not transaction.logs_unsent()


def test_an_answer_is_taken_as_it_arrives(pair: Tree) -> None:
    """Frames before the cut of an answer are committed before the cut is even noticed."""
    district = pair.nodes[DISTRICT]
    answer = pair.central.rounds.serve(district.rounds.begin())

    def parts() -> Iterator[bytes]:
        yield answer[: len(answer) - 1]
        with district.database.read() as transaction:
            link = transaction.parent_link()
        assert link is not None
        assert link.incarnation
        raise PeerTimedOut("cut")

    with pytest.raises(PeerTimedOut):
        district.rounds.take_answer(parts())


class _Stuck:
    """A request at the engine that ends when the test says so."""

    def __init__(self, go_on: threading.Event, entered: threading.Semaphore) -> None:
        self._go_on = go_on
        self._entered = entered

    def feed(self, data: bytes) -> None:
        """Take anything."""

    def finish(self) -> bytes:
        """Wait for the test."""
        self._entered.release()
        assert self._go_on.wait(WAIT_SECONDS)
        return b"done"

    def close(self) -> None:
        """Do nothing."""


def test_beyond_its_places_a_parent_sends_rounds_away_early(pair: Tree) -> None:
    """A large request beyond the bound is refused with Retry-After before its body is read."""
    go_on, entered = threading.Event(), threading.Semaphore(0)
    admission = Admission(rounds_max=2, small_places=1, queue_max=1, queue_seconds=WAIT_SECONDS)
    route = round_route(lambda: _Stuck(go_on, entered), admission=admission)
    with served(route) as port:
        links = [HttpLink(f"http://127.0.0.1:{port}") for _ in range(3)]
        got: list[bytes] = []
        small = [
            threading.Thread(target=lambda own: got.extend(own.round(b"x")), args=(link,))
            for link in links
        ]
        large = HttpLink(f"http://127.0.0.1:{port}")
        try:
            for one in small[:2]:
                one.start()
                assert entered.acquire(timeout=WAIT_SECONDS)
            with pytest.raises(PeerBusy) as busy:
                list(large.round(b"x" * 100_000))
            assert busy.value.retry_after >= 10
            small[2].start()  # waits in the queue: nobody sends an idle round away at once
        finally:
            go_on.set()
            for one in small:
                if one.ident is not None:
                    one.join(WAIT_SECONDS)
        assert got == [b"done"] * 3
        for link in [*links, large]:
            link.close()


def test_a_request_without_progress_is_given_up_and_one_that_creeps_is_not(pair: Tree) -> None:
    """Silence ends a request; slowness does not."""
    route = round_route(pair.central.rounds.open, silence_seconds=0.5)
    request = pair.nodes[DISTRICT].rounds.begin()
    with served(route) as port:
        assert b" 408 " in _slowly(port, request, pieces=1, whole=False)
        assert b" 200 " in _slowly(port, request, pieces=6, whole=True)


def _slowly(port: int, request: bytes, *, pieces: int, whole: bool) -> bytes:
    """Send a request piece by piece with pauses and return the first line of what comes back."""
    pausing = threading.Event()
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS) as raw:
        head = f"POST {ROUND_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(request)}\r\n\r\n"
        raw.sendall(head.encode())
        step = len(request) // pieces + 1
        sent = request if whole else request[:-1]
        for at in range(0, len(sent), step):
            raw.sendall(sent[at : at + step])
            pausing.wait(0.2)
        return raw.recv(64)


def test_what_is_no_round_is_refused_with_a_code(pair: Tree) -> None:
    """Anybody may call; nobody gets further than a code and a sentence."""
    with served(round_route(pair.central.rounds.open)) as port:
        link = HttpLink(f"http://127.0.0.1:{port}")
        with pytest.raises(RefusedByParent) as refused:
            list(link.round(b"S" + bytes(40)))
        assert "409" in str(refused.value)
        with pytest.raises(RefusedByParent) as malformed:
            list(link.round(b"nonsense"))
        assert "malformed" in str(malformed.value)
        link.close()
    assert CENTRAL in pair.nodes


def test_a_parent_too_far_apart_says_so_and_is_not_taken_for_silent(pair: Tree) -> None:
    """The child learns that the versions are apart; the parent counts whom it sent away."""
    with served(round_route(pair.central.rounds.open)) as port:
        link = HttpLink(f"http://127.0.0.1:{port}")
        request = pair.nodes[DISTRICT].rounds.begin()
        with pytest.raises(VersionsApart) as refused:
            list(link.round(request[:3] + b"\7" + request[4:]))
        assert "升级较旧的一方" in refused.value.sentence
        link.close()
    assert 1 == pair.counter(CENTRAL, "rounds_refused/unsupported_version")
