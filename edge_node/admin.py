"""站点管理: the staff of this station, and one-time codes for setting a password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
import structlog
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from casework.registers import StaffEntry, parse_staff
from casework.rights import POST_NAMES
from edge_node.site import Look, Site
from node import accounts
from ui.login import FormOf
from ui.people import NoPost, signed_in

ADMIN_POST: Final = "admin"

log = structlog.get_logger("edge_node.admin")


@dataclass(frozen=True, slots=True)
class StaffLine:
    """One staff member of the station; whether a password is set here."""

    no: str
    name: str
    posts: str
    password_set: bool


def admin_router(site: Site) -> APIRouter:
    """The routes /admin and /admin/codes."""
    router = APIRouter(dependencies=[Depends(site.gate.person)], include_in_schema=False)

    def page(request: Request, status: int = 200, **extra: Any) -> Response:
        shown: dict[str, Any] = {"code": "", "code_for": "", "error": "", **extra}
        with site.look() as look:
            staff = staff_lines(look, site.station)
        return site.pages.render(request, "admin.html", status=status, staff=staff, **shown)

    @router.get("/admin")
    def admin(request: Request) -> Response:
        _admin_only(request)
        return page(request)

    @router.post("/admin/codes")
    def new_code(request: Request, form: FormOf) -> Response:
        _admin_only(request)
        staff_no = form.text("staff_no")
        with site.node.database.write() as transaction:
            known = site.accounts.staff(transaction, staff_no)
            if known is not None:
                code = accounts.issue_code(transaction, staff_no, site.node.clock_ms())
        if known is None:
            return page(request, 422, error=f"工号“{staff_no}”不是本站人员,没有给出代码。")
        log.info("code_issued", staff=staff_no, by=signed_in(request).no)
        return page(request, code=code, code_for=f"{known.name} {known.no}")

    return router


def staff_lines(look: Look, station: str) -> list[StaffLine]:
    """The valid staff entries of a station. Order: by number."""
    set_here = {
        str(row[0])
        for row in look.transaction.connection.execute(
            "SELECT staff_no FROM accounts WHERE password_hash <> ''"
        ).fetchall()
    }
    entries = (
        parse_staff(msgspec.json.decode(entry.raw)) for entry in look.transaction.entries("staff")
    )
    return sorted(
        (
            _line(entry, entry.no in set_here)
            for entry in entries
            if entry.station == station and entry.valid_on(look.registry.today)
        ),
        key=lambda line: line.no,
    )


def _line(entry: StaffEntry, password_set: bool) -> StaffLine:
    posts = "、".join(POST_NAMES.get(post, post) for post in entry.posts)
    return StaffLine(entry.no, entry.name, posts, password_set)


def _admin_only(request: Request) -> None:
    if not signed_in(request).may(ADMIN_POST):
        raise NoPost("这一页需要“站点管理”岗位。没有改动任何内容。")
