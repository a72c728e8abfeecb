"""The list 需要确认 of records that do not count, in the words clerks read."""

from __future__ import annotations

from typing import Any, Final

from casework.status import ACTS
from edge_node.case_access import case_address
from edge_node.site import Look
from node import quarantine
from node.quarantine import Aside
from sync.protocol.ports import INCOMPLETE, RECOVERED, REVOKED, SET_ASIDE
from ui import words
from ui.reasons import reason_words

TITLES: Final = {
    SET_ASIDE: "已隔离(没有采用,原件保留)",
    REVOKED: "撤销信任后的记录(不算数,原件保留)",
    RECOVERED: "恢复出来的记录(没有算数,请核对)",
    INCOMPLETE: "等待补全",
}
UNKNOWN_ACT: Final = "本站软件尚不认识的记录"


def aside_lists(look: Look) -> list[tuple[str, str, list[dict[str, str]]]]:
    """What is held here and does not count: (standing, title, lines), empty ones left out."""
    found = quarantine.aside(look.transaction)
    return [(s, TITLES[s], [line(look, one) for one in found[s]]) for s in TITLES if found[s]]


def line(look: Look, one: Aside) -> dict[str, str]:
    """One record that does not count."""
    return {
        "name": one.name,
        "title": act_title(one.type),
        "station": look.name(one.station),
        "reason": reason_words(one.reason),
        "received": words.moment(one.received_ms),
        **_case(look, one.stream),
    }


def own_holes(look: Look) -> list[dict[str, Any]]:
    """This station's own records that were refused above, with the case each belongs to."""
    return [
        {
            "position": hole.position,
            "title": act_title(hole.type) if hole.type else "",
            "reason": reason_words(hole.reason),
            **_case(look, hole.stream),
        }
        for hole in quarantine.holes_of(look.transaction, look.station)
    ]


def act_title(kind: str) -> str:
    """What an event's type is called."""
    act = ACTS.get(kind)
    if act is not None:
        return act.title
    return "站点日志记录" if kind.startswith("sync.") else UNKNOWN_ACT


def _case(look: Look, stream: str) -> dict[str, str]:
    """The number and address of a case, if it concerns this station and has a number."""
    row = look.table.get(stream) if stream else None
    if row is None or not row.receipt_no or look.station not in row.audience:
        return {"case": "", "address": ""}
    return {"case": row.receipt_no, "address": case_address(row.receipt_no)}
