"""Facts about cases as casework sees them, and the names of the acts.

Deliberately ignorant of envelopes, signatures and transport: the node turns a stored
event into a `CaseEvent` and a `Draft` into a signed event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

NODE: Final = "node"
"""Actor of every act a node writes by rule."""

ENTRUSTED: Final = "entrusted"
RECEIVED: Final = "received"
SIGNED_FOR: Final = "signed_for"
DEFECTS_TOLD: Final = "defects_told"
SUPPLEMENT_RECEIVED: Final = "supplement_received"
SUPPLEMENT_COMPLETE: Final = "supplement_complete"
ACCEPTED: Final = "accepted"
NOT_ACCEPTED: Final = "not_accepted"
OVERDUE: Final = "overdue"
REVIEW_STARTED: Final = "review_started"
STEP_DONE: Final = "step_done"
RETURNED: Final = "returned"
DECIDED: Final = "decided"
TERMINATED: Final = "terminated"
CLOSED: Final = "closed"
WITHDRAWAL_REQUESTED: Final = "withdrawal_requested"
WITHDRAWN: Final = "withdrawn"
VOID_REQUESTED: Final = "void_requested"
VOIDED: Final = "voided"
DELIVERED: Final = "delivered"
FILED: Final = "filed"
RESCINDED: Final = "rescinded"
PROCEDURE_STARTED: Final = "procedure_started"
PROCEDURE_ENDED: Final = "procedure_ended"
EXTENDED: Final = "extended"
TASK_GIVEN: Final = "task_given"
TASK_WITHDRAWN: Final = "task_withdrawn"
HANDED_OVER: Final = "handed_over"
TASK_REPORTED: Final = "task_reported"
CORRECTED: Final = "corrected"
QUESTIONED: Final = "questioned"
ACCEPTED_CUSTODY: Final = "accepted_custody"
TAKEN_OVER: Final = "taken_over"
HANDED_BACK: Final = "handed_back"
CHECKED: Final = "checked"
RECOVERED_CHECKED: Final = "recovered_checked"
OFFICIAL_NUMBER_GIVEN: Final = "official_number_given"

OPENING: Final = frozenset({ENTRUSTED, RECEIVED})
"""Acts that open a stream."""

TAKES_CUSTODY: Final = frozenset({SIGNED_FOR, ACCEPTED_CUSTODY, TAKEN_OVER})
"""Acts that move custody to their author."""

OFFERS_CUSTODY: Final = frozenset({HANDED_OVER, HANDED_BACK})
"""Acts that end their author's custody and offer it to another station."""

EventKey = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One stored fact of a stream; `body` is None when it was purged or pruned.

    `line` is what the node proved of a takeover: the station relieved and those above it up to
    the root, empty without proof. `central` tells that the root wrote the event.
    """

    name: str
    station: str
    epoch: int
    position: int
    hlc: int
    stream: str
    type: str
    actor: str
    audience: tuple[str, ...]
    body: dict[str, Any] | None
    line: tuple[str, ...] = ()
    central: bool = False

    @property
    def key(self) -> EventKey:
        """The name as a sortable value: positions compare as numbers, not as text."""
        return (self.station, self.epoch, self.position)


@dataclass(frozen=True, slots=True)
class Draft:
    """What an act wants recorded; the node gives name, hybrid time and signature.

    `stream` None opens a new stream. `audience` lists the stations to add; the author
    of a first event is implied.
    """

    stream: str | None
    type: str
    actor: str
    audience: tuple[str, ...]
    body: dict[str, Any]


def parse_name(name: str) -> EventKey | None:
    """The (station, epoch, position) of an event name, or None where it is not one."""
    parts = name.split("/")
    if len(parts) != 3 or not parts[0]:
        return None
    digits = (parts[1], parts[2])
    if not all(part.isascii() and part.isdigit() and len(part) <= 19 for part in digits):
        return None
    return (parts[0], int(parts[1]), int(parts[2]))
