"""大字版: a cookie the pages read; nothing is taken away in either look."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from ui.login import FormOf, safe_target
from ui.pages import LARGE_COOKIE

_YEAR_SECONDS = 365 * 24 * 3600


def large_print_router() -> APIRouter:
    """The route /large: fields `on` (1 or 0) and `back`."""
    router = APIRouter(include_in_schema=False)

    @router.post("/large")
    def switch(form: FormOf) -> Response:
        response = RedirectResponse(safe_target(form.text("back")), status_code=303)
        value = "1" if form.text("on") == "1" else "0"
        response.set_cookie(
            LARGE_COOKIE, value, max_age=_YEAR_SECONDS, httponly=True, samesite="strict"
        )
        return response

    return router
