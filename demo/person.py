"""A logged-in person of a station: opens pages, fills in the page's own forms, presses buttons.

When the node does not answer a press, the person does what people are told to do: open the page
again, look whether it was saved, and only then press again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from demo.browser import Answer, Browser, NoAnswerError, wait_until
from demo.places import PASSWORD
from demo.problems import CheckFailedError
from demo.say import say
from demo.station import Station

WAIT_SECONDS = 30.0
PRESSES_MAX = 5
REFUSAL_CHARACTERS = 160
Values = dict[str, str]


class Person:
    """One staff member at one station."""

    def __init__(self, station: Station, number: str) -> None:
        self.station = station
        self.number = number
        self.browser = Browser(station.url)

    def first_login(self, code: str) -> None:
        """Set the password with a one-time code; logged in afterwards."""
        values = {"staff_no": self.number, "code": code}
        values |= {"password": PASSWORD, "password2": PASSWORD}
        self.press("/first-login", "/first-login", values, saved=self._logged_in)

    def log_in_again(self) -> None:
        """Log in with the password where the session ran out meanwhile."""
        if self._logged_in() is None:
            values = {"staff_no": self.number, "password": PASSWORD}
            self.press("/login", "/login", values, saved=self._logged_in)

    def open(self, path: str, seconds: float = WAIT_SECONDS) -> Answer:
        """Open a page; a node that is down is tried again. Raises: CheckFailedError (an error)."""

        def look() -> Answer:
            return refused_if_error(self.browser.get(path))

        return wait_until(look, seconds, f"{self.station.place.name} 的页面 {path}")

    def json(self, path: str) -> Any:
        """The JSON answer at an address, as it is now. Raises: NoAnswerError, CheckFailedError."""
        return refused_if_error(self.browser.get(path, "application/json")).json

    def sees(self, path: str, *sentences: str, seconds: float = WAIT_SECONDS) -> Answer:
        """Open the page again and again until it says all the sentences.

        Raises: NotInTimeError naming what is missing.
        """

        def look() -> Answer:
            answer = refused_if_error(self.browser.get(path))
            missing = [s for s in sentences if not answer.page.says(s)]
            if missing:
                raise CheckFailedError(f"{path} 上没有“{missing[0]}”")
            return answer

        what = f"{self.station.place.name} 的页面 {path} 上的“{'”“'.join(sentences)}”"
        return wait_until(look, seconds, what)

    def press(
        self,
        path: str,
        action: str,
        values: Values,
        *,
        saved: Callable[[], Answer | None] | None = None,
    ) -> Answer:
        """Fill in the form `action` of a page and press its button; the page that follows.

        `saved` looks whether an unanswered press was saved all the same; by default it was if the
        page no longer offers the form.
        Raises: CheckFailedError (no such form, or refused).
        """
        for _ in range(PRESSES_MAX):
            here = self._with_form(path, action)
            form = here.page.form(action)
            assert form is not None, "just seen"
            form.fill(values)
            try:
                return refused_if_error(self.browser.submit(here.url, form))
            except NoAnswerError:
                say(f"    … {self.station.place.name}没有回答,重新打开看看存上没有")
            after = saved() if saved is not None else self._gone(path, action)
            if after is not None:
                return after
        raise CheckFailedError(f"{self.station.place.name} 按了 {PRESSES_MAX} 次都没有回答")

    def _with_form(self, path: str, action: str) -> Answer:
        def look() -> Answer:
            answer = refused_if_error(self.browser.get(path))
            if answer.page.form(action) is None:
                offered = [form.action for form in answer.page.forms]
                raise CheckFailedError(f"{path} 上没有表单 {action},只有 {offered}")
            return answer

        return wait_until(look, WAIT_SECONDS, f"{self.station.place.name} 的表单 {action}")

    def _gone(self, path: str, action: str) -> Answer | None:
        answer = self.open(path)
        return answer if answer.page.form(action) is None else None

    def _logged_in(self) -> Answer | None:
        answer = self.open("/")
        return answer if answer.page.form("/login") is None else None


def refused_if_error(answer: Answer) -> Answer:
    """The answer itself. Raises: CheckFailedError with what an error page says."""
    if answer.status < 400:
        return answer
    text = answer.body.decode("utf-8", "replace")
    said = text if "json" in answer.kind else (answer.page.alert or answer.page.words)
    raise CheckFailedError(f"{answer.url} 回答 {answer.status}:{said[:REFUSAL_CHARACTERS]}")
