"""What must hold at rest, after every link was healed: one checker per promise."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from casework.case import Case, state_hash
from casework.fold import fold
from casework.rules import due_by_rule
from node.facts import case_event, is_case_fact
from sync.engine import fetching, halt, tree
from sync.protocol.names import EventName
from sync.protocol.ports import GOOD, INCOMPLETE, SET_ASIDE, LogState, Transaction
from sync.protocol.registers import Shelf
from tests.simulation.auditor import Auditor, Committed, Wrong
from tests.simulation.checkers import Checkers
from tests.simulation.custody_forging import HELPED_ITSELF, check_helped
from tests.simulation.decreed_checks import PRUNED, check_purged, check_trusted_again, picture
from tests.simulation.station import Station

CUSTODY_KINDS = ("entrusted", "received", "signed_for", "accepted_custody", "taken_over")
OFFERS = ("handed_over", "handed_back")


def check_all(checkers: Checkers, rng: random.Random) -> None:
    """Check every promise at rest. Raises: Wrong."""
    check_nothing_lost(checkers)
    check_nothing_waits(checkers)
    check_nobody_halted(checkers)
    check_forged(checkers)
    check_registers(checkers)
    check_attachments(checkers)
    check_rules_at_rest(checkers)
    check_trusted_again(checkers)
    check_purged(checkers, set())
    check_bodies(checkers)
    check_same_picture(checkers, rng)
    check_helped(checkers)


def check_bodies(checkers: Checkers) -> None:
    """Bodies that were dropped and are needed again have come."""
    for code, station in checkers.stations.items():
        with station.durable.read() as transaction:
            # What came with the last answer is struck off when the next round begins.
            noted = map(EventName.parse, (transaction.meta("bodies_wanted") or "").split())
            held = [stored for name in noted if (stored := transaction.event(name)) is not None]
            if fetching.lacking(transaction, held):
                raise Wrong(f"{code} still waits for bodies at rest")


def check_nothing_lost(checkers: Checkers) -> None:
    """G2: whoever must hold a stream holds all of it; central holds everything."""
    auditor, held = checkers.auditor, checkers.held
    idle = auditor.idle()
    for name, entry in auditor.committed.items():
        if name in auditor.spoiled:
            continue
        holders = auditor.path(entry.log[0]) if name in idle else auditor.must_hold(entry.stream)
        for code in holders:
            if code in checkers.stations and name not in held[code]:
                raise Wrong(f"{name} never came to {code}, which is in its audience or on its path")
    for name in auditor.returned:
        if name not in held[checkers.root]:
            raise Wrong(f"{name} was told as saved and never came to central")


def check_nothing_waits(checkers: Checkers) -> None:
    """Everything written is on the rung *central*, no outbox owes, nothing is set aside.

    Only what was forged is, and no log of an honest station is frozen or has a hole.
    """
    idle, doubted = checkers.auditor.idle(), checkers.auditor.doubted
    for code, station in checkers.stations.items():
        with station.durable.read() as transaction:
            for standing in (INCOMPLETE, SET_ASIDE):
                for stored in transaction.events_standing(standing, 1000):
                    needed = code in checkers.auditor.must_hold(stored.stream)
                    if str(stored.name) not in idle and needed:  # a former parent has parts
                        raise Wrong(f"{stored.name} is {standing} ({stored.reason}) at {code}")
            for log in transaction.logs():
                holes = {str(EventName(*log.name, r.position))
                         for r in transaction.refusals(log.name)}  # fmt: skip
                if log.frozen or holes - checkers.auditor.passed():
                    raise Wrong(f"the log {log.name} of honest stations is frozen or has holes")
                _check_holes_shown(checkers, code, log, holes)
                own = log.name.station == code and code != checkers.root
                # A receipt by a stick may go with central's disk: told with the next event then.
                told = log.central_position == log.position or checkers.root in doubted
                if own and not (told and log.position == log.parent_position):
                    raise Wrong(f"the author {code} never learnt that its log came to central")
            met_twice = transaction.meta("count/second_copies")
            for link in transaction.child_links():
                if link.suspect or (met_twice and not _called_by_doubted(checkers, code)):
                    raise Wrong(f"{link.station} is honest and is suspected at {code}")
                if _owes(checkers, transaction, code, link.station):
                    raise Wrong(f"{code} still owes something to {link.station} at rest")
            if code != checkers.root and transaction.outbox_count("^"):
                raise Wrong(f"{code} still owes a statement to its parent at rest")


def check_nobody_halted(checkers: Checkers) -> None:
    """No honest station's own log stands still."""
    for code, station in checkers.stations.items():
        with station.durable.read() as transaction:
            stopped = halt.halted(transaction)
        if stopped is not None:
            raise Wrong(f"{code} is honest and its log stands still: {stopped.reason}")


def _owes(checkers: Checkers, transaction: Transaction, code: str, child: str) -> bool:
    """What a former parent still keeps for a child that left is nobody's harm."""
    return code == checkers.auditor.path(child)[1] and transaction.outbox_count(child) > 0


def _called_by_doubted(checkers: Checkers, code: str) -> bool:
    return any(code in checkers.auditor.path(one)[1:2] for one in checkers.auditor.doubted)


def _check_holes_shown(checkers: Checkers, code: str, state: LogState, holes: set[str]) -> None:
    """What does not verify is a hole all the way up, and shown as one at its author.

    A former parent shows those as far as the log came to it.
    """
    log = state.name
    spoiled = {n for n in checkers.auditor.passed() if n.startswith(f"{log.station}/{log.epoch}/")}
    if code not in checkers.auditor.path(log.station):
        spoiled = {n for n in spoiled if EventName.parse(n).position <= state.position}
    if spoiled != holes:
        raise Wrong(f"{code} shows the holes {holes} of {log}, not {spoiled}")


def check_forged(checkers: Checkers) -> None:
    """What was written without right is held where it went up, counts nowhere, opens nothing."""
    for entry in [e for entries in checkers.auditor.forged.values() for e in entries]:
        for code in checkers.auditor.path(entry.log[0]):
            with checkers.stations[code].durable.read() as transaction:
                held = transaction.event(EventName.parse(entry.name))
            if held is None or held.standing == GOOD:
                raise Wrong(f"{entry.name} was forged and counts at {code}")


def check_attachments(checkers: Checkers) -> None:
    """Who calls whom is known all the way up: a station's newest attachment at every ancestor."""
    for code, station in checkers.stations.items():
        with station.durable.read() as transaction:
            said = transaction.statement("attachment", code)
        for above in checkers.auditor.path(code)[1:]:
            with checkers.stations[above].durable.read() as transaction:
                if transaction.statement("attachment", code) != said:
                    raise Wrong(f"the attachment of {code} never came to {above}")


def check_registers(checkers: Checkers) -> None:
    """G6: every shelf a station has is the newest edition, entry for entry."""
    root = checkers.stations[checkers.root]
    with root.durable.read() as transaction:
        newest = transaction.editions()
        entries = {name: _entries(transaction, name) for name in newest}
        shape = tree.load(root.identity.core(), transaction, root.clock())
    for code, station in checkers.stations.items():
        scopes = shape.scopes_below(code)
        with station.durable.read() as transaction:
            for shelf, edition in transaction.editions().items():
                if Shelf.parse(shelf)[1:] not in scopes:
                    continue  # it moved out of this one's reach
                if edition != newest[shelf]:
                    raise Wrong(f"{code} stayed on edition {edition} of {shelf}")
                if _entries(transaction, shelf) != entries[shelf]:
                    raise Wrong(f"{code} has other entries on {shelf} than central")
            for register in ("stations", "calendar", "matters", "services", "staff"):
                if not transaction.entries(register):
                    raise Wrong(f"{code} never got the register {register}")


def _entries(transaction: Transaction, shelf: str) -> set[Any]:
    return set(transaction.shelf_entries(Shelf.parse(shelf)))


def check_same_picture(checkers: Checkers, rng: random.Random) -> None:
    """G3, G4: all who hold a case fold it to one state, in any order, and show it so."""
    auditor = checkers.auditor
    not_shown = auditor.broken | checkers.decrees.purged
    for stream in auditor.cases():
        central, _ = picture(checkers.stations[checkers.root], stream)
        for code in sorted(auditor.must_hold(stream) & checkers.stations.keys()):
            folded, shown = picture(checkers.stations[code], stream)
            if folded not in (central, PRUNED):
                raise Wrong(f"{code} and central fold {stream} to different states")
            if shown != ("" if stream in not_shown else central):
                raise Wrong(f"{code} shows {stream} in another state than its events make")
        case = _shuffled(checkers.stations[checkers.root], stream, rng)
        if state_hash(case) != central:
            raise Wrong(f"{stream} folds to another state in another order")
        if not case.bodies_missing:
            check_custody(auditor, stream, case)


def check_rules_at_rest(checkers: Checkers) -> None:
    """Nothing is left that a station's own rules would have it write."""
    for code, station in checkers.stations.items():
        node = station.node
        if node is None:
            raise Wrong(f"{code} is down at rest")
        with station.durable.read() as transaction:
            context = node.desk.context(transaction, node.clock_ms())
            for stream in checkers.auditor.cases():
                if stream in checkers.auditor.broken:
                    continue
                case = node.desk.case(transaction, stream)
                due = [] if case is None else due_by_rule(context, case)
                if due:
                    raise Wrong(f"{code} has still to write {due[0].type} in {stream} by rule")


def _shuffled(station: Station, stream: str, rng: random.Random) -> Case:
    with station.durable.read() as transaction:
        held = transaction.stream_events(stream)
    facts = [case_event(station.core, s) for s in held if is_case_fact(s)]
    facts += facts[: len(facts) // 2]
    rng.shuffle(facts)
    return fold(facts)


def check_custody(auditor: Auditor, stream: str, case: Case) -> None:
    """G4: every applied advancing act was its author's who held the custody it names."""
    facts = [entry for entry in auditor.of_stream[stream] if not entry.kind.startswith("sync.")]
    by_name = {entry.name: entry for entry in facts}
    dropped = {item.name for item in case.superseded}
    if {entry.name for entry in case.timeline} != by_name.keys():
        raise Wrong(f"the timeline of {stream} does not show every event")
    if case.custody not in by_name or by_name[case.custody].log[0] != case.holder:
        raise Wrong(f"{stream} is held by {case.holder}, which did not write its custody")
    on_chain = _chain(by_name, case.custody)
    _check_takeovers(by_name, on_chain)
    applied = [e for e in by_name.values() if "custody" in e.said() and e.name not in dropped]
    for entry in applied:
        custody = str(entry.said()["custody"])
        if custody not in on_chain:
            raise Wrong(f"{entry.name} is applied under a custody that lost")
        if not _by_holder(entry, by_name[custody], by_name.values()):
            raise Wrong(f"{entry.name} is applied and its author did not hold {custody}")
    for custody in on_chain:
        own = [e for e in applied if e.said()["custody"] == custody
               and e.log[0] == by_name[custody].log[0]]  # fmt: skip
        ends = [(e.log, e.position) for e in own if e.kind in OFFERS]
        if ends and any((e.log, e.position) > min(ends) for e in own):
            raise Wrong(f"an act after the offer of {custody} is applied")


def _check_takeovers(by_name: dict[str, Committed], on_chain: set[str]) -> None:
    """A takeover from above wins wherever one follows the same custody."""
    for entry in by_name.values():
        follows = str(entry.said().get("follows", ""))
        if entry.kind != "taken_over" or follows not in on_chain or HELPED_ITSELF in entry.said():
            continue
        winners = [by_name[n] for n in on_chain if by_name[n].said().get("follows") == follows]
        if [winner.kind for winner in winners] != ["taken_over"]:
            raise Wrong(f"the takeover {entry.name} of {follows} has no effect")


def _chain(by_name: dict[str, Committed], last: str) -> set[str]:
    found = {last}
    while by_name[last].said().get("follows"):
        last = str(by_name[last].said()["follows"])
        found.add(last)
    return found


def _by_holder(entry: Committed, custody: Committed, all_of_it: Iterable[Committed]) -> bool:
    if entry.log[0] == custody.log[0]:
        return True
    offered = {
        str(other.said().get("to", ""))
        for other in all_of_it
        if other.kind in OFFERS and other.said().get("custody") == custody.name
    }
    return entry.kind == "handed_back" and entry.log[0] in offered
