"""What must hold at rest under central's decrees, and after the last of them was lifted."""

from __future__ import annotations

from casework.case import state_hash
from casework.fold import fold
from node.facts import case_event, is_case_fact
from sync.engine import fetching
from sync.protocol.names import EventName
from sync.protocol.ports import GOOD, REVOKED, Transaction
from tests.simulation.auditor import Wrong
from tests.simulation.checkers import Checkers
from tests.simulation.station import Station

PRUNED = "pruned"
"""In the place of the hash of a fold."""


def check_decreed(checkers: Checkers, away: set[str]) -> None:
    """G3, G10: all but those below a refused station hold, count and show the same.

    Raises: Wrong.
    """
    for name, entry in checkers.auditor.committed.items():
        brought = entry.log[0] in away or name in checkers.auditor.spoiled
        if not brought and name not in checkers.held[checkers.root]:
            raise Wrong(f"{name} was written beside what is revoked and never came to central")
    for stream in checkers.auditor.cases():
        _check_counting(checkers, stream, away)
        _check_pictures(checkers, stream, away)
    check_purged(checkers, away)


def _check_counting(checkers: Checkers, stream: str, away: set[str]) -> None:
    """What counts is the least set by openings and rights below the cuts, whatever came first."""
    auditor, decrees = checkers.auditor, checkers.decrees
    ever = decrees.counting(auditor, stream).names
    now = decrees.counting(auditor, stream, checkers.held[checkers.root])
    must = {above for member in now.members for above in auditor.path(member)} | {checkers.root}
    for code, station in checkers.stations.items():
        with station.durable.read() as transaction:
            held = transaction.stream_events(stream)
            good = {str(event.name) for event in held if event.standing == GOOD}
        if not good <= ever:
            raise Wrong(f"{sorted(good - ever)} lie above a cut and count at {code}")
        if code in must - away and good != now.names:
            raise Wrong(f"{sorted(now.names ^ good)} of {stream} count at {code} or at central,"
                        " not at both")  # fmt: skip


def _check_pictures(checkers: Checkers, stream: str, away: set[str]) -> None:
    """All who count the same fold and show the same."""
    if stream in checkers.auditor.broken:
        return
    central = picture(checkers.stations[checkers.root], stream)
    members = checkers.decrees.counting(
        checkers.auditor, stream, checkers.held[checkers.root]
    ).members
    must = {above for member in members for above in checkers.auditor.path(member)}
    for code in sorted(must & checkers.stations.keys() - away):
        folded, shown = picture(checkers.stations[code], stream)
        if folded not in (central[0], PRUNED):
            raise Wrong(f"{code} and central fold {stream} to different states under decrees")
        if shown != ("" if stream in checkers.decrees.purged else central[0]):
            raise Wrong(f"{code} shows {stream} in another state than its events make")


def picture(station: Station, stream: str) -> tuple[str, str]:
    """Return the hash of a fresh fold, and the one shown in the list; "" where there is none.

    Shapes: the first is PRUNED where a body is not here that was not purged; the row stays then.
    """
    with station.durable.read() as transaction:
        held = transaction.stream_events(stream)
        lacking = fetching.lacking(transaction, [event for event in held if is_case_fact(event)])
        facts = [case_event(station.core, event) for event in held if is_case_fact(event)]
        row = station.table(transaction).get(stream)
    shown = "" if row is None or row.cannot_be_shown else row.state_hash
    if lacking:
        return PRUNED, shown
    return (state_hash(fold(facts)) if facts else ""), shown


def check_purged(checkers: Checkers, away: set[str]) -> None:
    """G10: of what was purged there is neither body nor salt, and the case says so."""
    for code in sorted(checkers.stations.keys() - away):
        station = checkers.stations[code]
        with station.durable.read() as transaction:
            for name in sorted(checkers.decrees.purged):
                _check_erased(code, transaction, name)
                row = station.table(transaction).get(name)
                if row is not None and (not row.cannot_be_shown or row.applicant_name):
                    raise Wrong(f"{code} still shows the case {name}, whose opening was purged")


def _check_erased(code: str, transaction: Transaction, name: str) -> None:
    parsed = EventName.parse(name)
    held = [transaction.event(parsed), *transaction.recovered(parsed)]
    for stored in held:
        if stored is not None and (stored.event.body is not None or stored.event.salt):
            raise Wrong(f"{code} still has the body of {name}, which was purged")


def check_trusted_again(checkers: Checkers) -> None:
    """Nothing is held back any more once every station is trusted again."""
    for code, station in checkers.stations.items():
        with station.durable.read() as transaction:
            for stored in transaction.events_standing(REVOKED, 1):
                raise Wrong(f"{code} holds back {stored.name}, of a station trusted again")
