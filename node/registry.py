"""The registers as this node holds them, typed, for one transaction; and the context of an act."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import msgspec
import structlog

from casework import registers as typed
from casework.calendar import WorkCalendar
from casework.context import Context
from casework.errors import RegisterEntryInvalid
from casework.matter import Matter, parse_matter
from casework.registers import CalendarYear, Service, StaffEntry, StationTree
from sync.engine import warrants
from sync.protocol.ports import Transaction
from sync.protocol.registers import Entry, Shelf

CHINA = timezone(timedelta(hours=8))
NATION = "000000000000"
T = TypeVar("T")
log = structlog.get_logger("node.registry")
_SHARED_REGISTERS = ("stations", "calendar")
PINNED = "pinned_matter"
"""Statement kind under which matter entries pinned by cases are kept, by hash, for ever."""


def day_of(at_ms: int) -> date:
    """Return the day in China of a time in ms."""
    return datetime.fromtimestamp(at_ms / 1000, CHINA).date()


class Shared(NamedTuple):
    """What many acts of a day read whole: the tree of stations and the calendar years."""

    tree: StationTree
    years: list[CalendarYear]


class Registries:
    """Makes a `Registry` per transaction; keeps what is costly to read until an edition changes."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._shared = Shared(StationTree([], date.min), [])

    def of(self, transaction: Transaction, at_ms: int) -> Registry:
        """Return the registers as held in this transaction on the day of `at_ms`."""
        today = day_of(at_ms)
        editions = transaction.editions().items()
        kept = tuple(sorted(e for e in editions if e[0].split("/")[0] in _SHARED_REGISTERS))
        if (today, kept) != self._key:
            self._shared = _read_shared(transaction, today)
            self._key = (today, kept)
        return Registry(transaction, at_ms, self._shared)


def _read_shared(transaction: Transaction, today: date) -> Shared:
    stations = _readable(transaction, "stations", typed.parse_station)
    return Shared(
        StationTree(stations, today), _readable(transaction, "calendar", typed.parse_calendar_year)
    )


def _readable(
    transaction: Transaction, register: str, parse: Callable[[dict[str, Any]], T]
) -> list[T]:
    """Return the rows of a register this release can read; one it cannot harms only itself (G9)."""
    found = []
    for entry in transaction.entries(register):
        try:
            found.append(parse(msgspec.json.decode(entry.raw)))
        except (RegisterEntryInvalid, msgspec.MsgspecError, TypeError, ValueError):
            log.warning("register_row_passed_over", register=register, key=entry.key)
    return found


def each_entry(transaction: Transaction, register: str) -> Iterator[Entry]:
    """Yield a register's entries over its shelves, a few in memory at a time."""
    for name in transaction.editions():
        shelf = Shelf.parse(name)
        if shelf.register == register:
            yield from transaction.shelf_entries(shelf)


def matters_to_find(transaction: Transaction) -> Iterator[dict[str, Any]]:
    """Yield every matter entry once, for the search index; one nobody could read is passed over.

    A node that reads several tiers' shelves holds a matter on each; as `entry` does, the first
    shelf counts.
    """
    seen: set[str] = set()
    for entry in each_entry(transaction, "matters"):
        if entry.key in seen:
            continue
        seen.add(entry.key)
        row = to_find(entry)
        if row is not None:
            yield row


def to_find(entry: Entry) -> dict[str, Any] | None:
    """Return what the search index takes of a matter entry, None of one nobody could read."""
    try:
        matter = msgspec.json.decode(entry.raw, type=Matter)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        log.warning("register_row_passed_over", register="matters", key=entry.key)
        return None
    return {
        "code": matter.code,
        "name": matter.name,
        "aliases": matter.aliases,
        "department": matter.department,
        "initials": matter.initials,
    }


@lru_cache(maxsize=256)
def _matter(raw: bytes) -> Matter:
    """Every act and every projection looks up its matter: each entry is parsed and hashed once."""
    return parse_matter(msgspec.json.decode(raw))


class Registry:
    """Lookups in the register entries of one transaction."""

    def __init__(self, transaction: Transaction, at_ms: int, shared: Shared) -> None:
        self._transaction = transaction
        self.at_ms = at_ms
        self.today = day_of(at_ms)
        self.tree = shared.tree
        self._years = shared.years

    def _entry(self, register: str, key: str) -> dict[str, Any] | None:
        found = self._transaction.entry(register, key)
        return None if found is None else msgspec.json.decode(found.raw)

    def calendar(self, station: str) -> WorkCalendar:
        """Return the working-day calendar of a station: the nation's, overlaid from above down."""
        path = [station, *self.tree.ancestors(station)]
        divisions = [self.tree.division(code) for code in reversed(path)]
        return WorkCalendar(self._years, [NATION, *(d for d in divisions if d)])

    def matter_entry(self, code: str) -> dict[str, Any] | None:
        """Return the newest matter entry as published."""
        return self._entry("matters", code)

    def matter(self, code: str) -> Matter | None:
        found = self._transaction.entry("matters", code)
        return None if found is None else _matter(found.raw)

    def matter_by_hash(self, pinned: str) -> Matter | None:
        """Return the version of a matter that some case here pinned."""
        raw = self._transaction.statement(PINNED, pinned)
        return None if raw is None else _matter(raw)

    def service(self, station: str, matter: str) -> Service | None:
        entry = self._entry("services", f"{station}/{matter}")
        found = None if entry is None else typed.parse_service(entry)
        return found if found is not None and found.valid_on(self.today) else None

    def staff(self, number: str) -> StaffEntry | None:
        entry = self._entry("staff", number)
        found = None if entry is None else typed.parse_staff(entry)
        return found if found is not None and found.valid_on(self.today) else None

    def warrant(self, station: str) -> dict[str, Any] | None:
        """Return proof of who stands above a station, None where the register held has none."""
        return warrants.make(self._transaction, (station, *self.tree.ancestors(station)[:-1]))

    def context(
        self,
        station: str,
        *,
        numbers_by: str = "",
        next_official_number: Callable[[], str] | None = None,
    ) -> Context:
        """Return what an act of `station` needs to know today."""
        return Context(
            station=station,
            tree=self.tree,
            today=self.today,
            at_ms=self.at_ms,
            matter=self.matter,
            matter_by_hash=self.matter_by_hash,
            service=self.service,
            staff=self.staff,
            calendar=self.calendar(station),
            numbers_by=numbers_by,
            next_official_number=next_official_number,
            warrant=self.warrant,
        )
