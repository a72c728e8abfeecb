"""Serves the shared static files: compressed once, named by content, kept by the browser.

Only files found at start are served, by exact name; a request never becomes a path.
"""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER: Final = Path(__file__).resolve().parent / "static"
PREFIX: Final = "/static/"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_VERSION_LENGTH: Final = 10
_LONG: Final = "public, max-age=31536000, immutable"
_SHORT: Final = "no-cache"


class StaticFiles:
    """The static files of one or more folders; later folders do not replace earlier names."""

    def __init__(self, *folders: Path) -> None:
        self._files: dict[str, Path] = {}
        for folder in (FOLDER, *folders):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.suffix in _TYPES:
                    self._files.setdefault(path.relative_to(folder).as_posix(), path)
        self._versions = {name: _version(path) for name, path in self._files.items()}
        self._packed: dict[str, bytes] = {}

    def url(self, name: str) -> str:
        """The address of a file with its version, so that it may be kept for ever."""
        version = self._versions.get(name)
        return f"{PREFIX}{name}?v={version}" if version else f"{PREFIX}{name}"

    def route(self) -> Route:
        """The route that serves them."""
        return Route(PREFIX + "{name:path}", self._serve, methods=["GET", "HEAD"])

    def _serve(self, request: Request) -> Response:
        name = request.path_params["name"]
        path = self._files.get(name)
        if path is None:
            return Response("没有这个文件。", status_code=404, media_type="text/plain")
        versioned = request.query_params.get("v") == self._versions[name]
        headers = {"Cache-Control": _LONG if versioned else _SHORT, "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            content = self._gzip(name, path)
        else:
            content = path.read_bytes()
        return Response(content, headers=headers, media_type=_TYPES[path.suffix])

    def _gzip(self, name: str, path: Path) -> bytes:
        packed = self._packed.get(name)
        if packed is None:
            packed = gzip.compress(path.read_bytes(), 9, mtime=0)
            self._packed[name] = packed
        return packed


def _version(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:_VERSION_LENGTH]
