"""What this station does for which matter, and whether demonstration entries are about.

Read whole from the registers, and again only when an edition or the day has changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from casework.registers import Service, parse_service
from node.registry import day_of, each_entry
from sync.protocol.ports import Transaction

NOTICE_ONLY = "告知"


class _Mark(msgspec.Struct):
    code: str
    demo: bool = False


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One day's view; `services` are those of this station, by matter code."""

    services: dict[str, Service]
    demo: bool
    matters: int

    @property
    def taken_in(self) -> frozenset[str]:
        """The matters this station takes cases in for."""
        return frozenset(c for c, item in self.services.items() if item.mode != NOTICE_ONLY)


class Catalogues:
    """Keeps the last `Catalogue` as long as it is true."""

    def __init__(self, station: str) -> None:
        self._station = station
        self._key: tuple[object, ...] = ()
        self._kept = Catalogue({}, demo=False, matters=0)

    def of(self, transaction: Transaction, now_ms: int) -> Catalogue:
        """The catalogue as held in this transaction."""
        today = day_of(now_ms)
        editions = sorted(
            item
            for item in transaction.editions().items()
            if item[0].startswith(("matters/", "services/"))
        )
        key = (today, tuple(editions))
        if key != self._key:
            self._kept, self._key = self._read(transaction, now_ms), key
        return self._kept

    def _read(self, transaction: Transaction, now_ms: int) -> Catalogue:
        today, prefix = day_of(now_ms), f"{self._station}/"
        found: dict[str, Service] = {}
        for entry in transaction.entries("services"):
            if entry.key.startswith(prefix):
                service = parse_service(msgspec.json.decode(entry.raw))
                if service.valid_on(today):
                    found[service.matter] = service
        marks = [
            msgspec.json.decode(entry.raw, type=_Mark)
            for entry in each_entry(transaction, "matters")
        ]
        return Catalogue(
            found, demo=any(mark.demo for mark in marks), matters=len({mark.code for mark in marks})
        )
