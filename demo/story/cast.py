"""Who plays in the story, and what the steps hand on to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from demo.browser import Answer, wait_until
from demo.person import WAIT_SECONDS, Person
from demo.places import (
    DISTRICT_DECIDER,
    DISTRICT_ISSUER,
    PLACES,
    SUPERVISOR,
    TOWNSHIP_REVIEWER,
    VILLAGE_CLERK,
)
from demo.problems import CheckFailedError
from demo.say import say
from demo.town import Town

CATALOGUE_SECONDS = 60.0


class Onlooker(Protocol):
    """Is shown the pages worth a picture while the story is played."""

    def take(self, name: str, person: Person, path: str, *, end: bool) -> None:
        """Look at a page as the person sees it, at its end if so told."""


@dataclass
class Story:
    """The people by staff number, and the cases of the story once they are taken in."""

    town: Town
    onlooker: Onlooker | None = None
    people: dict[str, Person] = field(default_factory=dict)
    receipt_no: str = ""
    official_no: str = ""
    applicant: str = ""
    stream: str = ""
    mistake_held: str = ""
    mistake_offered: str = ""

    @property
    def clerk(self) -> Person:
        """The clerk of the village."""
        return self.people[VILLAGE_CLERK]

    @property
    def reviewer(self) -> Person:
        """The reviewer of the township."""
        return self.people[TOWNSHIP_REVIEWER]

    @property
    def decider(self) -> Person:
        """The one who decides at the district."""
        return self.people[DISTRICT_DECIDER]

    @property
    def issuer(self) -> Person:
        """The one who issues results at the district."""
        return self.people[DISTRICT_ISSUER]

    @property
    def supervisor(self) -> Person:
        """The supervisor at central."""
        return self.people[SUPERVISOR]

    def at(self, code: str) -> Person:
        """Somebody of the station."""
        place = next(place for place in PLACES if place.code == code)
        return self.people[place.people[0]]

    def show(self, name: str, person: Person, path: str, *, end: bool = False) -> None:
        """Let the onlooker see a page, if there is one; nothing of the story depends on it."""
        if self.onlooker is not None:
            self.onlooker.take(name, person, path, end=end)

    def log_in(self) -> None:
        """Give everybody a one-time code and let them set a password, when the registers came."""
        say("… 给工作人员一次性代码,他们在各自的站点设置密码、登录")
        staff = [(place.code, number) for place in PLACES for number in place.people]
        codes = self.town.staff_codes(staff)
        for code, number in staff:
            self.people[number] = Person(self.town[code], number)
            self.people[number].first_login(codes[number])


def case_path(number: str) -> str:
    """The address of a case's page."""
    return f"/cases/{quote(number, safe='')}"


def knows(person: Person, number: str) -> bool:
    """True if the person's node answers for the case, False if it says that there is none."""
    path = f"/api/v1{case_path(number)}"

    def look() -> tuple[bool]:
        answer = person.browser.get(path, "application/json")
        if answer.status not in (200, 404):
            raise CheckFailedError(f"{path} 回答 {answer.status}")
        return (answer.status == 200,)

    return wait_until(look, WAIT_SECONDS, f"{person.station.place.name} 关于 {number} 的回答")[0]


def facts(person: Person, number: str, what: str, **wanted: str) -> dict[str, Any]:
    """The case's JSON at the person's node as soon as it has the wanted members.

    Raises: NotInTimeError naming `what` was waited for and what is there instead.
    """

    def look() -> dict[str, Any]:
        found: dict[str, Any] = person.json(f"/api/v1{case_path(number)}")
        other = {key: found.get(key) for key in wanted if found.get(key) != wanted[key]}
        if other:
            raise CheckFailedError(f"现在是 {other}")
        return found

    return wait_until(look, WAIT_SECONDS, f"{person.station.place.name}:{what}")


def held(person: Person, stream: str) -> int:
    """How many events of a stream the person's node holds."""

    def look() -> int | None:
        found = person.json(f"/api/v1/streams/{stream}")["held"]
        return int(found) + 1  # so that none is an answer too

    what = f"{person.station.place.name} 持有的事件数"
    return wait_until(look, WAIT_SECONDS, what) - 1


def must_say(answer: Answer, *sentences: str) -> None:
    """Pass if the page says all the sentences. Raises: CheckFailedError."""
    for sentence in sentences:
        if not answer.page.says(sentence):
            raise CheckFailedError(f"{answer.url} 上没有“{sentence}”")


def must_not_say(answer: Answer, *sentences: str) -> None:
    """Pass if the page says none of the sentences. Raises: CheckFailedError."""
    for sentence in sentences:
        if answer.page.says(sentence):
            raise CheckFailedError(f"{answer.url} 上不该有“{sentence}”")
