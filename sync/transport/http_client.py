"""The child's end of the HTTP road: one POST per round over one kept connection."""

from __future__ import annotations

import io
from collections.abc import Iterator

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as SilenceError
from urllib3.util import SKIP_HEADER

from sync.protocol.errors import (
    PeerBusy,
    PeerProtocolError,
    PeerTimedOut,
    PeerUnreachable,
    VersionsApart,
)
from sync.protocol.limits import ROUND_BYTES_MAX
from sync.transport import squeeze
from sync.transport.squeeze import Split

ROUND_PATH = "/r1"
"""Short on purpose: on an idle link the HTTP headers would outweigh what they carry."""
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 60.0
"""How long the parent may make no progress before the round counts as unanswered."""
PIECE_BYTES = 8 * 1024
"""The request goes out in such pieces; each has `CONNECT_SECONDS`, the whole has no limit."""
ANSWER_PIECE_BYTES = 64 * 1024
REQUEST_HEADERS_BYTES, ANSWER_HEADERS_BYTES = 65, 40
"""About what method, path, host and lengths take; for the daily account only."""
RETRY_AFTER_SECONDS_MAX = 3600.0
UNSQUEEZED_ROUNDS = 288
"""A parent that does not know squeezed heads is sent whole ones for about a day."""
_GONE = 409
_MALFORMED = 400
_APART = 426
_BUSY = (429, 503)


class RefusedByParent(PeerProtocolError):
    """The parent answered that the request cannot be taken; `code` of its reason in `detail`."""

    code = "refused_by_parent"
    sentence = "上级没有接受本站的请求。办件都已保存在本站,请联系县运维。"


class HttpLink:
    """Carries requests to one parent, and keeps what the next one is squeezed against."""

    def __init__(
        self,
        url: str,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self._url = url.rstrip("/") + ROUND_PATH
        self._context = b""
        self._unsqueezed = 0
        self.sent = self.received = 0
        """Bytes of bodies and headers so far."""
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=1,
            retries=False,
            blocksize=PIECE_BYTES,
            timeout=urllib3.Timeout(connect=connect_seconds, read=silence_seconds),
        )

    def round(self, request: bytes) -> Iterator[bytes]:
        """Send one request and yield the parent's answer as it arrives.

        Bounds: `limits.ROUND_BYTES_MAX`.
        Raises: PeerUnreachable, PeerTimedOut, PeerBusy, VersionsApart, RefusedByParent.
        """
        parts, context = squeeze.split(request), self._context
        self._context = squeeze.NO_CONTEXT  # until the answer is there the ends may not agree
        small = None if self._unsqueezed else squeeze.request(request, context)
        self._unsqueezed = max(self._unsqueezed - 1, 0)
        try:
            response = self._post(small or request)
            if response.status == _GONE and context:
                response.drain_conn()
                context = squeeze.NO_CONTEXT
                response = self._post(squeeze.request(request, context) or request)
            if response.status == _MALFORMED and small is not None:
                response.drain_conn()
                self._unsqueezed = UNSQUEEZED_ROUNDS
                response = self._post(request)
            try:
                yield from self._answer(response, parts, context)
            finally:
                response.release_conn()
        except NewConnectionError as error:  # a timeout to urllib3, but nobody kept silent
            raise PeerUnreachable(type(error).__name__) from error
        except SilenceError as error:
            raise PeerTimedOut(type(error).__name__) from error
        except HTTPError as error:
            raise PeerUnreachable(type(error).__name__) from error

    def alive(self) -> bool:
        """Return whether anybody answers at the other end; says and takes nothing."""
        try:
            response = self._post(b"")
            response.drain_conn()
            response.release_conn()
        except HTTPError:
            return False
        return response.status < 500

    def _post(self, body: bytes) -> urllib3.BaseHTTPResponse:
        headers = {
            "User-Agent": SKIP_HEADER,
            "Accept-Encoding": SKIP_HEADER,
            "Content-Length": str(len(body)),
        }
        self.sent += len(body) + REQUEST_HEADERS_BYTES
        self.received += ANSWER_HEADERS_BYTES
        return self._pool.request(
            "POST",
            self._url,
            # Not as bytes: those have to be out within one timeout, however slow the line is.
            body=io.BytesIO(body),
            headers=headers,
            preload_content=False,
            decode_content=False,
            redirect=False,
        )

    def _answer(
        self, response: urllib3.BaseHTTPResponse, parts: Split | None, context: bytes
    ) -> Iterator[bytes]:
        if response.status in _BUSY:
            raise PeerBusy(str(response.status), retry_after=_seconds(response))
        if response.status != 200:
            said = response.read(200).decode("utf-8", "replace")
            if response.status == _APART:
                raise VersionsApart(said)
            raise RefusedByParent(f"{response.status} {said}")
        head = parts.head if parts is not None else b""
        pieces = self._counted(_pieces(response))
        seen = bytearray()
        for piece in _opened(pieces, context + head):
            if len(seen) < squeeze.FRONT_BYTES:
                seen += piece
            yield piece
        answered = squeeze.split(bytes(seen))
        if parts is not None and answered is not None:
            self._context = head + answered.head

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.received += len(piece)
            yield piece

    def close(self) -> None:
        """Close the connection."""
        self._pool.clear()


def _pieces(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Yield the body as it arrives. Raises: RefusedByParent (it does not end)."""
    total = 0
    while piece := response.read1(ANSWER_PIECE_BYTES):
        total += len(piece)
        if total > ROUND_BYTES_MAX:
            raise RefusedByParent("answer too large")
        yield piece


def _opened(pieces: Iterator[bytes], context: bytes) -> Iterator[bytes]:
    """Yield a body with its head as it was before it was squeezed."""
    front, is_open = b"", False
    for piece in pieces:
        front = piece if is_open else front + piece
        if not is_open and front[:1] in squeeze.MARKS:
            found = squeeze.open_answer(front, context)
            if found is None:
                continue
            front = found.head + front[found.rest_at :]
        is_open = True
        yield front


def _seconds(response: urllib3.BaseHTTPResponse) -> float:
    """Return what Retry-After says, in seconds and within reason; a date counts as nothing said."""
    said = response.headers.get("Retry-After", "")
    return min(float(said), RETRY_AFTER_SECONDS_MAX) if said.isdecimal() else 0.0
