"""Renders templates inside the common layout: header, badge, entries, large print.

A program hands in its template folders and a function that says what the layout shows for a
request; nothing here reads a database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from ui import reasons, words
from ui.people import Person
from ui.static_files import StaticFiles

TEMPLATES: Final = Path(__file__).resolve().parent / "templates"
LARGE_COOKIE: Final = "yizhan_large"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the header; `key` is the digit for Alt+digit, or empty."""

    href: str
    label: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Badge:
    """The state of what must still travel, in an icon and words; never colour alone.

    `state` is ok, waiting, cut or bad; `detail` is a whole sentence, or empty.
    """

    state: str
    icon: str
    words: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the frame of every page shows."""

    station: str
    station_name: str
    person: Person | None = None
    entries: tuple[Entry, ...] = ()
    badge: Badge | None = None
    demo: bool = False
    product: str = "驿站"


class Pages:
    """The templates of one program."""

    def __init__(
        self,
        folders: Sequence[Path],
        layout: Callable[[Request], Layout],
        bare: Layout,
        *,
        static: StaticFiles | None = None,
    ) -> None:
        """Shapes: `bare` frames pages that must not depend on the database (its own errors)."""
        self.static = static or StaticFiles()
        self._layout = layout
        self._bare = bare
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader([*folders, TEMPLATES]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals["asset"] = self.static.url
        self._environment.filters["moment"] = words.moment
        self._environment.filters["day"] = words.day
        self._environment.filters["reason"] = reasons.reason_words

    @property
    def environment(self) -> jinja2.Environment:
        """The environment, for a program's own filters."""
        return self._environment

    def render(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        bare: bool = False,
        **values: object,
    ) -> HTMLResponse:
        """The page as a response."""
        layout = self._bare if bare else self._layout(request)
        text = self._environment.get_template(template).render(
            layout=layout,
            large=request.cookies.get(LARGE_COOKIE) == "1",
            path=request.url.path,
            posted=request.method == "POST",
            **values,
        )
        return HTMLResponse(text, status_code=status)

    def fragment(self, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
        """A piece of a page for htmx, without the layout."""
        text = self._environment.get_template(template).render(**values)
        return HTMLResponse(text, status_code=status)


def wants_fragment(request: Request) -> bool:
    """True if htmx asks for a piece of the page."""
    return request.headers.get("hx-request") == "true"
