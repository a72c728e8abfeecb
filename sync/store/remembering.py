"""A write transaction that talks little: what it read it knows, what it wrote goes out together.

The engine asks and writes a dozen times per event. In a file each costs ten microseconds and the
handing over of the interpreter, over a wire far more. As the only writer (see `writer`, `postgres`)
a transaction may keep what it read and hold back what it wrote. Only what the engine does per event
is kept here. Every other method works on `connection`: reaching for it sends what is held back and
forgets what is known, so that a method nobody thought of here is right, if slower.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec

from sync.protocol.names import EventName, LogName
from sync.protocol.ports import RECOVERED, ChildLink, LogState, Refused, StoredEvent
from sync.store.pending import Pending
from sync.store.sql import Connection
from sync.store.sql_events import stored_of
from sync.store.sql_transaction import SqlTransaction

KEPT_EVENTS_MAX = 4000
"""Events known at most before everything is forgotten: some megabytes."""


class Ahead(NamedTuple):
    """Rows read ahead: of events by name and by stream, and (stream, station), (stream, link)."""

    named: Iterable[Any]
    of_streams: Iterable[Any]
    members: Iterable[tuple[str, str]]
    routes: Iterable[tuple[str, str]]


class RememberingTransaction(SqlTransaction):
    """Implements `ports.Transaction` for the one writer of a database."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._direct = SqlTransaction(connection)
        self._forget()

    def _send(self, pending: Pending) -> None:
        """Write everything that was held back. Raises: the driver's error."""
        raise NotImplementedError

    def _read_ahead(self, names: list[EventName], streams: list[str]) -> Ahead:
        """Return what is held under these names and of these streams; neither list is empty."""
        raise NotImplementedError

    def _forget(self) -> None:
        """Know nothing, owe nothing."""
        self._pending = Pending()
        self._meta: dict[str, str | None] = {}
        self._logs: dict[LogName, LogState | None] = {}
        self._refusals: dict[LogName, Sequence[Refused]] = {}
        self._held: dict[EventName, StoredEvent | None] = {}
        self._streams: dict[str, list[StoredEvent]] = {}
        self._kept = 0
        self._audiences: dict[str, set[str]] = {}
        self._routes: dict[str, set[str]] = {}
        self._links: dict[str, ChildLink | None] = {}
        self._statements: dict[tuple[str, str], bytes | None] = {}
        self._sequences: dict[str, int] = {}
        self._arrival = -1

    @property
    def connection(self) -> Connection:
        """The connection, for whatever is not kept here; everything written is in its tables."""
        self.settle()
        self._forget()
        return self._connection

    def settle(self) -> None:
        """Send what is held back. Raises: the driver's error."""
        pending, self._pending = self._pending, Pending()
        self._send(pending)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo this block alone when it raises; savepoints may be nested."""
        self.settle()
        self._connection.execute("SAVEPOINT part")
        try:
            yield
            self.settle()
        except BaseException:
            self._forget()
            self._connection.execute("ROLLBACK TO part")
            self._connection.execute("RELEASE part")
            raise
        self._connection.execute("RELEASE part")

    def foresee(self, names: Iterable[EventName], streams: Iterable[str]) -> None:
        """Read at once what a frame will ask about event by event."""
        asked = [name for name in dict.fromkeys(names) if name not in self._held]
        threads = [stream for stream in dict.fromkeys(streams) if stream not in self._streams]
        if not asked or not threads:
            return
        self._make_room()
        ahead = self._read_ahead(asked, threads)
        self._held.update(dict.fromkeys(asked))
        for stream in threads:
            self._streams[stream] = []
            self._audiences[stream] = set(self._pending.audiences.get(stream, ()))
            self._routes[stream] = set(self._pending.routes.get(stream, ()))
        for event in map(stored_of, ahead.named):
            self._held[event.name] = event
        for event in map(stored_of, ahead.of_streams):
            self._streams[event.stream].append(event)
            self._kept += 1
        for event in self._pending.events:
            if event.stream in threads:
                self._streams[event.stream].append(event)
        for stream, station in ahead.members:
            self._audiences[stream].add(station)
        for stream, link in ahead.routes:
            self._routes[stream].add(link)

    def _make_room(self) -> None:
        """Forget everything once too much is known; called before something more is read."""
        if self._kept > KEPT_EVENTS_MAX:
            self.settle()
            self._forget()

    # Settings, logs, statements: each key is read once and written once.

    def meta(self, key: str) -> str | None:
        if key not in self._meta:
            self._meta[key] = self._direct.meta(key)
        return self._meta[key]

    def set_meta(self, key: str, value: str) -> None:
        self._meta[key] = self._pending.meta[key] = value

    def log(self, name: LogName) -> LogState | None:
        if name not in self._logs:
            self._logs[name] = self._direct.log(name)
        return self._logs[name]

    def put_log(self, state: LogState) -> None:
        self._logs[state.name] = self._pending.logs[state.name] = state

    def refusals(self, log: LogName) -> Sequence[Refused]:
        if log not in self._refusals:
            self._refusals[log] = self._direct.refusals(log)
        return self._refusals[log]

    def statement(self, kind: str, ref: str) -> bytes | None:
        key = (kind, ref)
        if key not in self._statements:
            self._statements[key] = self._direct.statement(kind, ref)
        return self._statements[key]

    def put_statement(self, kind: str, ref: str, raw: bytes) -> None:
        self._statements[kind, ref] = self._pending.statements[kind, ref] = raw

    # Events and their streams.

    def event(self, name: EventName) -> StoredEvent | None:
        if name not in self._held:
            self._make_room()
            self._held[name] = self._direct.event(name)
            self._kept += 1
        return self._held[name]

    def put_event(self, stored: StoredEvent) -> StoredEvent:
        named = stored.standing != RECOVERED
        if named and self.event(stored.name) is not None:
            raise ValueError(f"{stored.name} is held already")
        if self._arrival < 0:
            self._arrival = self._direct.event_count()
        self._arrival += 1
        self._kept += 1
        given = msgspec.structs.replace(stored, arrival=self._arrival)
        self._pending.events.append(given)
        if named:
            self._held[given.name] = given
        if given.stream in self._streams:
            self._streams[given.stream].append(given)
        return given

    def stream_events(self, stream: str) -> Sequence[StoredEvent]:
        if stream not in self._streams:
            self._make_room()
            held = self._direct.stream_events(stream)
            self._kept += len(held)
            new = [event for event in self._pending.events if event.stream == stream]
            self._streams[stream] = [*held, *new]
        return list(self._streams[stream])

    def audience(self, stream: str) -> frozenset[str]:
        if stream not in self._audiences:
            new = self._pending.audiences.get(stream, ())
            self._audiences[stream] = {*self._direct.audience(stream), *new}
        return frozenset(self._audiences[stream])

    def add_audience(self, stream: str, stations: Iterable[str]) -> None:
        fresh = set(stations) - self.audience(stream)
        if fresh:
            self._audiences[stream] |= fresh
            self._pending.audiences.setdefault(stream, set()).update(fresh)

    # Links, routes and outboxes.

    def child_links(self) -> Sequence[ChildLink]:
        held = {link.station: link for link in self._direct.child_links()}
        held.update(self._pending.links)
        return [held[station] for station in sorted(held)]

    def child_link(self, station: str) -> ChildLink | None:
        if station not in self._links:
            self._links[station] = self._direct.child_link(station)
        return self._links[station]

    def put_child_link(self, link: ChildLink) -> None:
        self._links[link.station] = self._pending.links[link.station] = link

    def routes(self, stream: str) -> frozenset[str]:
        if stream not in self._routes:
            new = self._pending.routes.get(stream, ())
            self._routes[stream] = {*self._direct.routes(stream), *new}
        return frozenset(self._routes[stream])

    def add_route(self, stream: str, link: str) -> None:
        if link not in self.routes(stream):
            self._routes[stream].add(link)
            self._pending.routes.setdefault(stream, set()).add(link)

    def enqueue(self, link: str, kind: str, ref: str) -> None:
        if link not in self._sequences:
            self._sequences[link] = self._direct.last_sequence(link)
        self._sequences[link] += 1
        self._pending.outbox[link, kind, ref] = self._sequences[link]
