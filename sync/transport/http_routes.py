"""The parent's end of the HTTP road: one raw-body route."""

from __future__ import annotations

from collections.abc import Callable

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
    StaleAsk,
    StorageError,
    SyncError,
    UnsupportedVersion,
    VoucherRefused,
)
from sync.protocol.limits import ROUND_BYTES_MAX
from sync.transport.http_client import ROUND_PATH

RETRY_AFTER_SECONDS = 30
_STATUS: dict[type[SyncError], int] = {
    NoCertificate: 401,
    BadSignature: 401,
    VoucherRefused: 403,
    StaleAsk: 409,
    LimitExceeded: 413,
    UnsupportedVersion: 426,
    DiskFull: 507,
    DatabaseBusy: 503,
}


def round_route(serve: Callable[[bytes], bytes]) -> Route:
    """Return the route that answers children's rounds with `serve`."""

    async def take_round(request: Request) -> Response:
        body = bytearray()
        try:
            async for part in request.stream():
                body += part
                if len(body) > ROUND_BYTES_MAX:
                    return refusal(LimitExceeded("request"))
        except ClientDisconnect:
            return Response(status_code=400)
        try:
            answer = await run_in_threadpool(serve, bytes(body))
        except SyncError as error:
            return refusal(error)
        return Response(answer)

    return Route(ROUND_PATH, take_round, methods=["POST"])


def refusal(error: SyncError) -> JSONResponse:
    """Return the error as its stable code and sentence; details stay in the log."""
    status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 0)
    if status == 0:
        status = 503 if isinstance(error, StorageError) else 400
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else None
    body = {"code": error.code, "sentence": error.sentence}
    return JSONResponse(body, status_code=status, headers=headers)
