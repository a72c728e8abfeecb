"""上报情况: how far what this station wrote has come, in true counts per rung.

Reckoned from the cursors each time it is asked, never cached.
"""

from __future__ import annotations

from typing import NamedTuple

from node.facts import is_case_fact
from sync.engine import file_book, homes
from sync.engine.core import Core
from sync.engine.file_book import ByFile
from sync.engine.halt import halted
from sync.engine.record import own_log
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import INCOMPLETE, SET_ASIDE, Transaction

LISTED_MAX = 200
LOCAL = "local"
PARENT = "parent"
CENTRAL = "central"
BACKED_UP = "backed_up"
RUNGS = (LOCAL, PARENT, CENTRAL, BACKED_UP)
ROAD_CUT_AFTER_FAILURES = 1


class Rungs(NamedTuple):
    """How many of this station's own events stand on each rung (each counted once)."""

    local: int
    parent: int
    central: int
    backed_up: int


class Situation(NamedTuple):
    """What the page 上报情况 and the badge are made from.

    Units: milliseconds, 0 when never. Shapes: `parent` is the one attached to now, `own_parent` the
    one it belongs to: another while a fallback stands in; `parent_answers` whether the last round
    was answered; `carried` events of the subtree still to be handed up; `verdict` of the last
    answer; `by_file` which node above said by file to hold most of this station's log.
    """

    rungs: Rungs
    written: int
    oldest_unsent_ms: int
    carried: int
    parent: str
    parent_answers: bool
    last_success_ms: int
    last_attempt_ms: int
    failures: int
    verdict: str
    incomplete: int
    set_aside: int
    refused: int
    held: int
    frozen: str
    by_file: ByFile = file_book.NOBODY
    halted: str = ""
    own_parent: str = ""
    oldest_below_central_ms: int = 0


def situation(core: Core, transaction: Transaction) -> Situation:
    """Return how things stand right now."""
    own = own_log(core, transaction)
    link = transaction.parent_link()
    others = [log for log in transaction.logs() if log.name != core.log]
    backed_up = own.backup_position
    central = own.position if core.is_root else max(own.central_position, backed_up)
    by_file = file_book.furthest(core, transaction)
    parent = max(own.parent_position, central, by_file.position)
    oldest = transaction.log_events(core.log, own.parent_position, 1)
    below = [] if core.is_root else transaction.log_events(core.log, central, 1)
    failures = link.failures if link is not None else 0
    return Situation(
        rungs=Rungs(
            local=own.position - parent,
            parent=parent - central,
            central=central - backed_up,
            backed_up=backed_up,
        ),
        written=own.position,
        oldest_unsent_ms=oldest[0].received_ms if oldest and not core.is_root else 0,
        carried=0 if core.is_root else sum(o.position - o.parent_position for o in others),
        parent=core.parent or "",
        parent_answers=link is not None
        and failures <= ROAD_CUT_AFTER_FAILURES
        and link.last_success_ms > 0,
        last_success_ms=link.last_success_ms if link is not None else 0,
        last_attempt_ms=link.last_attempt_ms if link is not None else 0,
        failures=failures,
        verdict=link.verdict if link is not None else "",
        incomplete=len(transaction.events_standing(INCOMPLETE, LISTED_MAX)),
        set_aside=len(transaction.events_standing(SET_ASIDE, LISTED_MAX)),
        refused=len(transaction.refusals(core.log)),
        held=transaction.event_count(),
        frozen=own.frozen,
        own_parent=homes.home(core, transaction).own,
        by_file=by_file,
        halted=halt.reason if (halt := halted(transaction)) is not None else "",
        oldest_below_central_ms=below[0].received_ms if below else 0,
    )


def rung_of(core: Core, transaction: Transaction, event: EventName) -> str:
    """Return the rung one event stands on, as far as this node knows.

    Events of other stations that came down stand at least at the parent they came from.
    """
    log = transaction.log(LogName(event.station, event.epoch))
    if log is None:
        return PARENT
    if core.is_root or event.position <= log.central_position:
        return CENTRAL if event.position > log.backup_position else BACKED_UP
    above = log.parent_position
    if log.name == core.log and event.position > above:
        above = file_book.furthest(core, transaction).position
    return PARENT if event.position <= above else LOCAL


def rung_of_case(core: Core, transaction: Transaction, stream: str) -> str:
    """Return the lowest rung among this station's own events of a case."""
    own = [
        rung_of(core, transaction, stored.name)
        for stored in transaction.stream_events(stream)
        if stored.name.station == core.station and is_case_fact(stored)
    ]
    return min(own, key=RUNGS.index, default=CENTRAL)
