"""Tables of the memory store: an undo log, then logs, events and registers."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec

from sync.protocol.errors import StorageError
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import (
    RECOVERED,
    ChildLink,
    LogState,
    ParentLink,
    Refused,
    StoredEvent,
)
from sync.protocol.register_table import Leaving
from sync.protocol.registers import Entry, Shelf


class Tables:
    """All state of one memory store."""

    def __init__(self) -> None:
        self.meta: dict[str, str] = {}
        self.certificates: dict[LogName, bytes] = {}
        self.logs: dict[LogName, LogState] = {}
        self.refusals: dict[LogName, dict[int, Refused]] = defaultdict(dict)
        self.doubts: dict[EventName, int] = {}
        self.events: dict[EventName, StoredEvent] = {}
        self.arrivals: list[EventName] = []
        self.positions: dict[LogName, list[int]] = defaultdict(list)
        self.streams: dict[str, list[EventName]] = defaultdict(list)
        self.audiences: dict[str, dict[str, bool]] = defaultdict(dict)
        self.audiences_of: dict[str, dict[str, bool]] = defaultdict(dict)
        self.child_links: dict[str, ChildLink] = {}
        self.parent_link: dict[int, ParentLink] = {}
        self.routes: dict[str, dict[str, bool]] = defaultdict(dict)
        self.routed: dict[str, dict[str, bool]] = defaultdict(dict)
        self.outbox: dict[str, dict[int, tuple[str, str]]] = defaultdict(dict)
        self.owed: dict[tuple[str, str, str], int] = {}
        self.sequences: dict[str, int] = {}
        self.statements: dict[str, dict[str, bytes]] = defaultdict(dict)
        self.editions: dict[Shelf, int] = {}
        self.shelves: dict[Shelf, dict[str, Entry]] = {}


class MemoryTable:
    """Base of the table groups: changes go through it and can be taken back."""

    def __init__(self, tables: Tables, *, writable: bool) -> None:
        self.tables = tables
        self.writable = writable
        self._undo: list[Callable[[], object]] = []

    def mark(self) -> int:
        """Return the place in the undo log to come back to."""
        return len(self._undo)

    def undo_to(self, mark: int) -> None:
        """Take back every change made since `mark`."""
        while len(self._undo) > mark:
            self._undo.pop()()

    def _note(self, undo: Callable[[], object]) -> None:
        if not self.writable:
            raise StorageError("read-only")
        self._undo.append(undo)

    def _put(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        if key in table:
            self._note(partial(table.__setitem__, key, table[key]))
        else:
            self._note(partial(table.pop, key))
        table[key] = value

    def _drop(self, table: dict[Any, Any], key: Any) -> None:
        if key in table:
            self._note(partial(table.__setitem__, key, table[key]))
            del table[key]


class MemoryLogTable(MemoryTable):
    """Implements `ports.LogTable`."""

    def certificate(self, log: LogName) -> bytes | None:
        return self.tables.certificates.get(log)

    def put_certificate(self, log: LogName, raw: bytes) -> None:
        self._put(self.tables.certificates, log, raw)

    def log(self, name: LogName) -> LogState | None:
        return self.tables.logs.get(name)

    def put_log(self, state: LogState) -> None:
        self._put(self.tables.logs, state.name, state)

    def logs(self, *, source: str = "", frozen: bool = False) -> Sequence[LogState]:
        found = [self.tables.logs[name] for name in sorted(self.tables.logs)]
        if source:
            return [one for one in found if one.source == source and (one.frozen or not frozen)]
        return found

    def logs_unsent(self) -> Sequence[LogState]:
        unsent = [
            (*self._first_unsent(state), state.name)
            for state in self.tables.logs.values()
            if state.position > state.parent_position
        ]
        return [self.tables.logs[name] for *_, name in sorted(unsent)]

    def _first_unsent(self, state: LogState) -> tuple[bool, int]:
        positions = self.tables.positions.get(state.name, [])
        at = bisect_right(positions, state.parent_position)
        if at == len(positions):
            return True, 0
        return False, self.tables.events[EventName(*state.name, positions[at])].arrival

    def refuse(self, refused: Refused) -> None:
        self._put(self.tables.refusals[refused.log], refused.position, refused)

    def refusals(self, log: LogName) -> Sequence[Refused]:
        held = self.tables.refusals.get(log, {})
        return [held[position] for position in sorted(held)]

    def doubts(self, name: EventName) -> int:
        return self.tables.doubts.get(name, 0)

    def doubt(self, name: EventName) -> None:
        self._put(self.tables.doubts, name, self.doubts(name) + 1)


def _aside(held: StoredEvent) -> EventName:
    """Return the key of a recovered event: its name is free for another."""
    return EventName(held.name.station, held.name.epoch, -held.arrival)


class MemoryEventTable(MemoryTable):
    """Implements `ports.EventTable`."""

    def event(self, name: EventName) -> StoredEvent | None:
        return self.tables.events.get(name)

    def foresee(self, names: Iterable[EventName], streams: Iterable[str]) -> None:
        """Nothing to read ahead."""

    def recovered(self, name: EventName) -> Sequence[StoredEvent]:
        kept = (self.tables.events[key] for key in self.tables.arrivals if key.position < 0)
        return [event for event in kept if event.name == name]

    def put_event(self, stored: StoredEvent) -> StoredEvent:
        if stored.standing != RECOVERED and stored.name in self.tables.events:
            raise ValueError(f"{stored.name} is held already")
        tables = self.tables
        held = msgspec.structs.replace(stored, arrival=len(tables.arrivals) + 1)
        key = _aside(held) if held.standing == RECOVERED else held.name
        self._put(tables.events, key, held)
        self._note(tables.arrivals.pop)
        tables.arrivals.append(key)
        if key.position > 0:
            positions = tables.positions[key.log]
            self._note(partial(positions.remove, key.position))
            insort(positions, key.position)
        stream = tables.streams[held.stream]
        self._note(stream.pop)
        stream.append(key)
        return held

    def set_standing(self, name: EventName, standing: str, reason: str) -> None:
        held = self.tables.events.get(name)
        if held is None:
            raise LookupError(f"{name} is not held")
        changed = msgspec.structs.replace(held, standing=standing, reason=reason)
        if standing != RECOVERED:
            self._put(self.tables.events, name, changed)
            return
        tables, key = self.tables, _aside(held)
        self._drop(tables.events, name)
        self._put(tables.events, key, changed)
        stream, positions = tables.streams[held.stream], tables.positions[name.log]
        for keys, at in ((tables.arrivals, held.arrival - 1), (stream, stream.index(name))):
            self._note(partial(keys.__setitem__, at, name))
            keys[at] = key
        self._note(partial(insort, positions, name.position))
        positions.remove(name.position)

    def drop_body(self, name: EventName) -> int:
        held = self.tables.events.get(name)
        if held is None:
            raise LookupError(f"{name} is not held")
        size = len(held.event.salt) + len(held.event.body or b"")
        self._put_body(name, held, b"", None)
        return size

    def drop_recovered_bodies(self, name: EventName) -> int:
        kept = [one for one in self.recovered(name) if one.event.body is not None]
        for one in kept:
            self._put_body(_aside(one), one, b"", None)
        return len(kept)

    def restore_body(self, name: EventName, salt: bytes, body: bytes) -> None:
        held = self.tables.events.get(name)
        if held is None:
            raise LookupError(f"{name} is not held")
        if held.event.body not in (None, body):
            raise StorageError("a body may be dropped or restored, not changed")
        self._put_body(name, held, salt, body)

    def _put_body(self, key: EventName, held: StoredEvent, salt: bytes, body: bytes | None) -> None:
        event = held.event._replace(salt=salt, body=body)
        self._put(self.tables.events, key, msgspec.structs.replace(held, event=event))

    def log_events(self, log: LogName, after: int, limit: int) -> Sequence[StoredEvent]:
        positions = self.tables.positions.get(log, [])
        start = bisect_right(positions, after)
        return [
            self.tables.events[EventName(*log, position)]
            for position in positions[start : start + limit]
        ]

    def stream_events(self, stream: str) -> Sequence[StoredEvent]:
        return [self.tables.events[name] for name in self.tables.streams.get(stream, [])]

    def events_after(self, arrival: int, limit: int) -> Sequence[StoredEvent]:
        return [self.tables.events[name] for name in self.tables.arrivals[arrival:][:limit]]

    def events_standing(self, standing: str, limit: int) -> Sequence[StoredEvent]:
        events = (self.tables.events[name] for name in self.tables.arrivals)
        return [event for event in events if event.standing == standing][:limit]

    def event_count(self) -> int:
        return len(self.tables.arrivals)

    def epochs(self, station: str) -> Sequence[int]:
        held = self.tables.positions.items()
        return sorted(log.epoch for log, found in held if log.station == station and found)

    def audience(self, stream: str) -> frozenset[str]:
        return frozenset(self.tables.audiences.get(stream, ()))

    def add_audience(self, stream: str, stations: Iterable[str]) -> None:
        for station in stations:
            if station not in self.tables.audiences[stream]:
                self._put(self.tables.audiences[stream], station, True)
                self._put(self.tables.audiences_of[station], stream, True)

    def streams_of(self, stations: Iterable[str]) -> Sequence[str]:
        found: set[str] = set()
        for station in stations:
            found.update(self.tables.audiences_of.get(station, ()))
        return sorted(found)


class MemoryRegisterTable(MemoryTable):
    """Implements `ports.RegisterTable`."""

    def edition(self, shelf: Shelf) -> int:
        return self.tables.editions.get(shelf, 0)

    def editions(self) -> dict[str, int]:
        return {str(shelf): self.tables.editions[shelf] for shelf in sorted(self.tables.editions)}

    def replace_shelf(
        self,
        shelf: Shelf,
        edition: int,
        entries: Iterable[Entry],
        leaving: Leaving | None = None,
    ) -> None:
        self._hold(shelf, edition, {entry.key: entry for entry in entries}, leaving)

    def change_shelf(
        self,
        shelf: Shelf,
        edition: int,
        put: Iterable[Entry],
        drop: Sequence[str],
        leaving: Leaving | None = None,
    ) -> None:
        held = self.tables.shelves.get(shelf, {})
        kept = {key: entry for key, entry in held.items() if key not in set(drop)}
        self._hold(shelf, edition, kept | {entry.key: entry for entry in put}, leaving)

    def _hold(
        self, shelf: Shelf, edition: int, entries: dict[str, Entry], leaving: Leaving | None
    ) -> None:
        for key, entry in self.tables.shelves.get(shelf, {}).items():
            if leaving is not None and entries.get(key) != entry:
                leaving(entry)
        self._put(self.tables.editions, shelf, edition)
        self._put(self.tables.shelves, shelf, entries)

    def shelf_keys(self, shelf: Shelf) -> Sequence[str]:
        return sorted(self.tables.shelves.get(shelf, {}))

    def shelf_entries(self, shelf: Shelf) -> Iterator[Entry]:
        held = self.tables.shelves.get(shelf, {})
        return iter([held[key] for key in sorted(held)])

    def shelf_entry(self, shelf: Shelf, key: str) -> Entry | None:
        return self.tables.shelves.get(shelf, {}).get(key)

    def entries(self, register: str) -> Sequence[Entry]:
        return [
            self.tables.shelves[shelf][key]
            for shelf in self._shelves(register)
            for key in sorted(self.tables.shelves[shelf])
        ]

    def entry(self, register: str, key: str) -> Entry | None:
        for shelf in self._shelves(register):
            found = self.tables.shelves[shelf].get(key)
            if found is not None:
                return found
        return None

    def _shelves(self, register: str) -> list[Shelf]:
        return sorted(shelf for shelf in self.tables.shelves if shelf.register == register)
