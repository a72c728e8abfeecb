"""Which facts their author had no right to write: `lacks_right`, of one event and the opening.

Judged from what is in the event, what the node proved of it (`line`, `central`) and the opening
act, so that every node says the same, whatever register it holds and whatever else has come in.
What a station claims of itself, such as its depth, is never believed. Such an event is kept and
shown and does not act; see docs/adr/0021-rights-by-warrant.md.
"""

from __future__ import annotations

from typing import Final

from casework import body as read
from casework import events as e
from casework.events import CaseEvent, parse_name
from casework.status import ACTS

NO_RIGHT: Final = "no_right"
NOT_HOLDER: Final = "not_holder"
STATED_AUTHORS: Final = {e.OFFICIAL_NUMBER_GIVEN: "handling", e.VOID_REQUESTED: "receiving"}
"""Acts without custody that one station of the opening act may write; the number central too."""


def lacks_right(event: CaseEvent, opening: CaseEvent) -> str:
    """Why its author could not write this event; empty where he could, or the body was cleared."""
    body = event.body
    if body is None:
        return ""
    if event.type in e.TAKES_CUSTODY:
        return "" if _may_take(event, body) else NO_RIGHT
    act = ACTS.get(event.type)
    if act is not None and act.advances and event.type != e.HANDED_BACK:
        custody = parse_name(read.text(body, "custody"))
        return "" if custody is None or custody[0] == event.station else NOT_HOLDER
    key = STATED_AUTHORS.get(event.type, "")
    if not key or opening.body is None:
        return ""
    named = event.station == read.text(opening.body, key, opening.station)
    numbers = event.central and event.type == e.OFFICIAL_NUMBER_GIVEN
    return "" if named or numbers else NO_RIGHT


def _may_take(event: CaseEvent, body: read.Body) -> bool:
    """True if custody goes to its author, from below it where it is taken over."""
    if read.text(body, "holder") != event.station:
        return False
    if event.type != e.TAKEN_OVER:
        return True  # whether it was offered to him is for the chain to say
    relieved = parse_name(read.text(body, "follows"))
    return relieved is not None and event.line[:1] == relieved[:1] and tier(event) >= 0


def tier(event: CaseEvent) -> int:
    """How many stations stand above the author of a takeover, by its warrant; -1: none proven."""
    above = event.line[1:]
    return len(above) - 1 - above.index(event.station) if event.station in above else -1
