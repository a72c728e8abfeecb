"""The oracle of central's decrees: what was purged, whose cuts lie where, and what counts by them.

Read from the statements on central's own disk as plain JSON; no engine code judges here.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import NamedTuple

from sync.protocol import statements
from sync.protocol.ports import Transaction
from tests.simulation.auditor import Auditor, Committed, Log


class Counting(NamedTuple):
    """What counts in a stream: names of events, and the stations these bring into it."""

    names: set[str]
    members: set[str]


class Decrees:
    """What central has decreed so far."""

    def __init__(self) -> None:
        self.purged: set[str] = set()
        self.backed_up: dict[Log, int] = {}
        """How much of each log stands in a verified backup."""
        self._revoked: dict[str, dict[str, object]] = {}
        self._lowest: dict[Log, int] = defaultdict(lambda: 1 << 60)
        """How low the cut of a log ever lay; a station trusted again keeps the mark."""
        self._ever: set[str] = set()

    def learn(self, central: Transaction) -> None:
        """Read the statements on central's disk, and what it says is backed up."""
        self.backed_up = {tuple(log.name): log.backup_position for log in central.logs()}
        for _, raw in central.statements(statements.PURGE):
            self.purged.update(_payload(raw)["events"])  # type: ignore[arg-type]
        for station, raw in central.statements(statements.REVOCATION):
            said = _payload(raw)
            if self._revoked.get(station) == said:
                continue
            self._revoked[station] = said
            self._ever.add(station)
            for epoch, last in said["cuts"]:  # type: ignore[attr-defined]
                self._lowest[station, epoch] = min(self._lowest[station, epoch], last)

    @property
    def untrusted(self) -> set[str]:
        """Return the stations that are refused now."""
        return {code for code, said in self._revoked.items() if not said["trusted_from"]}

    def above_cut(self, entry: Committed) -> bool:
        """Return whether an event lies above a cut of today."""
        station, epoch = entry.log
        said = self._revoked.get(station)
        if said is None or 0 < int(str(said["trusted_from"])) <= epoch:
            return False
        cuts: list[list[int]] = said["cuts"]  # type: ignore[assignment]
        return entry.position > max([last for at, last in cuts if at == epoch], default=0)

    def may_lack_body(self, entry: Committed) -> bool:
        """Return whether a disk may hold an event without its body: purged, or in a backup."""
        pruned = self.backed_up.get(entry.log, 0) >= entry.position
        return entry.name in self.purged or (pruned and not entry.kind.startswith("sync."))

    def touched(self, auditor: Auditor, stream: str) -> bool:
        """Return whether a stream was ever cut into, or something of it purged."""
        return any(
            entry.name in self.purged
            or (entry.log[0] in self._ever and entry.position > self._lowest[entry.log])
            for entry in auditor.all_of(stream)
        )

    def counting(self, auditor: Auditor, stream: str, held: set[str] | None = None) -> Counting:
        """Return what counts by the cuts of today, of all that was committed or of what is held.

        The opening counts if it lies below the cuts, then whatever is written by its members,
        those added since, and all above them.
        """
        waiting = [e for e in auditor.all_of(stream)
                   if not self.above_cut(e) and (held is None or e.name in held)]  # fmt: skip
        found = Counting(set(), set())
        moved = True
        while moved:
            moved = False
            for entry in list(waiting):
                writers = {above for m in found.members for above in auditor.path(m)}
                if entry.name == stream or entry.log[0] in writers:
                    waiting.remove(entry)
                    moved = True
                    found.names.add(entry.name)
                    found.members.update(json.loads(entry.envelope).get("aud", []))
                    if entry.name == stream:
                        found.members.add(entry.log[0])
        return found


def _payload(raw: bytes) -> dict[str, object]:
    found: dict[str, object] = json.loads(statements.decode(raw).payload)
    return found
