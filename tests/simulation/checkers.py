"""What must hold at every step, one checker per promise.

Each looks at the disks from outside, never at what a node says of itself while it runs.
"""

from __future__ import annotations

import json
from collections import defaultdict

from sync.protocol.names import EventName, LogName
from sync.protocol.ports import GOOD, RECOVERED, LogState, StoredEvent, Transaction
from tests.simulation.auditor import Auditor, Committed, Wrong
from tests.simulation.decreed import Decrees
from tests.simulation.station import Station

PAGE = 10_000
REMEMBERED = "purged_body"
"""Statement kind under which a disk remembers what was purged on it."""
AHEAD_MS_MAX = 5 * 60 * 1000 + 120_000
"""Five minutes, and what honest clocks are apart or were set back by."""


class Checkers:
    """Remembers what each disk showed before, so that nothing may be taken back."""

    def __init__(self, stations: dict[str, Station], auditor: Auditor, root: str) -> None:
        self.stations = stations
        self.auditor = auditor
        self.decrees = Decrees()
        self.root = root
        self.held: dict[str, set[str]] = defaultdict(set)
        self._recovered: dict[str, int] = defaultdict(int)
        self._arrival: dict[str, int] = defaultdict(int)
        self._cursors: dict[tuple[str, str], int] = defaultdict(int)
        self._seen: dict[str, tuple[int, int]] = {}
        self._logs: dict[str, dict[LogName, LogState]] = defaultdict(dict)
        self._editions: dict[str, dict[str, int]] = {}
        self._dirty: dict[str, set[str]] = defaultdict(set)
        self._believers: dict[str, dict[str, str]] = defaultdict(dict)
        self._without: dict[str, set[str]] = defaultdict(set)
        """Per station what was purged and seen there without its body."""

    def look(self, touched: list[str]) -> None:
        """Check the disks a step may have changed. Raises: Wrong."""
        changed = [code for code in touched if self._seen.get(code) != self._version(code)]
        for code in changed:
            with self.stations[code].durable.read() as transaction:
                self._book_own(code, transaction)
                if code == self.root:
                    self.decrees.learn(transaction)
        for code in changed:
            with self.stations[code].durable.read() as transaction:
                self._holdings(code, transaction)
        for code in changed:
            with self.stations[code].durable.read() as transaction:
                self._cursors_of(code, transaction)
                self._custody(code, transaction)
            self._seen[code] = self._version(code)

    def _version(self, code: str) -> tuple[int, int]:
        return self.stations[code].version

    def _book_own(self, code: str, transaction: Transaction) -> None:
        """G1: what an act returned as saved is on the disk, and stays there."""
        identity = self.stations[code].identity
        log = LogName(code, identity.epoch)
        known = len(self.auditor.of_log[log])
        for stored in transaction.log_events(log, known, PAGE):
            self.auditor.book(stored)
            self._by_its_own_clock(code, stored)
        state = transaction.log(log)
        if (state.position if state else 0) != len(self.auditor.of_log[log]):
            raise Wrong(f"{code} no longer holds its own log as far as it was committed")

    def _by_its_own_clock(self, code: str, stored: StoredEvent) -> None:
        """A hybrid clock never follows a remote time more than five minutes beyond its own."""
        clock = self.stations[code].clock
        ahead = stored.hlc // 1024 - clock()
        if ahead > AHEAD_MS_MAX and not clock.ever_wild:
            raise Wrong(f"{stored.name} is {ahead} ms ahead of its author's clock, which was right")

    def saved(self, names: list[str]) -> None:
        """G1: the names an act returned are committed. Raises: Wrong."""
        for name in names:
            if name not in self.auditor.committed:
                raise Wrong(f"{name} was returned as saved and is not on its author's disk")

    def _holdings(self, code: str, transaction: Transaction) -> None:
        """G2: nothing invented, altered or doubled; routing: nothing at strangers."""
        for stored in transaction.events_after(self._arrival[code], PAGE):
            name = str(stored.name)
            self._arrival[code] = stored.arrival
            if stored.standing == RECOVERED:
                self._recovered[code] += 1
                continue
            self._dirty[code].add(stored.stream)
            entry = self.auditor.committed.get(name)
            if entry is None:
                raise Wrong(f"{code} holds {name}, which its author never committed")
            if not self._as_written(entry, stored):
                raise Wrong(f"{code} holds {name} with other bytes than its author")
            if name in self.held[code]:
                raise Wrong(f"{code} stored {name} twice")
            self.held[code].add(name)
            if code not in self._may_hold(stored, name):
                raise Wrong(f"{code} holds {name} but neither is in its audience nor on its path")
        if transaction.event_count() != len(self.held[code]) + self._recovered[code]:
            raise Wrong(
                f"{code} holds {transaction.event_count()} events, not {len(self.held[code])}"
            )

    def _as_written(self, entry: Committed, stored: StoredEvent) -> bool:
        """Return whether an event is as its author wrote it, or all but a body that may be gone."""
        erased = entry._replace(salt=b"", body=None)
        allowed = [entry, erased] if self.decrees.may_lack_body(entry) else [entry]
        return tuple(stored.event) in [(e.envelope, e.signature, e.salt, e.body) for e in allowed]

    def _may_hold(self, stored: StoredEvent, name: str) -> set[str]:
        if name in self.auditor.spoiled:
            return {stored.name.station}
        if name in self.auditor.idle():
            return set(self.auditor.path(stored.name.station))
        return self.auditor.may_hold(stored.stream)

    def _cursors_of(self, code: str, transaction: Transaction) -> None:
        """G2: a receipt is for what is really durable there, and no cursor retreats."""
        seen = self._logs[code]
        above = self.auditor.path(code)[1] if code != self.root else ""
        # With another parent both begin anew: with what central gave its word for.
        moves = transaction.meta("count/attachments")
        for log in transaction.logs():
            if seen.get(log.name) == log:
                continue
            seen[log.name] = log
            held = self._forward(code, f"{log.name} position", log.position)
            for position in range(held, log.position):
                self._must_be(code, log, position + 1, f"{code}'s cursor")
            if self.auditor.may_adopt:  # what central's receipt said of a new parent, it takes back
                self._may_fall(code, f"{log.name} parent {moves}", log.parent_position, log)
            given = self._forward(code, f"{log.name} parent {moves}", log.parent_position)
            for position in range(given, log.parent_position):
                self._must_be(above, log, position + 1, f"the receipt {code} was shown by")
            central = self._forward(code, f"{log.name} central", log.central_position)
            for position in range(central, log.central_position):
                self._must_be(self.root, log, position + 1, f"the rung {code} was shown of")
        editions = transaction.editions()
        if self._editions.get(code) != editions:
            self._editions[code] = editions
            for shelf, edition in editions.items():
                self._forward(code, shelf, edition)
        link = transaction.parent_link()
        if link is not None:
            self._forward(code, f"received {link.station}", link.received)

    def _may_fall(self, code: str, what: str, value: int, log: LogState) -> None:
        """Let a cursor fall that was never the parent's own word, but central's for it."""
        before = self._cursors[code, what]
        if value < before <= log.central_position:
            self._cursors[code, what] = value

    def _must_be(self, where: str, log: LogState, position: int, whose: str) -> None:
        name = f"{log.name.station}/{log.name.epoch}/{position}"
        if self.auditor.may_adopt and name in self.held[self.root]:
            return
        if name not in self.held[where] and name not in self.auditor.passed():
            raise Wrong(f"{name} is covered by {whose} {where or 'nobody'} and is not held there")

    def _forward(self, code: str, what: str, value: int) -> int:
        before = self._cursors[code, what]
        if value < before:
            raise Wrong(f"the cursor “{what}” at {code} went back from {before} to {value}")
        self._cursors[code, what] = value
        return before

    def _custody(self, code: str, transaction: Transaction) -> None:
        """G4: without a takeover one station at most may advance; with one, one per custody."""
        station = self.stations[code]
        table = station.table(transaction)
        self._erased(code, transaction)
        for stream in sorted(self._dirty[code]):
            row = table.get(stream)
            believers = self._believers[stream]
            believers.pop(code, None)
            if row is None or row.cannot_be_shown or row.holder != code or row.offered_to:
                continue
            custody = str(json.loads(table.state(stream) or "{}").get("custody", ""))
            believers[code] = custody
            contested = stream in self.auditor.taken_over
            contested = contested or self.decrees.touched(self.auditor, stream)
            rivals = [c for c, name in believers.items() if name == custody or not contested]
            if len(rivals) > 1:
                names = " and ".join(sorted(rivals))
                raise Wrong(f"{names} may both advance {stream} (custody {custody})")
        if not station.waiting.pending:
            self._dirty[code].clear()

    def _erased(self, code: str, transaction: Transaction) -> None:
        """G10: what was erased on a disk never comes back to it."""
        for name in self.decrees.purged & self.held[code]:
            held = transaction.event(EventName.parse(name))
            without = held is None or (held.event.body is None and not held.event.salt)
            # One that has not heard of it yet may have come by a file from somebody who had.
            if without:
                if transaction.statement(REMEMBERED, name) is not None:
                    self._without[code].add(name)
            elif name in self._without[code]:
                raise Wrong(f"{code} has the body of {name} again, which was purged there")

    def owed_or_held(self) -> None:
        """What a parent routed to a child is held there or still owed. Raises: Wrong."""
        for code, station in self.stations.items():
            with station.durable.read() as transaction:
                for link in transaction.child_links():
                    if len(self.auditor.parents_ever[link.station]) == 1:
                        self._owed_or_held(code, link.station, transaction)

    def _owed_or_held(self, parent: str, child: str, transaction: Transaction) -> None:
        owed = {item.ref for item in transaction.outbox(child, 0, PAGE) if item.kind == "event"}
        for stream in sorted(transaction.streams_routed(child)):
            for stored in transaction.stream_events(stream):
                name = str(stored.name)
                below = child in self.auditor.path(stored.name.station)
                fine = below or stored.standing != GOOD or name in owed or name in self.held[child]
                if not fine:
                    raise Wrong(f"{parent} owes {name} to {child} no more, which does not hold it")
