"""Doing an act on a case, for pages and API alike: may one look, is it you, then the act itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.exceptions import HTTPException

from casework import acts, events
from casework.case import Case
from casework.errors import UnknownAct
from edge_node.case_access import folded, own_case, superiors_case
from edge_node.site import Look, Site
from sync.engine.core import count
from ui.forms import Form
from ui.people import LoginRefused, Person

WITH_PASSWORD: Final = frozenset(
    {events.DECIDED, events.NOT_ACCEPTED, events.TERMINATED, events.RESCINDED}
)
"""Acts before which the person is asked who he is once more."""
ANOTHERS_FORM: Final = "这张表不是您打开的,现在登录的是{name}。还没有保存,请核对后再按一次。"
"""Said when another person signed in on this PC after the form was opened."""
OPENED_BY_SUPERIOR: Final = "cases_opened_by_superior"

log = structlog.get_logger("edge_node.act_desk")


@dataclass(frozen=True, slots=True)
class Wanted:
    """An act somebody wants done on a case."""

    number: str
    act: str
    fields: Mapping[str, object]
    form_key: str
    password: str


def perform(site: Site, person: Person, wanted: Wanted) -> Case:
    """The case after the act, or after the first act of the same form.

    Raises: HTTPException 404 (not here, not ours), DomainRefusal, LoginRefused, StorageError.
    """
    if wanted.act in events.OPENING:
        raise UnknownAct("收件要从事项页面办理,没有保存。", act=wanted.act)
    key = f"{person.no}/{wanted.act}/{wanted.number}/{wanted.form_key}"
    with site.look() as look:
        stream = _stream(site, look, person, wanted)
        asked = wanted.act in WITH_PASSWORD and not form_used(look, key)
        if asked:
            # What cannot be done anyway is refused before a password is asked for.
            case = site.node.desk.case(look.transaction, stream)
            acts.draft(look.context, case, wanted.act, wanted.fields, person.no)
    if asked:
        confirm(site, person, wanted.password)
    done = site.node.act(
        act=wanted.act, stream=stream, fields=wanted.fields, actor=person.no, form_key=key
    )
    return done.case


def confirm(site: Site, person: Person, password: str) -> None:
    """Pass if the password is the person's own. Raises: LoginRefused."""
    try:
        site.accounts.confirm(person.no, password)
    except LoginRefused as refused:
        if refused.code != "login_refused":
            raise
        raise LoginRefused(
            "登录密码不对,这一步没有保存。请返回上一页再输一次密码。", "password_wrong"
        ) from refused


def filled_by_another(form: Form, person: Person) -> bool:
    """True if the form was opened while somebody else was signed in here."""
    return form.text("by") not in ("", person.no)


def book_opening(site: Site, person: Person, stream: str) -> None:
    """Book that a superior looked at a case outside his station's audience."""
    log.warning("case_opened_by_superior", staff=person.no, stream=stream)
    with site.node.database.write() as transaction:
        count(transaction, OPENED_BY_SUPERIOR)


def _stream(site: Site, look: Look, person: Person, wanted: Wanted) -> str:
    try:
        row = own_case(site, look, wanted.number)
    except HTTPException:
        if wanted.act != events.TAKEN_OVER:
            raise
        row = superiors_case(site, look, person, wanted.number)
    folded(site, look, row)
    return row.stream


def form_used(look: Look, key: str) -> bool:
    """True if a form with this key has been acted upon."""
    found = look.transaction.connection.execute(
        "SELECT 1 FROM form_keys WHERE form_key = ?", (key,)
    ).fetchone()
    return found is not None
