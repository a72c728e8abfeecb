"""The guard before every page: who may be addressed, where writes may come from.

Pure ASGI, outermost. Knows no session and no page. A write without Origin and Sec-Fetch-Site comes
from no browser of the supported floor (they send Origin with every POST) and is let through; the
session cookie is SameSite=Strict besides.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_BYTES_MAX: Final = 256 * 1024
LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_SAME: Final = frozenset({"same-origin", "none"})
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none';"
        " form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: browsers would then send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
FASTAPI_OPTIONS: Final[dict[str, Any]] = {
    "docs_url": None,  # loads from foreign hosts
    "redoc_url": None,
    # FastAPI records requests and exceptions for OpenTelemetry by itself; they hold personal data.
    "telemetry": {
        "tracing": False,
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "auto_configure": False,
    },
}
"""What every FastAPI application of ours is made with."""
TOO_LARGE: Final = "发来的内容太大,没有保存。请减少后再试。"
NOT_SAVED_HERE: Final = "没有保存任何内容。请从本站首页重新打开再试。"


class BodyTooLarge(Exception):
    """More was sent than any page of ours sends."""


class Guard:
    """Refuses foreign hosts, foreign origins and over-large bodies; sets the safety headers."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Collection[str] = LOOPBACK,
        body_max: int = BODY_BYTES_MAX,
        uploads: Mapping[str, int] | None = None,
    ) -> None:
        """Shapes: `hosts` are names without port; IPv6 in brackets.

        Addresses that end in a key of `uploads` take up to its value instead of `body_max`.
        """
        self._app = app
        self._uploads = dict(uploads or {})
        self._hosts = frozenset(name.lower() for name in hosts)
        self._body_max = body_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refused request here, hand any other on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await _refuse(scope, send, *refusal)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._app(scope, self._capped(receive, self._max(scope)), send_with_headers)
        except BodyTooLarge:
            if not started:
                await _refuse(scope, send, 413, "too_large", TOO_LARGE)

    def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if _name_of(host) not in self._hosts:
            return 421, "wrong_host", "地址不对,请用桌面上的“驿站”图标打开。没有保存任何内容。"
        if scope["method"] in SAFE_METHODS:
            return None
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if site is not None and site not in _SAME:
            return 403, "wrong_origin", f"这次提交来自别的网页,已拒绝。{NOT_SAVED_HERE}"
        if origin is not None and not _same_origin(origin, host, scope["scheme"]):
            return 403, "wrong_origin", f"这次提交来自别的网页,已拒绝。{NOT_SAVED_HERE}"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._max(scope):
            return 413, "too_large", TOO_LARGE
        return None

    def _max(self, scope: Scope) -> int:
        path = str(scope["path"])
        taken = [most for ending, most in self._uploads.items() if path.endswith(ending)]
        return max(taken, default=self._body_max)

    def _capped(self, receive: Receive, body_max: int) -> Receive:
        total = 0

        async def capped() -> Message:
            nonlocal total
            message = await receive()
            if message["type"] == "http.request":
                total += len(message.get("body", b""))
                if total > body_max:
                    raise BodyTooLarge
            return message

        return capped


def _name_of(host: str) -> str:
    """The host without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _same_origin(origin: str, host: str, scheme: str) -> bool:
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return False
    return parts.scheme == scheme and parts.netloc == host


async def _refuse(scope: Scope, send: Send, status: int, code: str, sentence: str) -> None:
    """Send a refusal that needs no template and shows nothing of the request."""
    if "text/html" in Headers(scope=scope).get("accept", ""):
        kind, body = b"text/plain; charset=utf-8", sentence.encode()
    else:
        kind = b"application/json; charset=utf-8"
        body = json.dumps({"code": code, "sentence": sentence}, ensure_ascii=False).encode()
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
