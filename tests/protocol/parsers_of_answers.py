"""What a child reads of its parent's HTTP answers, whatever comes out of the socket."""

from __future__ import annotations

import contextlib
import functools
import socket
import threading
from random import Random

from sync.protocol.errors import SyncError
from sync.transport.blob_client import BlobLink
from sync.transport.http_client import HttpLink
from tests.protocol import wire_samples
from tests.protocol.fuzzing import mutated, seeded
from tests.protocol.parsers import Target

SECONDS = 5.0
_HEADS = [
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 503 Busy\r\n", b"HTTP/1.1 410 Gone\r\n", b"HTTP/1.0 200\r\n",
    b"HTTP/1.1 99999 OK\r\n", b"HTTP/1.1 \xb2\xb2\xb2 OK\r\n", b"ICY 200 OK\r\n", b"\r\n", b"",
    b"HTTP/1.1 301 X\r\nLocation: http://127.0.0.1:1/\r\n", b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 429 Later\r\n",
]  # fmt: skip
_LINES = [
    b"Content-Length: 9\r\n", b"Content-Length: -1\r\n", b"Content-Length: \xb2\r\n",
    b"Content-Length: " + b"9" * 5000 + b"\r\n", b"Transfer-Encoding: chunked\r\n", b"X\r\n",
    b"Retry-After: 9\r\n", b"Retry-After: \xb2\r\n", b"Retry-After: " + b"9" * 5000 + b"\r\n",
    b"Content-Encoding: gzip\r\n", b"A: " + b"a" * 70_000 + b"\r\n", b"A: b\r\n" * 150, b"\0\r\n",
]  # fmt: skip
_BODIES = [b"", b"9\r\nabc", b"ffffffffffffffff\r\nabc", b"-1\r\n", b"\xb2\r\n", b"0\r\n\r\n"]


class Mouth:
    """A server that says the bytes it is given to whoever calls, and hangs up."""

    def __init__(self) -> None:
        self.says = b""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            caller, _ = self._socket.accept()
            with caller, contextlib.suppress(OSError):
                caller.settimeout(SECONDS)
                caller.recv(65_536)
                caller.sendall(self.says)
                caller.shutdown(socket.SHUT_WR)


@functools.cache
def mouth() -> Mouth:
    """Return the one of this process."""
    return Mouth()


def _answer(chance: Random) -> bytes:
    """Return an answer made of pieces that good and bad servers say."""
    lines = b"".join(chance.choice(_LINES) for _ in range(chance.randrange(4)))
    body = chance.choice([*_BODIES, wire_samples.golden("answer_stream")])
    return chance.choice(_HEADS) + lines + b"\r\n" + body


def _round(raw: bytes) -> None:
    mouth().says = raw
    link = HttpLink(mouth().url)
    try:
        for _ in link.round(wire_samples.golden("request_stream")):
            pass
    finally:
        link.close()


def _ask(raw: bytes) -> None:
    mouth().says = raw
    link = BlobLink(mouth().url)
    try:
        link.send(wire_samples.golden("ask"))
        answer = link.answer()
        while answer.read():
            pass
    finally:
        link.close()


_good = b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n" + wire_samples.golden("answer_stream")[:40]
_inputs = mutated(_good) | seeded(_answer)
ANSWERS: dict[str, Target] = {
    "sync.transport.http_client.HttpLink.round": Target(_inputs, _round, (SyncError,)),
    "sync.transport.blob_client.BlobLink.answer": Target(_inputs, _ask, (SyncError,)),
}
