"""Refusals and failures as a Chinese page, or as {code, sentence} under /api.

What a page says never repeats what was typed; what is logged names the kind of error and where it
arose, never its message, which may quote personal data.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from casework.errors import DomainRefusal
from sync.protocol.errors import DiskFull, LogStopped, StorageError, SyncError
from ui.forms import FormKeyMissing
from ui.pages import Pages, wants_fragment
from ui.people import LoginRefused, NoPost, NotSignedIn
from ui.security import HEADERS, SAFE_METHODS, TOO_LARGE, BodyTooLarge

API_PREFIX: Final = "/api/"
_DOMAIN_STATUS: Final = {
    "no_right": 403,
    "not_concerned": 403,
    "unknown_act": 404,
    "field_missing": 422,
    "field_invalid": 422,
    "materials_missing": 422,
    "invalid_number": 404,
}
_HTTP_SENTENCES: Final = {
    400: ("bad_request", "这次提交的内容不完整,没有保存。请返回上一页再试。"),
    403: ("forbidden", "您没有看这一页的权限。没有改动任何内容。"),
    404: ("not_found", "没有找到这一页或这一件。请核对编号,或从首页查找。"),
    405: ("not_allowed", "这一页不能这样打开。没有改动任何内容。"),
}
_BAD_REQUEST: Final = ("bad_request", "提交的内容格式不对,没有保存。请核对后再试。")
_FAULT: Final = (
    "internal_error",
    "程序出了问题,这一步没有完成。以前保存的都在。请再试一次;还不行,请联系县运维。",
)

log = structlog.get_logger("ui.errors")


class Answers:
    """Says refusals as pages or JSON, whichever was asked for."""

    def __init__(self, pages: Pages, login_path: str) -> None:
        self._pages = pages
        self._login_path = login_path

    def say(
        self, request: Request, status: int, code: str, sentence: str, *, field: str = ""
    ) -> Response:
        """The refusal, in the frame of a page that may read the database."""
        return self._say(request, status, code, sentence, field=field, bare=False)

    def _say(
        self, request: Request, status: int, code: str, sentence: str, *, field: str, bare: bool
    ) -> Response:
        if is_api(request):
            body = {"code": code, "sentence": sentence}
            return JSONResponse({**body, "field": field} if field else body, status_code=status)
        return self._pages.render(
            request, "error.html", status=status, bare=bare, code=code, sentence=sentence
        )

    def not_signed_in(self, request: Request, _: Exception) -> Response:
        """Off to the login page, unless something typed would be lost by it."""
        if is_api(request):
            return self.say(request, 401, NotSignedIn.code, NotSignedIn.sentence)
        if wants_fragment(request):
            # No redirect: it would throw away what is being typed on the page.
            return self._pages.fragment(
                "_session_over.html", status=401, login_path=self._login_path, path=request.url.path
            )
        if request.method in SAFE_METHODS:
            target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            where = f"{self._login_path}?next={quote(target, safe='')}"
            return RedirectResponse(where, status_code=303)
        return self._pages.render(
            request, "session_over.html", status=401, login_path=self._login_path
        )

    def domain(self, request: Request, error: Exception) -> Response:
        """A refusal of the rules."""
        assert isinstance(error, DomainRefusal)
        status = _DOMAIN_STATUS.get(error.code, 409)
        field = error.facts.get("field", "")
        return self.say(request, status, error.code, error.sentence, field=field)

    def sync(self, request: Request, error: Exception) -> Response:
        """A failure of storage or of the road; the page must not need the database."""
        assert isinstance(error, SyncError)
        log.warning("sync_error", code=error.code, detail=error.detail)
        status = 409 if isinstance(error, LogStopped) else 400
        if isinstance(error, StorageError):
            status = 507 if isinstance(error, DiskFull) else 503
        return self._say(request, status, error.code, error.sentence, field="", bare=True)

    def http(self, request: Request, error: Exception) -> Response:
        """A page that is not there, or not to be opened like this."""
        assert isinstance(error, HTTPException)
        code, sentence = _HTTP_SENTENCES.get(error.status_code, _BAD_REQUEST)
        return self.say(request, error.status_code, code, sentence)

    def malformed(self, request: Request, _: Exception) -> Response:
        """A request of the wrong shape; what was sent is not repeated."""
        return self.say(request, 422, *_BAD_REQUEST)

    def too_large(self, request: Request, _: Exception) -> Response:
        """More than any page of ours sends."""
        return self.say(request, 413, "too_large", TOO_LARGE)

    def own(self, request: Request, error: Exception) -> Response:
        """A refusal of the pages themselves."""
        assert isinstance(error, (LoginRefused, NoPost, FormKeyMissing))
        status = 400 if isinstance(error, FormKeyMissing) else 403
        return self.say(request, status, error.code, error.sentence)

    def fault(self, request: Request, error: Exception) -> Response:
        """A fault of ours: logged by its places, told without any detail."""
        log.error("fault", error=type(error).__name__, where=where_from(error))
        response = self._say(request, 500, *_FAULT, field="", bare=True)
        # Starlette answers this one outside the guard, so it gets the guard's headers here.
        response.headers.update({**HEADERS, "Cache-Control": "no-store"})
        return response


def install(app: FastAPI, pages: Pages, *, login_path: str = "/login") -> None:
    """Make the app answer every refusal and failure of ours."""
    answers = Answers(pages, login_path)
    handlers: dict[type[Exception], Callable[[Request, Exception], Response]] = {
        NotSignedIn: answers.not_signed_in,
        DomainRefusal: answers.domain,
        SyncError: answers.sync,
        HTTPException: answers.http,
        RequestValidationError: answers.malformed,
        BodyTooLarge: answers.too_large,
        FormKeyMissing: answers.own,
        LoginRefused: answers.own,
        NoPost: answers.own,
        Exception: answers.fault,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def is_api(request: Request) -> bool:
    """True if the request is for the JSON interface."""
    return request.url.path.startswith(API_PREFIX)


def where_from(error: BaseException) -> list[str]:
    """The places the error came through, innermost last, without any value."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return [f"{frame.filename.rsplit('/', 2)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
