"""`World(seed)`: eight stations, their roads and clerks, single-threaded, decided by one seed."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sync.engine import authority, homes
from sync.engine.core import Effects
from sync.protocol.errors import PeerProtocolError, StorageError
from sync.protocol.names import incarnation
from sync.protocol.ports import Signer, Verifier
from sync.signing import Ed25519Signer, Ed25519Verifier
from tests.fakes.keyed_signer import KeyedSigner, KeyedVerifier
from tests.simulation import approver, second_lane, workload
from tests.simulation.auditor import Auditor, Wrong
from tests.simulation.catalogue import CENTRAL, PARENTS, shelves
from tests.simulation.checkers import Checkers
from tests.simulation.clock import NodeClock, TrueClock
from tests.simulation.disk import Crash
from tests.simulation.network import CUT, DELAY, DOUBLE, DROP, Message, Network, parts_of
from tests.simulation.plan import Plan, usual
from tests.simulation.station import Identity, SeededChance, SimNode, Station

if TYPE_CHECKING:
    from tests.simulation.sticks import Stick

SKEW_MS_MAX = 20_000
MORE_MAX = 6


class Waiting(NamedTuple):
    """A round whose answer a child still waits for."""

    serial: int
    since: int


class World:
    """All there is, and the few things that can happen to it."""

    def __init__(self, seed: int, *, folder: Path | None = None, plan: Plan | None = None) -> None:
        self.seed = seed
        self.plan = plan or usual()
        self.forest = self.plan.forest
        self.rng = random.Random(f"yizhan/{seed}")
        self.true = TrueClock()
        self.network = Network(random.Random(f"yizhan/{seed}/network"))
        self.folder = folder
        self.step = 0
        self.counts: dict[str, int] = {}
        self._trace = hashlib.sha256()
        self._secrets: dict[bytes, bytes] = {}
        self._serial = 0
        self.inflight: dict[str, Waiting] = {}
        self.late_asks: list[tuple[str, bytes]] = []
        self.drawer: list[Stick] = []
        """All sticks that were made and not thrown away."""
        self.lazy = self.plan.lazy
        self.more: set[str] = set()
        """Children that found another round worth making at once."""
        self.woken: set[str] = set()
        """Stations whose node has news for its parent."""
        self.verifier: Verifier = (
            KeyedVerifier(self._secrets) if folder is None else Ed25519Verifier()
        )
        self.authority = self.signer("authority")
        self.stations: dict[str, Station] = {}
        self.unwatched: set[str] = set()
        """Stations whose disk was put back or copied: it is no longer what was seen of it."""
        self.moved: tuple[tuple[str, str], ...] = ()
        """Stations moved by an edition of the stations register, and under whom."""
        self.parents = dict(PARENTS)
        """Whom each station calls now."""
        self.auditor = Auditor(self.parents, self.verifier)
        self.checkers = Checkers(self.stations, self.auditor, CENTRAL)

    def signer(self, purpose: str) -> Signer:
        """Return a key made from the seed."""
        return self.signer_from(hashlib.sha256(f"{self.seed}/{purpose}".encode()).digest())

    def signer_from(self, secret: bytes) -> Signer:
        """Return the key made of a secret."""
        if self.folder is None:
            return KeyedSigner(secret, self._secrets)
        return Ed25519Signer(secret)

    def note(self, text: str) -> None:
        """Put one line into the trace."""
        self._trace.update(f"{self.step} {self.true.now_ms} {text}\n".encode())

    @property
    def trace(self) -> str:
        """Return the hash of everything that happened."""
        return self._trace.hexdigest()

    def count(self, what: str) -> None:
        """Count something for the report."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def enrol(self, code: str) -> None:
        """Give a station its identity and start it."""
        now = self.true.now_ms + len(self.stations)
        one_use, own = self.signer(f"{code}/once"), self.signer(f"{code}/own")
        voucher = authority.make_voucher(
            self.authority, code, now, one_use.public_key(), authority.ONLINE, code
        )
        chance = SeededChance(f"{self.seed}/{code}")
        identity = Identity(
            station=code,
            epoch=now,
            incarnation=incarnation(now, chance.bytes(8)),
            root=CENTRAL,
            parent=PARENTS[code] or None,
            authority=self.authority.public_key(),
            certificate=authority.make_certificate(voucher, one_use, own.public_key(), bytes(32)),
            signer=own,
            verifier=self.verifier,
            chance=chance,
            signer_from=self.signer_from,
        )
        self._found(
            Station(identity, self.clock(), self.folder, lazy=self.lazy, thread=self.plan.thread)
        )
        self.start(code)

    def _found(self, station: Station) -> None:
        """Have a station among those there are."""
        code, identity = station.code, station.identity
        self.auditor.born(code, identity.epoch, identity.signer.public_key())
        station.born = lambda epoch, key: self.auditor.born(code, epoch, key)
        if code == CENTRAL:
            station.own_voucher = approver.own_voucher(self)
        self.stations[code] = station

    def clock(self) -> NodeClock:
        """Return a clock somebody set by his watch."""
        return NodeClock(self.true, self.rng.randrange(-SKEW_MS_MAX, SKEW_MS_MAX))

    def adopt(self, grown: World) -> None:
        """Begin with copies of another world's stations, keys and all, and with own clocks."""
        self._secrets.update(grown._secrets)
        self.authority = grown.authority
        self.true.now_ms = grown.true.now_ms
        self.counts.update(grown.counts)
        for code, model in grown.stations.items():
            identity = model.identity._replace(
                verifier=self.verifier,
                chance=SeededChance(f"{self.seed}/{code}/grown"),
                signer_from=self.signer_from,
            )
            self._found(Station(identity, self.clock(), None, lazy=self.lazy, like=model))
        self.look(list(self.stations))
        for code in grown.stations:
            self.start(code)

    def start(self, code: str) -> None:
        """Start a station's node over its disk."""
        try:
            self.stations[code].start(lambda: self.woken.add(code))
        except Crash:
            self.stations[code].die(self.step + 2)
        self.look([code])

    def node(self, code: str) -> SimNode | None:
        """Return the node living at a station now, None while it is down."""
        station = self.stations.get(code)
        return None if station is None else station.node

    def parent_of(self, code: str) -> str:
        """Return whom a station calls."""
        return self.parents[code]

    def enrolled_under(self, code: str) -> str:
        """Return whom a station called first."""
        return PARENTS[code]

    def follow_home(self, code: str) -> None:
        """Take in whom a station calls by what is on its disk."""
        with self.stations[code].durable.read() as transaction:
            now = homes.home(self.stations[code].identity.core(), transaction).now
        if now and now != self.parents[code]:
            self.inflight.pop(code, None)
            self.auditor.moved(code, now)

    def guarded(self, code: str, doing: Callable[[SimNode], Any]) -> Any:
        """Return what a node's code returns; None when it crashed, failed or is down."""
        node = self.node(code)
        if node is None:
            return None
        try:
            return doing(node)
        except Crash:
            self.crash(code)
        except (PeerProtocolError, StorageError) as error:
            self.count(f"failed_{error.code}")
            self.note(f"{code} {error.code}")
            if isinstance(error, StorageError):  # as the projector's thread, it tries again
                self.stations[code].waiting.pending = True
        return None

    def crash(self, code: str) -> None:
        """Take the power from a station for some steps."""
        self.count("crashes")
        self.note(f"{code} crash")
        self.inflight.pop(code, None)
        self.stations[code].die(self.step + self.rng.randrange(1, 12))

    def look(self, touched: list[str]) -> None:
        """Let the checkers look at the disks that may have changed."""
        known = self.stations.keys() - self.unwatched
        self.checkers.look([code for code in touched if code in known])

    def publish(self, edition: int) -> bool:
        """Publish the first or second edition at central; return whether every shelf went out."""

        def doing(node: SimNode) -> Effects:
            effects = Effects()
            for shelf, entries in shelves(self.forest, edition, self.moved).items():
                with node.database.write() as transaction:
                    effects.add(
                        authority.publish(
                            node.core, transaction, node.clock_ms(), node.blobs,
                            self.authority, shelf, entries,
                        )
                    )  # fmt: skip
            return effects

        done = self.guarded(CENTRAL, doing) is not None
        self.note(f"publish {edition} {done}")
        self.look([CENTRAL])
        if done:
            self.count(f"published_{edition}")
        return done

    def act(self, code: str, doing: Callable[[SimNode], workload.Deed]) -> workload.Deed | None:
        """Let a clerk act and check that what he was told as saved is saved."""
        deed: workload.Deed | None = self.guarded(code, doing)
        self.look([code])
        if deed is not None:
            if code not in self.unwatched:
                self.checkers.saved(deed.names)
            self.auditor.promised(deed.names)
            self.count("acts" if deed.names else f"refused_{deed.refused}")
            if deed.names:
                self.count(f"act_{deed.act}")
            self.note(f"{code} {deed.act} {deed.stream} {deed.names} {deed.refused}")
        return deed

    def call(self, child: str) -> None:
        """Let a child begin a round, giving up one still in flight."""
        if self.moved:
            self._tend(child)
        request: bytes | None = self.guarded(child, lambda node: node.rounds.begin())
        self.look([child])
        if request is None:
            return
        self.count("rounds")
        self._serial += 1
        self.inflight[child] = Waiting(self._serial, self.step)
        message = Message(
            child, request, False, self.stations[child].life, self._serial,
            parent=self.parents[child],
        )  # fmt: skip
        self.note(f"{child} calls {hashlib.sha256(request).hexdigest()[:16]}")
        self.send(message)

    def _tend(self, child: str) -> None:
        """Let a child follow the register before its round, as `node.homes.HomeRoad` does."""

        def doing(node: SimNode) -> bool:
            with node.database.write() as transaction:
                return homes.follow(node.core, transaction, node.clock_ms())

        followed = self.guarded(child, doing)
        self.follow_home(child)
        if followed:
            self.note(f"{child} follows the register to {self.parents[child]}")
            self.count("moved_by_register")
            self.look([child])

    def send(self, message: Message) -> None:
        """Give a message to the road."""
        fate = self.network.fate(message, self.step)
        self.note(f"{message.child} {message.serial} {fate}")
        if fate == DROP:
            return
        if fate == DELAY:
            self.network.keep(message)
            return
        if fate == DOUBLE:
            self.network.keep(replace(message, ghost=True))
        if fate == CUT:
            message.raw = self.network.shorten(message.raw)
            message.ghost = message.ghost or not message.is_answer
        self.deliver(message)

    def deliver(self, message: Message) -> None:
        """Let a message arrive."""
        if message.is_answer:
            self._arrive_below(message)
        else:
            self._arrive_above(message)

    def _arrive_above(self, message: Message) -> None:
        parent = message.parent
        answer: bytes | None = self.guarded(
            parent, lambda node: in_parts(node, message.raw, self.rng)
        )
        self.look([message.child, parent])
        self.note(f"{parent} serves {message.child} {message.serial} {answer is not None}")
        if answer is None or (message.ghost and self.rng.random() < 0.6):
            return
        self.send(replace(message, raw=answer, is_answer=True))

    def _arrive_below(self, message: Message) -> None:
        station = self.stations[message.child]
        if station.life != message.life or station.node is None:
            return
        waiting = self.inflight.get(message.child)
        if waiting is not None and waiting.serial == message.serial:
            del self.inflight[message.child]
        outcome = self.guarded(
            message.child, lambda node: node.rounds.take_answer(parts_of(message.raw, self.rng))
        )
        if outcome is not None and outcome.more:
            self.more.add(message.child)
        self.count("answers" if outcome is not None else "answers_refused")
        self.look([message.child])
        if outcome is not None:
            second_lane.fetch(self, message.child)

    def project(self, code: str) -> None:
        """Let a node that projects later do so now."""
        station = self.stations[code]
        if station.node is not None and station.waiting.pending:
            station.waiting.pending = False
            self.guarded(code, lambda node: node.catch_up())
            self.look([code])

    def exchange(self, child: str) -> None:
        """Make one whole round over a good road, and fetch what it announced."""
        self.more.discard(child)
        self.call(child)
        second_lane.fetch_all(self, child)
        for code in (self.parents[child], child):
            self.project(code)

    def exchange_all(self, child: str) -> None:
        """Make rounds as long as the child finds another one worth making at once."""
        for _ in range(MORE_MAX):
            self.exchange(child)
            if child not in self.more:
                break

    def children(self) -> list[str]:
        """Return the stations there are that call a parent, from above downwards."""
        return [code for code in self.stations if self.parents[code]]

    def close(self) -> None:
        """Close all files."""
        for station in self.stations.values():
            station.close()


def in_parts(node: SimNode, raw: bytes, rng: random.Random) -> bytes:
    """Return a node's answer to a request that arrives in parts, as it does by HTTP."""
    served = node.rounds.open()
    try:
        for part in parts_of(raw, rng):
            served.feed(part)
        return served.finish()
    finally:
        served.close()


class Failure(Exception):
    """A promise was broken in a seeded run."""

    def __init__(self, seed: int, step: int, sentence: str) -> None:
        super().__init__(f"seed {seed}, step {step}: {sentence}")
        self.seed = seed
        self.step = step
        self.sentence = sentence


__all__ = ["Failure", "Waiting", "World", "Wrong"]
