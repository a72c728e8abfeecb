"""Who is at the browser: the signed-in staff member, as the pages know one."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in staff member; posts are those of the staff register today."""

    no: str
    name: str
    station: str
    posts: frozenset[str]

    def may(self, *posts: str) -> bool:
        """True if the person holds any of the posts."""
        return bool(self.posts.intersection(posts))


class NotSignedIn(Exception):
    """Nobody is signed in, or the session has ended."""

    code = "not_signed_in"
    sentence = "登录已到时或还没有登录,这一步没有保存。请先登录。"


class LoginRefused(Exception):
    """Number, password or code do not fit, or the account is locked; `sentence` says which."""

    code = "login_refused"

    def __init__(self, sentence: str, code: str = "login_refused") -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


class NoPost(Exception):
    """The page needs a post this person does not hold."""

    code = "no_right"

    def __init__(self, sentence: str) -> None:
        super().__init__(self.code)
        self.sentence = sentence


def person_of(request: Request) -> Person | None:
    """The person the gate found for this request, if it asked."""
    found = getattr(request.state, "person", None)
    return found if isinstance(found, Person) else None


def signed_in(request: Request) -> Person:
    """The person the gate let in. Raises: NotSignedIn, on a page without a gate."""
    found = person_of(request)
    if found is None:
        raise NotSignedIn
    return found
