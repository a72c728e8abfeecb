"""What an act needs to know besides the case: the registers of the day, and the clock.

Built by the node for each act; casework never looks anything up by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from casework.calendar import WorkCalendar
from casework.case import Case
from casework.errors import MatterVersionMissing
from casework.matter import Matter
from casework.registers import Service, StaffEntry, StationTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where, when and by which registers an act is written.

    `matter` gives the newest version by code, `matter_by_hash` any version an open case
    pins. `numbers_by` names who gives official numbers: "central", "handling" or "" (nobody).
    `warrant` proves who stands above a station, None where the register held does not.
    """

    station: str
    tree: StationTree
    today: date
    at_ms: int
    matter: Callable[[str], Matter | None]
    service: Callable[[str, str], Service | None]
    staff: Callable[[str], StaffEntry | None]
    calendar: WorkCalendar
    matter_by_hash: Callable[[str], Matter | None] | None = None
    numbers_by: str = ""
    next_official_number: Callable[[], str] | None = None
    warrant: Callable[[str], Mapping[str, Any] | None] | None = None

    def find_pinned(self, case: Case) -> Matter | None:
        """The version of the matter the case pins, or None if it is not held here."""
        if self.matter_by_hash is not None:
            found = self.matter_by_hash(case.matter.hash)
            if found is not None:
                return found
        newest = self.matter(case.matter.code)
        return newest if newest is not None and newest.hash == case.matter.hash else None

    def pinned(self, case: Case) -> Matter:
        """The version of the matter the case pins. Raises: MatterVersionMissing."""
        found = self.find_pinned(case)
        if found is None:
            raise MatterVersionMissing(
                "本站还没有这个办件所依据的事项版本,可以查看,暂时不能办理。资料没有丢失,收到后自动恢复。",
                matter=case.matter.code,
            )
        return found

    def name(self, station: str) -> str:
        """The station's name for sentences."""
        return self.tree.name(station)
