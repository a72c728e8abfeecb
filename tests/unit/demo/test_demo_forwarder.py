"""The forwarder against real sockets: what a cut and a restored road look like from both ends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from demo.forwarder import Forwarder, Meter
from demo.ports import free_ports
from demo.problems import DemoError

HOST = "127.0.0.1"
SECONDS = 5.0


class Echo:
    """A parent that answers every line with the same line."""

    def __init__(self) -> None:
        self._listening = socket.create_server((HOST, 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    @staticmethod
    def _answer(connection: socket.socket) -> None:
        with connection:
            while line := connection.recv(4096):
                connection.sendall(line)


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def forwarder() -> Iterator[Forwarder]:
    made = Forwarder()
    yield made
    made.stop()


def call(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=SECONDS)


def ask(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    return connection.recv(4096)


def broken_off(connection: socket.socket) -> bool:
    try:
        return connection.recv(10) == b""
    except ConnectionResetError:
        return True


def test_an_open_link_carries_bytes_both_ways(forwarder: Forwarder, echo: Echo) -> None:
    """What a child sends arrives, and so does the answer."""
    link = forwarder.add("a-b", "甲 → 乙", free_ports(1, 26000)[0], echo.port)
    with call(link.port) as connection:
        assert ask(connection, b"hello") == b"hello"


def test_a_cut_link_breaks_open_connections_and_refuses_new_ones(
    forwarder: Forwarder, echo: Echo
) -> None:
    """A cut is felt at once by who is connected and by who calls."""
    link = forwarder.add("a-b", "甲 → 乙", free_ports(1, 26000)[0], echo.port)
    with call(link.port) as connection:
        assert ask(connection, b"one") == b"one"
        forwarder.cut("a-b")
        assert broken_off(connection)
    with pytest.raises(ConnectionRefusedError):
        call(link.port)
    assert link.is_cut


def test_a_restored_link_answers_on_the_same_port(forwarder: Forwarder, echo: Echo) -> None:
    """The child need not be told anything, however often the road is cut."""
    link = forwarder.add("a-b", "甲 → 乙", free_ports(1, 26000)[0], echo.port)
    for text in (b"one", b"two", b"three"):
        forwarder.cut("a-b")
        forwarder.cut("a-b")
        forwarder.restore("a-b")
        with call(link.port) as connection:
            assert ask(connection, text) == text
    assert not link.is_cut


def test_a_link_outlives_its_parent_being_down(forwarder: Forwarder, echo: Echo) -> None:
    """While the parent does not listen, calls are broken off; the link stays open."""
    nobody = free_ports(1, 27000)[0]
    link = forwarder.add("a-b", "甲 → 乙", free_ports(1, 26000)[0], nobody)
    with call(link.port) as connection:
        assert connection.recv(10) == b""
    link.target_port = echo.port
    with call(link.port) as connection:
        assert ask(connection, b"back") == b"back"


def test_a_port_in_use_is_one_sentence(forwarder: Forwarder, echo: Echo) -> None:
    """A taken port is said plainly, with the port."""
    with pytest.raises(DemoError, match=f"端口 {echo.port} 被别的程序占用"):
        forwarder.add("a-b", "甲 → 乙", echo.port, echo.port)


def test_cutting_one_link_leaves_the_others(forwarder: Forwarder, echo: Echo) -> None:
    """Each link is cut alone."""
    first, second = free_ports(2, 26000)
    forwarder.add("a-b", "甲 → 乙", first, echo.port)
    forwarder.add("c-b", "丙 → 乙", second, echo.port)
    forwarder.cut("a-b")
    with call(second) as connection:
        assert ask(connection, b"still") == b"still"


def test_the_meter_counts_by_exchange() -> None:
    """Request and answer are one exchange, in however many pieces they came."""
    meter = Meter()
    for size, upward in ((10, True), (5, True), (20, False), (1, False), (7, True), (3, False)):
        meter.count(size, upward)
    assert meter.complete() == [36]
    meter.count(1, True)
    assert meter.complete() == [36, 10]
    assert meter.complete(after=1) == [10]
    assert meter.complete(after=3) == []
    assert meter.total == 47


def test_the_meter_goes_on_counting_when_old_exchanges_are_dropped() -> None:
    """However long a link lives, the newest exchanges can be told from those before them."""
    meter = Meter()
    for _ in range(500):
        meter.count(1, True)
        meter.count(1, False)
    before = meter.begun
    for _ in range(3):
        meter.count(5, True)
        meter.count(6, False)
    assert meter.complete(before) == [11, 11]
