"""The oracle: its own record of what was committed, shown and promised. Shares no engine code.

It reads envelopes as plain JSON, knows the tree from the table the stations were born by, and
reckons from the audience lists alone who must hold what.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import defaultdict
from typing import Any, NamedTuple

from sync.protocol.ports import StoredEvent, Verifier

Log = tuple[str, int]


class Committed(NamedTuple):
    """One event as its author's disk had it when it was first seen there."""

    name: str
    log: Log
    position: int
    stream: str
    kind: str
    envelope: bytes
    signature: bytes
    salt: bytes
    body: bytes | None

    def said(self) -> dict[str, object]:
        """Return the body as plain values."""
        found: dict[str, object] = json.loads(self.body or b"{}")
        return found


class Wrong(AssertionError):
    """A promise is broken; the text is the checker's sentence."""


class Auditor:
    """Everything committed anywhere, by name, and what follows from it."""

    def __init__(self, parents: dict[str, str], verifier: Verifier) -> None:
        self._parents = parents
        self.parents_ever = {code: {parent} for code, parent in parents.items()}
        self._verifier = verifier
        self._keys: dict[Log, bytes] = {}
        self.committed: dict[str, Committed] = {}
        self.of_log: dict[Log, list[Committed]] = defaultdict(list)
        self.of_stream: dict[str, list[Committed]] = defaultdict(list)
        self.members: dict[str, set[str]] = defaultdict(set)
        self.returned: set[str] = set()
        self.taken_over: set[str] = set()
        self.forged: dict[str, list[Committed]] = defaultdict(list)
        """Per stream what was written without right, until its author comes by one."""
        self.spoiled: set[str] = set()
        """Names of what does not verify."""
        self.broken: set[str] = set()
        """Streams over which casework of this release fails."""

        self.lost: set[str] = set()
        """Names of positions written and lost with the disk they were on."""
        self.by_stick = False
        """Whether anything ever came past a parent by stick."""
        self.doubted: set[str] = set()
        """Stations put back: for their parents, a disk of before is a second copy."""

    def anew(
        self, held: list[StoredEvent], spoiled: list[StoredEvent], lost: set[str], doubted: str
    ) -> Auditor:
        """Return an auditor that knows what is held now, each event checked on its own terms.

        Shapes: `spoiled` are those that do not verify, as their authors hold them.
        """
        fresh = Auditor(self._parents, self._verifier)
        fresh.parents_ever = self.parents_ever
        fresh._keys = self._keys
        fresh.lost = lost
        fresh.by_stick = self.by_stick
        fresh.doubted = {doubted}
        names = {str(stored.name) for stored in held}
        fresh.spoiled = self.spoiled - names - lost
        there = [*held, *(stored for stored in spoiled if str(stored.name) in fresh.spoiled)]
        ordered = sorted(there, key=lambda stored: (stored.name.log, stored.name.position))
        for stored in ordered:
            fresh.book(stored, gaps=True)
        for stream, entries in fresh.of_stream.items():
            entries.sort(key=lambda entry: entry.name != stream)
        fresh.returned = self.returned & names
        return fresh

    def passed(self) -> set[str]:
        """Return the names of positions that every cursor passes without holding them."""
        return self.spoiled | self.lost

    def born(self, station: str, epoch: int, public_key: bytes) -> None:
        """Note the key of one life of a log."""
        self._keys[station, epoch] = public_key

    def path(self, station: str) -> list[str]:
        """Return a station and all above it."""
        found = []
        while station:
            found.append(station)
            station = self._parents.get(station, "")
        return found

    def book(self, stored: StoredEvent, *, gaps: bool = False) -> None:
        """Note an event that its author has on its disk, after checking it on its own terms.

        Shapes: `gaps` says that positions may be missing before it.
        """
        said = json.loads(stored.event.envelope)
        log = (said["station"], said["epoch"])
        name = f"{log[0]}/{log[1]}/{said['pos']}"
        if name in self.committed:
            if self.committed[name].envelope != stored.event.envelope:
                raise Wrong(f"{name} was written twice with two contents")
            return
        if said["pos"] != len(self.of_log[log]) + 1 and not gaps:
            raise Wrong(f"{name} leaves a gap behind {len(self.of_log[log])} in its own log")
        message = b"yizhan/1/event\0" + stored.event.envelope
        if not self._verifier.verify(self._keys[log], message, stored.event.signature):
            raise Wrong(f"{name} carries no valid signature of its author")
        body = stored.event.body or b""
        if json.loads(body or b"{}").get("spoiled"):
            self.spoiled.add(name)
            self._note(name, log, said, stored)
            return
        covered = hashlib.sha256(b"yizhan/1/body\0" + stored.event.salt + body).digest()
        if base64.b64decode(said["body"]) != covered:
            raise Wrong(f"the envelope of {name} is over another body")
        entry = self._note(name, log, said, stored)
        if "forged" in entry.said():
            self.forged[entry.stream].append(entry)
        else:
            self._counts(entry, said.get("aud", []))
        self._grant(entry.stream)

    def _note(self, name: str, log: Log, said: dict[str, Any], stored: StoredEvent) -> Committed:
        entry = Committed(name, log, said["pos"], said["stream"], said["type"], *stored.event)
        self.committed[name] = entry
        self.of_log[log].append(entry)
        return entry

    def _counts(self, entry: Committed, added: list[str]) -> None:
        self.of_stream[entry.stream].append(entry)
        self.members[entry.stream].update(added)
        if entry.name == entry.stream:
            self.members[entry.stream].add(entry.log[0])
        if entry.kind == "taken_over":
            self.taken_over.add(entry.stream)
        if entry.kind == "demo_breaks_fold":
            self.broken.add(entry.stream)

    def _grant(self, stream: str) -> None:
        """Let what was written without right count from when its author has one."""
        moved = True
        while moved:
            moved = False
            for entry in list(self.forged[stream]):
                if entry.log[0] in self.may_write(stream):
                    self.forged[stream].remove(entry)
                    self._counts(entry, json.loads(entry.envelope).get("aud", []))
                    moved = True

    def cases(self) -> list[str]:
        """Return the streams of casework whose opening is not lost."""
        return [s for s, found in sorted(self.of_stream.items())
                if s in self.committed and not found[0].kind.startswith("sync.")]  # fmt: skip

    def all_of(self, stream: str) -> list[Committed]:
        """Return what was written to a stream, with right or without."""
        return self.of_stream[stream] + self.forged[stream]

    def may_write(self, stream: str) -> set[str]:
        """Return who has a right to write to a stream: its members and all above them."""
        return self.may_hold(stream)

    def idle(self) -> set[str]:
        """Return the names of what counts nowhere: written without right, or to a case now lost."""
        forged = {entry.name for entries in self.forged.values() for entry in entries}
        lost = [found for stream, found in self.of_stream.items() if stream not in self.committed]
        return forged | {entry.name for found in lost for entry in found}

    def promised(self, names: list[str]) -> None:
        """Note what an act returned to its clerk as saved."""
        self.returned.update(names)

    def may_hold(self, stream: str) -> set[str]:
        """Return the stations of the audience and all that are or were above them."""
        found, waiting = set(), sorted(self.members[stream])
        while waiting:
            if (station := waiting.pop()) not in found:
                found.add(station)
                waiting += sorted(self.parents_ever[station] - {""})
        return found

    def must_hold(self, stream: str) -> set[str]:
        """Return who must hold every event of a stream once all have met.

        The stations of the audience and those on their paths to the root as they are now.
        """
        return {above for member in self.members[stream] for above in self.path(member)}

    @property
    def anybody_moved(self) -> bool:
        """Return whether a station ever had two parents."""
        return any(len(parents) > 1 for parents in self.parents_ever.values())

    @property
    def may_adopt(self) -> bool:
        """Return whether a parent may take a log from where central's receipt proves it.

        What lies before is held at central, and comes down afterwards.
        """
        return self.by_stick or self.anybody_moved

    def moved(self, station: str, parent: str) -> None:
        """Note whom a station calls from now on."""
        self._parents[station] = parent
        self.parents_ever[station].add(parent)
