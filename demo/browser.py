"""A small browser: keeps cookies, follows redirects, sends Origin, fills in the page's own forms.

It knows no page of the product. What did not answer at all is `NoAnswerError`, so that its user
can do what a person does: look again, and only then press again.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from http.cookies import SimpleCookie
from typing import Any, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

from demo.html_page import Form, Page
from demo.problems import CheckFailedError, DemoError, NotInTimeError

ANSWER_SECONDS = 30.0
REDIRECTS_MAX = 5
POLL_SECONDS = 0.1
T = TypeVar("T")


class NoAnswerError(DemoError):
    """The node does not answer: it is down, or broke off before its answer was whole."""


@dataclass(frozen=True)
class Answer:
    """One answer, after redirects; `url` is where it came from in the end."""

    url: str
    status: int
    body: bytes
    kind: str

    @cached_property
    def page(self) -> Page:
        """The answer as a page."""
        return Page(self.body.decode("utf-8"))

    @property
    def json(self) -> Any:
        """The answer as JSON. Raises: CheckFailedError."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise CheckFailedError(f"{self.url} 的回答不是 JSON({self.status})") from error


class Browser:
    """One person's browser at one node."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.cookies: dict[str, str] = {}

    def get(self, path: str, accept: str = "text/html") -> Answer:
        """Open an address. Raises: NoAnswerError."""
        return self._follow("GET", urljoin(self.base, path), None, accept)

    def submit(self, here: str, form: Form) -> Answer:
        """Press the button of a filled-in form of the page at `here`. Raises: NoAnswerError."""
        pairs = urlencode(form.pairs())
        url = urljoin(here, form.action or here)
        if form.method == "get":
            return self._follow("GET", f"{url.partition('?')[0]}?{pairs}", None, "text/html")
        return self._follow("POST", url, pairs.encode(), "text/html")

    def _follow(self, method: str, url: str, body: bytes | None, accept: str) -> Answer:
        for _ in range(REDIRECTS_MAX):
            answer, target = self._once(method, url, body, accept)
            if not target:
                return answer
            method, url, body = "GET", urljoin(url, target), None
        raise CheckFailedError(f"{url} 一直在转来转去")

    def _once(self, method: str, url: str, body: bytes | None, accept: str) -> tuple[Answer, str]:
        parts = urlsplit(url)
        headers = {"Accept": accept, "Connection": "close"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        if method == "POST":
            headers["Origin"] = f"{parts.scheme}://{parts.netloc}"
            headers["Sec-Fetch-Site"] = "same-origin"
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        path = parts.path or "/"
        if parts.query:
            path += f"?{parts.query}"
        connection = http.client.HTTPConnection(parts.netloc, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswerError(f"{url} 没有回答({type(error).__name__})") from error
        finally:
            connection.close()
        for line in response.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        target = response.headers.get("Location", "") if 300 <= response.status < 400 else ""
        kind = response.headers.get("Content-Type", "")
        return Answer(url, response.status, content, kind), target


def wait_until(check: Callable[[], T | None], seconds: float, what: str) -> T:
    """The first result of `check` that is neither None nor False; it is asked again and again.

    A node that does not answer, or does not show it yet, is asked again.
    Raises: NotInTimeError with `what` was waited for and the last reason.
    """
    until = time.monotonic() + seconds
    last = ""
    while True:
        try:
            found = check()
            if found is not None and found is not False:
                return found
        except NotInTimeError:
            raise
        except (NoAnswerError, CheckFailedError) as error:
            last = f"({error.sentence})"
        if time.monotonic() > until:
            raise NotInTimeError(f"等了 {seconds:.0f} 秒,{what} 没有出现{last}")
        time.sleep(POLL_SECONDS)
