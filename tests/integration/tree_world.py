"""A tree of real nodes in one process: real keys, real SQLCipher files, rounds called directly."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import Any

from casework.projection import CaseRow
from central import authority_key, catalogue, enrolling
from central.catalogue import Published
from node import enrolment
from node.program import Node
from sync.signing import Ed25519Signer
from tests.fakes.second_lane import fetch

CENTRAL, DISTRICT, TOWNSHIP = "KM0000", "CG0001", "CG0101"
VILLAGE, VILLAGE_2 = "CG0111", "CG0112"
TOWNSHIP_2, VILLAGE_3 = "CG0201", "CG0211"
START_MS = 1_795_482_000_000
"""2026-11-24 09:00 in China, a working day."""
RELEASE = "test-1"
ROUNDS_MAX = 60
APPLICANT = {"name": "演示申请人", "id_type": "其他", "phone": "000"}
Catalogue = dict[str, list[dict[str, Any]]]


@cache
def shipped() -> Catalogue:
    """Return the catalogue shipped with the program."""
    return catalogue.read(None, START_MS)


def without_notices() -> Catalogue:
    """Return the shipped catalogue without the names that are only there to be found."""
    written = [m for m in shipped()["matters"] if m["materials"]]
    codes = {m["code"] for m in written}
    services = [s for s in shipped()["services"] if s["matter"] in codes]
    return {**shipped(), "matters": written, "services": services}


def _ms() -> int:
    return time.monotonic_ns() // 1_000_000


class Tree:
    """Central and the nodes enrolled so far; the clock moves by hand."""

    def __init__(self, folder: Path, now_ms: int = START_MS, *, database_url: str = "") -> None:
        """Shapes: `database_url` keeps central's data in a PostgreSQL database."""
        self.folder = folder
        self.database_url = database_url
        self.now_ms = now_ms
        self.nodes: dict[str, Node] = {}
        self._since: int | None = None

    @classmethod
    def founded(cls, folder: Path, now_ms: int = START_MS, *, database_url: str = "") -> Tree:
        """Return a tree of central alone."""
        tree = cls(folder, now_ms, database_url=database_url)
        enrolling.found(tree.home(CENTRAL), CENTRAL, tree.now_ms)
        tree.open(CENTRAL)
        return tree

    def home(self, code: str) -> Path:
        return self.folder / code

    @property
    def central(self) -> Node:
        return self.nodes[CENTRAL]

    @property
    def authority(self) -> Ed25519Signer:
        return authority_key.load(self.home(CENTRAL))

    def clock(self) -> int:
        return self.now_ms if self._since is None else self.now_ms + _ms() - self._since

    def real_time(self) -> None:
        """Let the clock go on by itself from here, for nodes whose threads run."""
        self._since = _ms()

    def open(self, code: str) -> Node:
        """Open the node enrolled under a code, as its program does at start."""
        url = self.database_url if code == CENTRAL else ""
        node = Node(self.home(code), clock_ms=self.clock, release=RELEASE, database_url=url)
        self.nodes[code] = node
        return node

    def reopen(self, code: str) -> Node:
        """Stop a node and start it again on the same files."""
        self.nodes.pop(code).close()
        return self.open(code)

    def publish(self, entries: Catalogue) -> list[Published]:
        """Stage and publish a catalogue at central."""
        self.now_ms += 1000
        with self.central.database.write() as transaction:
            catalogue.stage(transaction, entries)
        return catalogue.publish(self.central, self.authority)

    def sheet(self, code: str) -> enrolment.Sheet:
        """Return a fresh enrolment sheet from central."""
        self.now_ms += 1000
        return enrolling.sheet_for(
            self.central, self.home(CENTRAL), code, parent_url="http://127.0.0.1:1"
        )

    def enrol(self, *codes: str) -> None:
        """Enrol stations with sheets of central and open their nodes."""
        for code in codes:
            enrolment.enrol(self.home(code), self.sheet(code), self.now_ms)
            self.open(code)

    def parent_of(self, code: str) -> Node:
        parent = self.nodes[code].core.parent
        assert parent is not None
        return self.nodes[parent]

    def round(self, code: str) -> bool:
        """Make one round of a station with its parent; return whether more is worth making."""
        self.now_ms += 50
        child = self.nodes[code]
        request = child.rounds.begin(child.health_news())
        more = child.rounds.take_answer(self.parent_of(code).rounds.serve(request)).more
        return self.fetch(code) or more

    def fetch(self, code: str) -> bool:
        """Let a station fetch on the second lane; return whether that brought something."""
        return fetch(self.nodes[code].exchange, self.parent_of(code).exchange).whole > 0

    def settle(self, *codes: str) -> int:
        """Make rounds of the named stations (default: all) until none has anything to say.

        Shapes: returns how many rounds it took; a pass after the last news shows the rest.
        """
        chosen = codes or tuple(c for c in self.nodes if c != CENTRAL)
        made = 0
        for _ in range(ROUNDS_MAX):
            before = self.held()
            more = [self.round(code) for code in chosen]
            made += len(more)
            if not any(more) and self.held() == before:
                return made
        raise AssertionError("the tree does not come to rest")

    def held(self) -> dict[str, tuple[object, ...]]:
        """Return what every node holds, in numbers."""
        found: dict[str, tuple[object, ...]] = {}
        for code, node in self.nodes.items():
            with node.database.read() as transaction:
                logs = tuple(
                    (log.name, log.position, log.parent_position, log.central_position)
                    for log in transaction.logs()
                )
                editions = tuple(sorted(transaction.editions().items()))
                waiting = tuple(
                    transaction.outbox_count(link.station) for link in transaction.child_links()
                )
                found[code] = (transaction.event_count(), logs, editions, waiting)
        return found

    def take_in(self, code: str, matter: str, *, form_key: str = "") -> str:
        """Take a case in with all its papers at a station; return its stream."""
        self.now_ms += 1000
        node = self.nodes[code]
        with node.database.read() as transaction:
            entry = node.desk.registry(transaction, self.now_ms).matter_entry(matter)
        assert entry is not None, f"{code} has no matter {matter}"
        papers = [{"code": m["code"], "state": "已收"} for m in entry["materials"]]
        fields = {"matter": matter, "applicant": APPLICANT, "materials": papers}
        done = node.act(
            act="received", stream=None, fields=fields, actor=f"{code}-01", form_key=form_key
        )
        return done.case.stream

    def act(self, code: str, stream: str, act: str, *, actor: str = "", **fields: object) -> None:
        """Record an act of a station's first staff member, or of the one named."""
        self.now_ms += 1000
        self.nodes[code].act(act=act, stream=stream, fields=fields, actor=actor or f"{code}-01")

    def row(self, code: str, stream: str) -> CaseRow | None:
        """Return the row of a case at a station."""
        node = self.nodes[code]
        with node.database.read() as transaction:
            return node.desk.table(transaction).get(stream)

    def events(self, code: str, stream: str) -> int:
        """Return how many events of a stream a station holds."""
        with self.nodes[code].database.read() as transaction:
            return len(transaction.stream_events(stream))

    def counter(self, code: str, name: str) -> int:
        """Return one of a node's own counters."""
        with self.nodes[code].database.read() as transaction:
            return int(transaction.meta(f"count/{name}") or "0")

    def close(self) -> None:
        for node in self.nodes.values():
            node.close()
