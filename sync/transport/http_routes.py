"""The parent's end of the HTTP road: one raw-body route, fed to the engine frame by frame."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sync.protocol.errors import (
    BadSignature,
    DatabaseBusy,
    DiskFull,
    LimitExceeded,
    NoCertificate,
    PeerBusy,
    PeerTimedOut,
    StaleAsk,
    StorageError,
    SyncError,
    UnsupportedVersion,
    VoucherRefused,
)
from sync.protocol.limits import ROUND_BYTES_MAX
from sync.transport import squeeze
from sync.transport.admission import Admission
from sync.transport.contexts import Contexts
from sync.transport.http_client import ROUND_PATH
from sync.transport.squeeze import UnknownContext

RETRY_AFTER_SECONDS = 30
SILENCE_SECONDS = 60.0
"""A request that makes no progress for so long is given up; one that creeps is not."""
REQUEST_SECONDS_MAX = 900.0
"""Nor is one that creeps for ever: no place is held longer than this."""
_STATUS: dict[type[SyncError], int] = {
    NoCertificate: 401,
    BadSignature: 401,
    VoucherRefused: 403,
    StaleAsk: 409,
    PeerTimedOut: 408,
    UnknownContext: 409,
    LimitExceeded: 413,
    UnsupportedVersion: 426,
    PeerBusy: 503,
    DiskFull: 507,
    DatabaseBusy: 503,
}


class Served(Protocol):
    """One request at the parent: fed as it arrives, each frame committed on its own."""

    def feed(self, data: bytes) -> None: ...

    def finish(self) -> bytes: ...

    def close(self) -> None: ...


class RoundRoute:
    """What becomes of one child's request."""

    def __init__(
        self, begin: Callable[[], Served], admission: Admission, silence_seconds: float
    ) -> None:
        self._begin = begin
        self._admission = admission
        self._silence = silence_seconds
        self._contexts = Contexts()

    async def take(self, request: Request) -> Response:
        """Answer a round, or say early and cheaply that it has to come back later."""
        try:
            async with self._admission.place(_length(request)):
                return Response(await self._served(request))
        except ClientDisconnect:
            return Response(status_code=400)
        except SyncError as error:
            return refusal(error)

    async def _served(self, request: Request) -> bytes:
        served, front = self._begin(), _Front(self._contexts)
        try:
            async with asyncio.timeout(REQUEST_SECONDS_MAX):
                async for part in self._parts(request):
                    if plain := front.take(part):
                        await run_in_threadpool(served.feed, plain)
            await run_in_threadpool(served.feed, front.end())
            answer = await run_in_threadpool(served.finish)
        except TimeoutError as error:
            raise PeerTimedOut("request without end") from error
        finally:
            await run_in_threadpool(served.close)
        return front.answer(answer)

    async def _parts(self, request: Request) -> AsyncIterator[bytes]:
        total, stream = 0, request.stream()
        while True:
            try:
                part = await asyncio.wait_for(anext(stream), self._silence)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                raise PeerTimedOut("request without progress") from error
            total += len(part)
            if total > ROUND_BYTES_MAX:
                raise LimitExceeded("request")
            yield part


class _Front:
    """The front of a request: opened if it was squeezed, kept for what comes after it."""

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts
        self._context = b""
        self._held = b""
        self._seen = bytearray()
        self._squeezed = False
        self._is_open = False

    def take(self, part: bytes) -> bytes:
        """Return what may be fed to the engine by now. Raises: UnknownContext, Malformed."""
        if not self._is_open:
            self._held += part
            part = self._open()
        if len(self._seen) < squeeze.FRONT_BYTES:
            self._seen += part
        return part

    def _open(self) -> bytes:
        held = self._held
        if not held:
            return b""
        if held[:1] in squeeze.MARKS:
            found = squeeze.open_request(held, self._contexts)
            if found is None:
                return b""
            self._context, self._squeezed = found.context, True
            held = found.head + held[found.rest_at :]
        self._held, self._is_open = b"", True
        return held

    def end(self) -> bytes:
        """Return what is left over: a squeezed head that was cut is fed as it is, and refused."""
        return self._held

    def answer(self, answer: bytes) -> bytes:
        """Return the answer as it is sent, and keep what the next request is squeezed against."""
        asked, parts = squeeze.split(bytes(self._seen)), squeeze.split(answer)
        if asked is None or parts is None:
            return answer
        self._contexts.keep(asked.head + parts.head, instead_of=self._context)
        if not self._squeezed:
            return answer
        return squeeze.answer(answer, self._context, asked.head)


def round_route(
    begin: Callable[[], Served],
    *,
    admission: Admission | None = None,
    silence_seconds: float = SILENCE_SECONDS,
) -> Route:
    """Return the route that answers children's rounds; `begin` opens one at the engine."""
    taking = RoundRoute(begin, admission or Admission(), silence_seconds)
    return Route(ROUND_PATH, taking.take, methods=["POST"])


def _length(request: Request) -> int:
    said = request.headers.get("content-length", "")
    return int(said) if said.isdecimal() else ROUND_BYTES_MAX


def refusal(error: SyncError) -> JSONResponse:
    """Return the error as its stable code and sentence; details stay in the log."""
    status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 0)
    if status == 0:
        status = 503 if isinstance(error, StorageError) else 400
    wait = RETRY_AFTER_SECONDS
    if isinstance(error, PeerBusy) and error.retry_after:
        wait = math.ceil(error.retry_after)
    headers = {"Retry-After": str(wait)} if status == 503 else None
    body = {"code": error.code, "sentence": error.sentence}
    return JSONResponse(body, status_code=status, headers=headers)
