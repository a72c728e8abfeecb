"""Typed entries of the registers casework reads: services, stations, staff, calendar years.

Knows the agreed JSON shapes and nothing of editions, signatures or storage. Days are
compared as ISO text, which sorts like the dates it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final, TypeVar

import msgspec

from casework.errors import RegisterEntryInvalid

MODES: Final = ("直办", "受理", "代收", "代办", "告知")
POSTS: Final = (
    "intake",
    "accept",
    "review",
    "decide",
    "issue",
    "deliver",
    "admin",
    "supervise",
    "catalogue",
)
DEPTH_MAX: Final = 8
"""More levels than any administration has; also ends a loop in a broken register."""


class _Dated(msgspec.Struct, frozen=True, kw_only=True):
    start: str = msgspec.field(name="from", default="")
    end: str = msgspec.field(name="to", default="")

    def valid_on(self, day: date) -> bool:
        """True if the entry counts on that day; `to` is the last such day, empty = no end."""
        text = day.isoformat()
        return self.start <= text and (not self.end or text <= self.end)


class Service(_Dated, frozen=True, kw_only=True):
    """What one station does for one matter."""

    station: str
    matter: str
    mode: str
    handling: str = ""
    delivery: str = ""
    powers: tuple[str, ...] = ()


class StaffEntry(_Dated, frozen=True, kw_only=True):
    """One staff member: number, station and posts."""

    no: str
    name: str
    station: str
    posts: tuple[str, ...] = ()


class StationAttributes(msgspec.Struct, frozen=True, kw_only=True):
    """What is true of a station from one day on."""

    start: str = msgspec.field(name="from")
    name: str
    division: str = ""
    parent: str = ""


class StationEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A station with its dated attributes; the code never changes."""

    code: str
    tier: str
    attributes: tuple[StationAttributes, ...]
    closed: str = ""
    into: str = ""
    """The station that took over from a closed one."""

    def at(self, day: date) -> StationAttributes:
        """The newest attributes valid on that day; before the first ones, the first ones."""
        ordered = sorted(self.attributes, key=lambda item: item.start)
        valid = [item for item in ordered if item.start <= day.isoformat()]
        return valid[-1] if valid else ordered[0]


class CalendarYear(msgspec.Struct, frozen=True, kw_only=True):
    """One year's deviations from Monday to Friday for one division."""

    division: str
    year: int
    off: tuple[str, ...] = ()
    work: tuple[str, ...] = ()
    source: str = ""


_T = TypeVar("_T", Service, StaffEntry, StationEntry, CalendarYear)


def _parse(kind: type[_T], entry: Mapping[str, Any]) -> _T:
    try:
        return msgspec.convert(dict(entry), kind)
    except msgspec.ValidationError as error:
        raise RegisterEntryInvalid(
            "登记资料的格式不对,没有采用。请联系上级管理员。", kind=kind.__name__, why=str(error)
        ) from error


def parse_service(entry: Mapping[str, Any]) -> Service:
    """The typed entry of register *services*. Raises: RegisterEntryInvalid."""
    return _parse(Service, entry)


def parse_staff(entry: Mapping[str, Any]) -> StaffEntry:
    """The typed entry of register *staff*. Raises: RegisterEntryInvalid."""
    return _parse(StaffEntry, entry)


def parse_station(entry: Mapping[str, Any]) -> StationEntry:
    """The typed entry of register *stations*. Raises: RegisterEntryInvalid."""
    station = _parse(StationEntry, entry)
    if not station.attributes:
        raise RegisterEntryInvalid("站点没有任何登记属性,没有采用。", code=station.code)
    return station


def parse_calendar_year(entry: Mapping[str, Any]) -> CalendarYear:
    """The typed entry of register *calendar*. Raises: RegisterEntryInvalid."""
    return _parse(CalendarYear, entry)


class StationTree:
    """The tree of stations as it stands on one day."""

    def __init__(self, entries: Iterable[StationEntry], day: date) -> None:
        self._entries = {entry.code: entry for entry in entries}
        self._day = day
        self._parents = {code: entry.at(day).parent for code, entry in self._entries.items()}

    def __contains__(self, code: str) -> bool:
        return code in self._entries

    def codes(self) -> tuple[str, ...]:
        """All station codes, sorted."""
        return tuple(sorted(self._entries))

    def name(self, code: str) -> str:
        """The station's name on the day of the tree; an unknown code names itself."""
        entry = self._entries.get(code)
        return entry.at(self._day).name if entry else code

    def tier(self, code: str) -> str:
        """The station's tier, or an empty text for an unknown code."""
        entry = self._entries.get(code)
        return entry.tier if entry else ""

    def closed_into(self, code: str) -> str | None:
        """The station a closed one was merged into ("" for none); None while it is open."""
        entry = self._entries.get(code)
        if entry is None or not entry.closed or entry.closed > self._day.isoformat():
            return None
        return entry.into

    def division(self, code: str) -> str:
        """The 12-digit division of the station, or an empty text for an unknown code."""
        entry = self._entries.get(code)
        return entry.at(self._day).division if entry else ""

    def parent(self, code: str) -> str:
        """The parent's code; empty for the root and for an unknown code."""
        return self._parents.get(code, "")

    def ancestors(self, code: str) -> tuple[str, ...]:
        """The stations above, nearest first. Bounds: `DEPTH_MAX`."""
        found: list[str] = []
        above = self.parent(code)
        while above and above not in found and len(found) < DEPTH_MAX:
            found.append(above)
            above = self.parent(above)
        return tuple(found)

    def depth(self, code: str) -> int:
        """The distance from the root: central 0, a district below it 1, and so on."""
        return len(self.ancestors(code))

    def children(self, code: str) -> tuple[str, ...]:
        """The stations directly below, sorted."""
        return tuple(sorted(child for child, above in self._parents.items() if above == code))

    def subtree(self, code: str) -> frozenset[str]:
        """The station itself and everything below it."""
        return frozenset(
            item for item in self._entries if item == code or code in self.ancestors(item)
        )
