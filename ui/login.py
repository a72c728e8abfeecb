"""Signing in and out, and the gate before every page that needs it.

What a password is, how it is kept and who is on the staff is the `Door`'s business.
"""

from __future__ import annotations

from typing import Annotated, Final, Protocol

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ui.forms import Form, read_form
from ui.pages import Pages
from ui.people import LoginRefused, NotSignedIn, Person

PASSWORD_LENGTH_MIN: Final = 8
PASSWORD_LENGTH_MAX: Final = 128
FormOf = Annotated[Form, Depends(read_form)]


class Door(Protocol):
    """Keeps passwords and sessions."""

    def enter(self, staff_no: str, password: str) -> str:
        """A new session's token. Raises: LoginRefused."""
        ...

    def first_entry(self, staff_no: str, code: str, password: str) -> str:
        """Set the password by a one-time code; a new session's token. Raises: LoginRefused."""
        ...

    def leave(self, token: str) -> None:
        """End a session. Idempotent."""
        ...

    def who(self, token: str, *, active: bool) -> Person | None:
        """The person of a live session; `active` False does not count as being at work."""
        ...


class Gate:
    """Finds the person of a request by the session cookie."""

    def __init__(self, door: Door, station: str) -> None:
        """Shapes: the cookie carries the station, since cookies do not tell ports apart."""
        self.door = door
        self.cookie = f"yizhan_{station}"

    def person(self, request: Request) -> Person:
        """The signed-in person, also left in `request.state`. Raises: NotSignedIn."""
        return self._found(request, active=True)

    def onlooker(self, request: Request) -> Person:
        """Like `person`, for what a browser asks by itself (the badge). Raises: NotSignedIn."""
        return self._found(request, active=False)

    def _found(self, request: Request, *, active: bool) -> Person:
        token = request.cookies.get(self.cookie, "")
        found = self.door.who(token, active=active) if token else None
        if found is None:
            raise NotSignedIn
        request.state.person = found
        return found

    def admit(self, response: Response, token: str, *, secure: bool) -> None:
        """Give the browser the session."""
        response.set_cookie(
            self.cookie, token, httponly=True, samesite="strict", secure=secure, path="/"
        )

    def dismiss(self, response: Response) -> None:
        """Take the session from the browser."""
        response.delete_cookie(self.cookie, httponly=True, samesite="strict", path="/")


def login_router(gate: Gate, pages: Pages) -> APIRouter:
    """The routes /login, /first-login and /logout."""
    router = APIRouter(include_in_schema=False)

    def admitted(request: Request, token: str, target: str) -> Response:
        response = RedirectResponse(safe_target(target), status_code=303)
        gate.admit(response, token, secure=request.url.scheme == "https")
        return response

    @router.get("/login")
    def login_page(request: Request) -> Response:
        target = safe_target(request.query_params.get("next", "/"))
        return pages.render(request, "login.html", staff_no="", error="", next=target)

    @router.post("/login")
    def login(request: Request, form: FormOf) -> Response:
        staff_no = form.text("staff_no")
        try:
            token = gate.door.enter(staff_no, form.secret("password"))
        except LoginRefused as refused:
            return pages.render(
                request,
                "login.html",
                status=403,
                staff_no=staff_no,
                error=refused.sentence,
                next=safe_target(form.text("next")),
            )
        return admitted(request, token, form.text("next"))

    @router.get("/first-login")
    def first_page(request: Request) -> Response:
        return pages.render(request, "first_login.html", staff_no="", error="")

    @router.post("/first-login")
    def first_login(request: Request, form: FormOf) -> Response:
        staff_no, password = form.text("staff_no"), form.secret("password")
        error = _password_error(password, form.secret("password2"))
        if not error:
            try:
                token = gate.door.first_entry(staff_no, form.text("code"), password)
                return admitted(request, token, "/")
            except LoginRefused as refused:
                error = refused.sentence
        return pages.render(request, "first_login.html", status=403, staff_no=staff_no, error=error)

    @router.post("/logout")
    def logout(request: Request) -> Response:
        gate.door.leave(request.cookies.get(gate.cookie, ""))
        response = RedirectResponse("/login", status_code=303)
        gate.dismiss(response)
        return response

    return router


def safe_target(target: str) -> str:
    """The target if it is a page of ours, else the first page."""
    own = target.startswith("/") and not target.startswith("//") and "\\" not in target
    return target if own and target.isprintable() else "/"


def _password_error(password: str, again: str) -> str:
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        return f"密码要有 {PASSWORD_LENGTH_MIN} 到 {PASSWORD_LENGTH_MAX} 个字符,还没有保存。"
    return "" if password == again else "两次输入的密码不一样,还没有保存,请再输一次。"
