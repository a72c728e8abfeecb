"""The list, for the reviewer on duty, of records whose author's right is in question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from casework.projection import TAB_CHECK, CaseFilter
from casework.timeline import WHY_SENTENCES
from edge_node.case_access import case_address
from edge_node.site import Look
from ui import words

SEARCHED_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class DoubtLine:
    """One record to be checked; `address` empty where the case is not this station's."""

    number: str
    address: str
    station: str
    title: str
    written: str
    why: str
    name: str


def doubt_lines(look: Look) -> list[DoubtLine]:
    """What is to be checked in cases of this station and by its children, newest first.

    A relay sees of a case it merely carries its number and the act its child wrote, no more.
    """
    found = []
    for row in look.table.list(CaseFilter(tab=TAB_CHECK), SEARCHED_MAX):
        ours = look.station in row.audience
        for doubt in row.doubts:
            if not ours and look.registry.tree.parent(doubt.station) != look.station:
                continue
            line = DoubtLine(
                row.receipt_no,
                case_address(row.receipt_no) if ours else "",
                look.name(doubt.station),
                doubt.title,
                words.moment(doubt.hlc // 1024),
                WHY_SENTENCES.get(doubt.why, doubt.why),
                doubt.event,
            )
            found.append((doubt.hlc, line))
    return [line for _, line in sorted(found, key=lambda pair: (-pair[0], pair[1].name))]
