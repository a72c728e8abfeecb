"""The person of the story before a node that is refused, slow or killed: never pressed twice."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs

import pytest

from demo.browser import Browser, NoAnswerError, wait_until
from demo.children import Children
from demo.interrupts import Interrupts
from demo.person import Person, refused_if_error
from demo.places import PLACES
from demo.ports import free_ports
from demo.problems import CheckFailedError, NotInTimeError
from demo.station import Station

FORM = """<form method="post" action="/case/acts/save"><input type="hidden" name="form_key"
value="k"><input name="note"></form>"""


class Node(BaseHTTPRequestHandler):
    """A page with one act, which is offered until it is saved; may break off before answering."""

    saved: ClassVar[list[str]] = []
    break_off_before: ClassVar[int] = 0
    break_off_after: ClassVar[int] = 0
    headers_seen: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        self.headers_seen.append(dict(self.headers))
        if self.path == "/refused":
            body = '<p>页</p><div role="alert">没有保存,<b>请</b>补上。</div>'
            self._answer(422, body)
        else:
            self._answer(200, "已保存" if self.saved else FORM)

    def do_POST(self) -> None:
        self.headers_seen.append(dict(self.headers))
        typed = self.rfile.read(int(self.headers["Content-Length"])).decode()
        node = type(self)
        if node.break_off_before:
            node.break_off_before -= 1
            self._break_off()
            return
        self.saved.append(parse_qs(typed)["note"][0])
        if node.break_off_after:
            node.break_off_after -= 1
            self._break_off()
            return
        self.send_response(303)
        self.send_header("Location", "/case?done=save")
        self.send_header("Set-Cookie", "yizhan_X=token; HttpOnly; SameSite=strict")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return

    def _break_off(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(self, status: int, body: str) -> None:
        raw = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    Node.saved, Node.headers_seen = [], []
    Node.break_off_before = Node.break_off_after = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Node)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    port = int(server.server_address[1])
    station = Station(PLACES[4], tmp_path / "X", Children(Interrupts()), port, port + 1)
    yield Person(station, "X-01")
    server.shutdown()
    server.server_close()


def test_a_press_follows_to_the_next_page_with_its_cookie(person: Person) -> None:
    """Origin is sent as a browser sends it, and the session cookie is kept."""
    after = person.press("/case", "/acts/save", {"note": "a"})
    assert after.page.says("已保存")
    assert after.url.endswith("/case?done=save")
    assert Node.headers_seen[1]["Origin"] == person.station.url
    assert Node.headers_seen[2]["Cookie"] == "yizhan_X=token"


def test_what_was_saved_without_an_answer_is_not_pressed_again(person: Person) -> None:
    """The node died after saving: the page shows it, so nothing is pressed."""
    Node.break_off_after = 1
    assert person.press("/case", "/acts/save", {"note": "a"}).page.says("已保存")
    assert Node.saved == ["a"]


def test_what_was_not_saved_is_pressed_again(person: Person) -> None:
    """The node died before saving: the page still offers the act."""
    Node.break_off_before = 2
    person.press("/case", "/acts/save", {"note": "a"})
    assert Node.saved == ["a"]


def test_a_refusal_is_told_with_the_sentence_of_the_page(person: Person) -> None:
    """What the alert says is what the report says."""
    answer = person.browser.get("/refused")
    with pytest.raises(CheckFailedError, match="回答 422:没有保存,请补上。"):
        refused_if_error(answer)


def test_a_sentence_that_never_comes_is_named(person: Person) -> None:
    """The failure names the page and what is missing on it."""
    with pytest.raises(NotInTimeError, match=r"/case 上没有“绿色”"):
        person.sees("/case", "绿色", seconds=0.3)


def test_a_node_that_is_down_is_no_answer() -> None:
    """Nobody listening is told apart from a refusal."""
    with pytest.raises(NoAnswerError):
        Browser(f"http://127.0.0.1:{free_ports(1, 28000)[0]}").get("/")


def test_waiting_looks_again_until_it_is_there() -> None:
    """A node that does not answer at first is asked again."""
    asked = []

    def look() -> str | None:
        asked.append(1)
        if len(asked) == 1:
            raise NoAnswerError("down")
        return "there" if len(asked) == 3 else None

    assert wait_until(look, 5, "it") == "there"
    assert len(asked) == 3
