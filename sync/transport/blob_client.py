"""The child's end of the second lane over HTTP: one connection, several asks under way on it.

Asks are written one behind the other (HTTP/1.1 pipelining) and answered in order, so that a slow,
long link is kept busy with little of it unacknowledged: never more than was asked for.
"""

from __future__ import annotations

import contextlib
import io
import socket
from http.client import HTTPException, HTTPResponse
from typing import Any, cast
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from sync.protocol.errors import PeerBusy, PeerTimedOut, PeerUnreachable, StaleAsk
from sync.transport.http_client import CONNECT_SECONDS, SILENCE_SECONDS, RefusedByParent

BLOB_PATH = "/sync/v1/blob"
RECEIVE_BYTES = 16 * 1024
RETRY_SECONDS_MAX = 3600.0
KERNEL_BYTES = 32 * 1024
"""What the system may take in ahead of this program: lost, and sent again, if the power goes. By
itself it would take hundreds of kilobytes."""
_SOCKET_OPTIONS = [
    *HTTPConnection.default_socket_options,
    (socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BYTES),
]


class LaneBusy(PeerBusy):
    """The parent wants to be left alone for `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(str(seconds))
        self.seconds = seconds


class _Shared:
    """A socket whose one buffered reader outlives each answer read from it."""

    def __init__(self, reader: io.BufferedReader) -> None:
        self._reader = reader

    def makefile(self, *_: Any, **__: Any) -> io.BufferedIOBase:
        return cast(io.BufferedIOBase, _Unclosed(self._reader))


class _Unclosed:
    def __init__(self, reader: io.BufferedReader) -> None:
        self.readline = reader.readline
        self.read = reader.read
        self.read1 = reader.read1

    def flush(self) -> None:
        """Nothing is ever written through this end."""

    def close(self) -> None:
        """The reader stays for the next answer."""


class BlobLink:
    """Carries asks to one parent; a fault closes the connection, the next ask makes a new one."""

    def __init__(
        self,
        url: str,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if secure else 80)
        self._kind = HTTPSConnection if secure else HTTPConnection
        self._path = parts.path.rstrip("/") + BLOB_PATH
        self._connect_seconds = connect_seconds
        self._silence_seconds = silence_seconds
        self._socket: socket.socket | None = None
        self._reader: io.BufferedReader | None = None

    def send(self, ask: bytes) -> None:
        """Write one ask behind those under way. Raises: PeerUnreachable, PeerTimedOut."""
        head = f"POST {self._path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Length: {len(ask)}\r\n"
        with self._faults():
            self._open().sendall(head.encode("ascii") + b"\r\n" + ask)

    def answer(self) -> Answer:
        """Return the head of the next answer, its body to be read to the end.

        Raises: PeerUnreachable, PeerTimedOut, LaneBusy, StaleAsk, RefusedByParent.
        """
        with self._faults():
            if self._reader is None:
                raise PeerUnreachable("no connection")
            response = HTTPResponse(cast(socket.socket, _Shared(self._reader)), method="POST")
            response.begin()
            if response.status == 200:
                return Answer(self, response)
            body = response.read(2000).decode("utf-8", "replace")
        self.close()
        if response.status in (429, 503):
            raise LaneBusy(_seconds(response.getheader("Retry-After", "")))
        if response.status == 409:
            raise StaleAsk("said the parent")
        raise RefusedByParent(f"{response.status} {body[:200]}")

    def abort(self) -> None:
        """End from another thread what the calling one waits for; it then closes by itself."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Break the connection off; what is under way on it is lost."""
        if self._reader is not None:
            with contextlib.suppress(OSError):
                self._reader.close()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._reader = self._socket = None

    def _open(self) -> socket.socket:
        if self._socket is None:
            connection = self._kind(
                self._host,
                self._port,
                timeout=self._connect_seconds,
                socket_options=_SOCKET_OPTIONS,
            )
            connection.connect()
            found = connection.sock
            assert found is not None, "connected"
            found.settimeout(self._silence_seconds)
            self._socket = found
            self._reader = cast(io.BufferedReader, found.makefile("rb", RECEIVE_BYTES))
        return self._socket

    @contextlib.contextmanager
    def _faults(self) -> Any:
        try:
            yield
        except TimeoutError as error:
            self.close()
            raise PeerTimedOut(type(error).__name__) from error
        except (OSError, HTTPException, HTTPError) as error:
            self.close()
            raise PeerUnreachable(type(error).__name__) from error


class Answer:
    """A good answer whose bytes are still coming."""

    def __init__(self, link: BlobLink, response: HTTPResponse) -> None:
        self._link = link
        self._response = response

    def read(self) -> bytes:
        """Return what has come since, waiting for something; nothing at the end.

        Raises: PeerUnreachable (broken off before the end), PeerTimedOut (no progress).
        """
        with self._link._faults():
            data = self._response.read1(RECEIVE_BYTES)
            if not data and self._response.length:
                raise ConnectionResetError
        return data


def _seconds(header: str) -> float:
    return min(float(header), RETRY_SECONDS_MAX) if header.isdecimal() else 0.0
