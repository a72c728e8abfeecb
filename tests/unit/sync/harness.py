"""A few nodes in memory: the engine, real signatures, a clock that stands still unless moved.

Rounds go by hand or until nothing is left to say; requests and answers are bytes a test may lose,
repeat, delay or alter. It joins the engine's steps by itself, as the programs do in `node.rounds`.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from node.blobs import BlobExchange, Taken
from sync.engine import (
    answer,
    authority,
    child,
    editions,
    halt,
    intake,
    notices,
    parent,
    record,
    tree,
    trust,
)
from sync.engine.core import Core, Effects
from sync.protocol import canonical, frames, rounds
from sync.protocol.envelope import Envelope, Event, body_hash, signed_message
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import LogState, ParentLink, StoredEvent
from sync.protocol.registers import Entry, Shelf
from sync.signing import Ed25519Signer, Ed25519Verifier
from tests.fakes import second_lane
from tests.fakes.memory_store import MemoryBlobStore, MemoryStore, MemoryTransaction

START_MS = 1_790_000_000_000
AUTHORITY = Ed25519Signer(b"A" * 32)
ROOT = "KM0000"
STATIONS = Shelf(tree.REGISTER, tree.NATION, tree.ALL_TIERS)
SALT = bytes(16)
ROUNDS_MAX = 40


class Clock:
    """Milliseconds, moved by the test."""

    def __init__(self) -> None:
        self.ms = START_MS

    def later(self, ms: int) -> int:
        self.ms += ms
        return self.ms


class CountedChance:
    """Bytes that differ each time and are the same in each run."""

    def __init__(self, seed: str) -> None:
        self._seed, self._count = seed, 0

    def bytes(self, count: int) -> bytes:
        self._count += 1
        return hashlib.sha256(f"{self._seed}/{self._count}".encode()).digest()[:count]


def seed_of(text: str) -> bytes:
    """Return a private key that belongs to a text."""
    return hashlib.sha256(text.encode()).digest()


def make_certificate(
    station: str, epoch: int, *, signer: Ed25519Signer | None = None, by: Any = AUTHORITY
) -> tuple[bytes, Ed25519Signer]:
    """Return a certificate for an epoch and the key it names."""
    one_use = Ed25519Signer(seed_of(f"voucher/{station}/{epoch}"))
    signer = signer or Ed25519Signer(seed_of(f"{station}/{epoch}"))
    voucher = authority.make_voucher(by, station, epoch, one_use.public_key(), "online", "V")
    raw = authority.make_certificate(voucher, one_use, signer.public_key(), b"x" * 32)
    return raw, signer


class Node:
    """One node: its core, its store, and the steps of a round."""

    def __init__(
        self, clock: Clock, station: str, parent_code: str | None, *, epoch: int = 0, life: int = 1
    ) -> None:
        epoch = epoch or clock.ms
        certificate, self.signer = make_certificate(station, epoch)
        self.clock = clock
        self.store = MemoryStore()
        self.blobs = MemoryBlobStore()
        self.core = Core(
            station=station,
            epoch=epoch,
            incarnation=_incarnation(life),
            root=ROOT,
            parent=parent_code,
            authority=(AUTHORITY.public_key(),),
            certificate=certificate,
            signer=self.signer,
            verifier=Ed25519Verifier(),
            chance=CountedChance(f"{station}/{epoch}/{life}"),
        )
        self.exchange = BlobExchange(
            self.core, self.store, self.blobs, self.blobs.book, lambda: clock.ms, self.switch
        )
        with self.store.write() as transaction:
            record.open_epoch(self.core, transaction, clock.ms, None, 0)
            notices.attach(self.core, transaction, clock.ms)

    @property
    def code(self) -> str:
        return self.core.station

    def do(self, step: Callable[[MemoryTransaction], Any]) -> Any:
        """Return what a step in a transaction of its own returns."""
        with self.store.write() as transaction:
            return step(transaction)

    def record(
        self,
        *,
        stream: str | None = None,
        kind: str = "noted",
        added: Sequence[str] = (),
        body: Mapping[str, Any] | None = None,
    ) -> StoredEvent:
        """Return a new event of this node."""
        stored: StoredEvent = self.do(
            lambda transaction: record.record(
                self.core,
                transaction,
                self.clock.ms,
                stream=stream,
                kind=kind,
                actor="S001",
                added=added,
                body=body if body is not None else {"at_ms": self.clock.ms},
            )
        )
        return stored

    def forge(self, position: int, *, sign: bool = True, **changes: Any) -> Event:
        """Return an event this node's key signs without its log knowing: what a copy would do."""
        name = EventName(self.code, self.core.epoch, position)
        body = canonical.dumps({"at_ms": self.clock.ms, "forged": position})
        fields = {
            "v": 1,
            "alg": record.ALGORITHM,
            "station": self.code,
            "epoch": self.core.epoch,
            "pos": position,
            "hlc": self.clock.ms * 1024,
            "stream": str(name),
            "type": "noted",
            "actor": "S001",
            "body": body_hash(SALT, body),
            "aud": [],
        }
        raw = canonical.dumps(Envelope(**{**fields, **changes}))
        signature = self.signer.sign(signed_message("event", raw)) if sign else bytes(64)
        return Event(raw, signature, SALT, body)

    # A round, step by step.

    def begin(self) -> bytes:
        """Return the request of a new round; a newer incarnation is taken up first."""
        self.do(lambda transaction: halt.adopt(self.core, transaction))
        raw: bytes = self.do(
            lambda transaction: child.begin_round(self.core, transaction, self.clock.ms)
        )
        return raw

    def serve(self, raw: bytes) -> bytes:
        """Return the answer to a child's request."""
        now, stream = self.clock.ms, frames.decode_stream(raw)
        ahead = []
        for frame in stream:
            if frame.type == frames.HELLO:
                break
            ahead.append(frame)
        caller = parent.claimed_caller(frame.payload)
        with self.store.write() as transaction:
            for one in ahead:
                parent.receive_introduction(self.core, transaction, now, one, caller)
            session = parent.receive_hello(self.core, transaction, now, frame.payload)
        for frame in stream:
            with self.store.write() as transaction:
                parent.receive_frame(self.core, transaction, now, session, frame)
        with self.store.write() as transaction:
            return answer.finish(self.core, transaction, now, session, self.blobs)

    def take(self, raw: bytes) -> Effects:
        """Take the parent's answer and switch what editions are complete."""
        effects, taking = Effects(), child.Taking()
        for frame in frames.decode_stream(raw):
            with self.store.write() as transaction:
                effects.add(
                    child.receive_frame(
                        self.core, transaction, self.clock.ms, self.blobs, taking, frame
                    )
                )
        effects.add(self.switch())
        return effects

    def switch(self) -> Effects:
        """Switch to every edition that is complete and in force."""
        with self.store.write() as transaction:
            return editions.switch(self.core, transaction, self.clock.ms, self.blobs)

    def round(self, above: Node) -> Effects:
        """Make one whole round, then fetch on the second lane."""
        effects = self.take(above.serve(self.begin()))
        effects.more = self.fetch(above).whole > 0 or effects.more
        return effects

    def fetch(self, above: Node, **accidents: Any) -> Taken:
        """Fetch what is wanted from the parent."""
        return second_lane.fetch(self.exchange, above.exchange, **accidents)

    def sync(self, above: Node) -> None:
        """Make rounds until there is nothing more to say."""
        for _ in range(ROUNDS_MAX):
            if not self.round(above).more:
                return
        raise AssertionError(f"{self.code} never comes to rest with {above.code}")

    # What is held.

    def event(self, name: EventName) -> StoredEvent | None:
        with self.store.read() as transaction:
            return transaction.event(name)

    def holds(self, *stored: StoredEvent) -> bool:
        """Return whether every one of these events is held here, byte for byte."""
        found = [self.event(one.name) for one in stored]
        return all(f is not None and f.event == s.event for f, s in zip(found, stored, strict=True))

    def standing(self, stored: StoredEvent) -> str:
        held = self.event(stored.name)
        return "" if held is None else held.standing

    def log(self, log: LogName | None = None) -> LogState:
        with self.store.read() as transaction:
            state = transaction.log(log or self.core.log)
        assert state is not None
        return state

    def count(self, name: str) -> int:
        """Return a counter of this node."""
        with self.store.read() as transaction:
            return int(transaction.meta(f"count/{name}") or "0")

    def refusals(self, log: LogName) -> list[tuple[int, str]]:
        with self.store.read() as transaction:
            return [(r.position, r.reason) for r in transaction.refusals(log)]

    def events(self) -> int:
        with self.store.read() as transaction:
            return transaction.event_count()

    # Accidents.

    def disk(self) -> Any:
        """Return a copy of everything this node has stored."""
        return copy.deepcopy(self.store._tables)

    def put_back(self, disk: Any) -> None:
        """Go on with an earlier copy of the disk."""
        self.store._tables = copy.deepcopy(disk)
        self.core.keys.clear()
        self.core.trees.clear()

    def new_life(self, life: int) -> None:
        """Take another incarnation, as after a restore."""
        self.core.incarnation = _incarnation(life)


def _incarnation(life: int) -> str:
    return f"{START_MS + life:013d}-0000000000000000"


class World:
    """Central and stations below it, enrolled as they are named."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.nodes: dict[str, Node] = {}
        self.rows: dict[str, dict[str, Any]] = {}
        self.central = self.enrol(ROOT, None, "central")

    def enrol(self, code: str, above: str | None, tier: str) -> Node:
        """Return a new node, not yet in the register."""
        self.clock.later(1000)
        self.nodes[code] = Node(self.clock, code, above)
        self.rows[code] = station_row(code, tier, above or "")
        return self.nodes[code]

    def publish_stations(self) -> None:
        """Publish the tree of stations as it stands in `rows`."""
        self.publish(STATIONS, self.rows)

    def move(self, code: str, above: str) -> None:
        """Attach a station to another parent, which it calls from now on."""
        node = self.nodes[code]
        node.core.parent = above
        with node.store.write() as transaction:
            transaction.put_parent_link(ParentLink(station=above))
            for log in transaction.logs():
                transaction.put_log(replace(log, parent_position=0))
            notices.attach(node.core, transaction, self.clock.later(1000))
        for _ in range(3):
            node.round(self.nodes[above])

    def publish(self, shelf: Shelf, rows: Mapping[str, Any], **options: Any) -> Effects:
        """Publish a shelf at central."""
        entries = [Entry(code, canonical.dumps(row)) for code, row in rows.items()]
        self.clock.later(1000)
        central = self.central
        with central.store.write() as transaction:
            return authority.publish(
                central.core,
                transaction,
                self.clock.ms,
                central.blobs,
                AUTHORITY,
                shelf,
                entries,
                **options,
            )

    def settle(self) -> None:
        """Make rounds everywhere until nothing moves any more."""
        for _ in range(ROUNDS_MAX):
            before = self.state()
            for node in self.nodes.values():
                if node.core.parent is not None:
                    node.sync(self.nodes[node.core.parent])
            if self.state() == before:
                return
        raise AssertionError("the world never comes to rest")

    def state(self) -> list[Any]:
        """Return what can still move: events, cursors, outboxes, editions."""
        found: list[Any] = []
        for node in self.nodes.values():
            with node.store.read() as transaction:
                found.append((transaction.event_count(), list(transaction.logs())))
                found.append(transaction.editions())
                found.append([transaction.outbox_count(link) for link in ("^", *self.nodes)])
        return found


def station_row(code: str, tier: str, above: str, **more: Any) -> dict[str, Any]:
    """Return a stations entry."""
    attributes = {"from": "2020-01-01", "name": code, "division": tree.NATION, "parent": above}
    return {"code": code, "tier": tier, "attributes": [attributes], "closed": "", **more}


def county() -> World:
    """Return central, two townships and three villages, at rest, with their tree in the register.

    Shapes: CG0101 above CG0111 and CG0112; CG0201 above CG0211.
    """
    world = World()
    for code in ("CG0101", "CG0201"):
        world.enrol(code, ROOT, "township")
    for code, above in (("CG0111", "CG0101"), ("CG0112", "CG0101"), ("CG0211", "CG0201")):
        world.enrol(code, above, "village")
    world.publish_stations()
    world.settle()
    return world


def altered(raw: bytes, change: Callable[[frames.Frame], frames.Frame | None]) -> bytes:
    """Return a stream with each frame changed, or dropped where the change gives None."""
    changed = [change(frame) for frame in frames.decode_stream(raw)]
    return frames.encode_stream(frame for frame in changed if frame is not None)


def verdict_of(raw: bytes) -> rounds.Answer:
    """Return the answer in an answer's stream, unverified."""
    for frame in frames.decode_stream(raw):
        if frame.type == frames.ANSWER:
            return rounds.decode_header(rounds.split_header(frame.payload)[1], rounds.Answer)
    raise AssertionError("no answer")


def frame_types(raw: bytes) -> list[int]:
    """Return the types of a stream's frames."""
    return [frame.type for frame in frames.decode_stream(raw)]


def certify(node: Node, other: Node) -> None:
    """Let a node hold another's certificate, as its neighbour would have told it."""
    node.do(
        lambda transaction: trust.take_certificate(
            node.core, transaction, other.core.certificate, first_hand_ms=None
        )
    )


def spoil(event: Event) -> Event:
    """Return the event with a signature that does not verify."""
    return event._replace(signature=bytes(64))


def spoiled_at(request: bytes, name: EventName) -> bytes:
    """Return a request in which one event has a bad signature."""

    def change(frame: frames.Frame) -> frames.Frame:
        if frame.type != frames.EVENTS:
            return frame
        through, events = frames.decode_events(frame.payload)
        return frames.encode_events(
            through,
            [spoil(e) if intake.claimed_name(e) == name else e for e in events],
        )

    return altered(request, change)
