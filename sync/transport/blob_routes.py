"""The parent's end of the second lane over HTTP: one route, bytes streamed from the store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sync.protocol.errors import DatabaseBusy, LimitExceeded, SyncError
from sync.protocol.limits import BLOB_REQUEST_BYTES_MAX
from sync.transport.blob_client import BLOB_PATH
from sync.transport.http_routes import refusal

SERVED_AT_ONCE_MAX = 32
"""Answers under way; beyond that a child is told to come back. Rounds are never in this count."""


class Serving(Protocol):
    """An answer on its way: its length in bytes, and the bytes."""

    @property
    def length(self) -> int: ...

    @property
    def pieces(self) -> Iterator[bytes]: ...


def blob_route(
    serve: Callable[[bytes], Serving], *, at_once_max: int = SERVED_AT_ONCE_MAX
) -> Route:
    """Return the route that answers children's asks with `serve`."""
    places = threading.BoundedSemaphore(at_once_max)

    async def take_ask(request: Request) -> Response:
        body = bytearray()
        try:
            async for part in request.stream():
                body += part
                if len(body) > BLOB_REQUEST_BYTES_MAX:
                    return refusal(LimitExceeded("ask"))
        except ClientDisconnect:
            return Response(status_code=400)
        if not places.acquire(blocking=False):
            return refusal(DatabaseBusy("asks under way"))
        try:
            served = await run_in_threadpool(serve, bytes(body))
        except SyncError as error:
            places.release()
            return refusal(error)
        except BaseException:
            places.release()
            raise
        return _Streamed(served, places)

    return Route(BLOB_PATH, take_ask, methods=["POST"])


class _Streamed(StreamingResponse):
    """Gives its place back however the sending ends."""

    def __init__(self, served: Serving, places: threading.BoundedSemaphore) -> None:
        super().__init__(served.pieces, headers={"Content-Length": str(served.length)})
        self._places = places

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        try:
            await super().__call__(scope, receive, send)  # type: ignore[arg-type]
        finally:
            self._places.release()
