"""Sticks lost, doubled, mixed, turned round and late, between rounds that come or do not (R13)."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.engine import clock, file_make, file_take, halt, homes
from sync.engine.file_make import Draft
from sync.protocol import bundles, canonical, sealing
from sync.protocol.bodies import SealedFor
from sync.protocol.bundles import BundleManifest
from sync.protocol.errors import BundleRefused, LogStopped
from sync.protocol.frames import Frame
from sync.protocol.ports import GOOD, StoredEvent
from sync.protocol.statements import Statement
from tests.unit.sync.harness import (
    Clock,
    CountedChance,
    Node,
    World,
    county,
)

STATIONS = ("CG0111", "CG0112", "CG0211", "CG0101")
ABOVE = ("KM0000", "CG0101")
"""Who takes sticks in: central, and a township that is the parent of two of the villages."""
STEPS_MAX = 40
YEAR_MS = 365 * 24 * 3600 * 1000
FAIR_TURNS = 4


class Stick(NamedTuple):
    """A bundle without its seal."""

    head: Statement
    manifest: BundleManifest
    frames: list[Frame]


def packed(node: Node, draft: Draft, content: list[Frame]) -> Stick:
    core = node.core
    manifest = BundleManifest(
        v=1,
        way=draft.way,
        station=core.station,
        epoch=core.epoch,
        incarnation=core.incarnation,
        to=draft.to,
        number=draft.number,
        created_ms=node.clock.ms,
        alg=sealing.ALGORITHM,
        salt=b"",
        readers=[SealedFor(f"{log.station}/{log.epoch}", b"", b"") for log, _ in draft.readers],
        ranges=draft.ranges,
        events=draft.events,
        plain_bytes=0,
        sealed_bytes=0,
        sealed_sha256=b"",
        certificate=core.certificate,
        authority=core.authority[0],
    )
    payload = canonical.dumps(manifest)
    unsigned = Statement(bundles.KIND, payload, b"", core.signer_name)
    signed = Statement(
        bundles.KIND, payload, core.signer.sign(unsigned.message()), core.signer_name
    )
    return Stick(signed, manifest, content)


def up(node: Node) -> Stick:
    """Return a bundle up of a node."""
    draft = node.do(lambda tx: file_make.begin_up(node.core, tx, node.clock.later(1000)))
    return packed(node, draft, node.do(lambda tx: list(file_make.up_frames(tx, draft))))


def down(node: Node, to: str) -> Stick:
    """Return a bundle down to a station. Raises: BundleRefused."""
    draft = node.do(lambda tx: file_make.begin_down(node.core, tx, node.clock.later(1000), to))
    content = node.do(lambda tx: list(file_make.down_frames(tx, draft, node.blobs)))
    return packed(node, draft, content)


def take(node: Node, stick: Stick) -> None:
    """Take a bundle in, frame by frame. Raises: BundleRefused."""
    now = node.clock.later(1000)
    session = node.do(lambda tx: file_take.admit(node.core, tx, now, stick.head, stick.manifest))
    if session.already:
        return
    for frame in stick.frames:
        node.do(
            lambda tx, frame=frame: file_take.take_frame(
                node.core, tx, now, session, node.blobs, frame
            )
        )
    node.do(lambda tx: file_take.finish(node.core, tx, now, session))
    node.switch()


def is_reader(node: Node, stick: Stick) -> bool:
    return any(reader.to.partition("/")[0] == node.code for reader in stick.manifest.readers)


@cache
def _at_rest() -> tuple[World, dict[str, Any], int]:
    world = county()
    return world, {code: node.disk() for code, node in world.nodes.items()}, world.clock.ms


def fresh_county() -> World:
    """Return the county as it was at rest; made once, its disks put back each time."""
    world, disks, at_ms = _at_rest()
    world.clock.ms = at_ms
    for code, node in world.nodes.items():
        node.put_back(disks[code])
        node.core.chance = CountedChance(code)
    return world


class Road:
    """A county, all sticks ever made, and what was written."""

    def __init__(self) -> None:
        self.world = fresh_county()
        self.sticks: list[Stick] = []
        self.written: list[StoredEvent] = []

    def write(self, who: str, other: str) -> None:
        """Open a case that concerns another station too, or go on with one of its own."""
        node = self.world.nodes[who]
        self.world.clock.later(1000)
        with node.store.read() as transaction:
            mine = transaction.streams_of([who])
        if other == who and mine:
            self.written.append(node.record(stream=mine[-1]))
        else:
            self.written.append(node.record(added=sorted({who, other})))

    def make(self, who: str, to: str) -> None:
        """Make a bundle; one that cannot be made yet is not made."""
        node = self.world.nodes[who]
        try:
            self.sticks.append(down(node, to) if to else up(node))
        except BundleRefused:
            return

    def bring(self, which: int, where: str) -> None:
        """Bring one of all sticks, counted from the newest, whether it fits, is new, or neither."""
        if not self.sticks:
            return
        stick = self.sticks[-1 - which % len(self.sticks)]
        node = self.world.nodes[where]
        try:
            if is_reader(node, stick):
                take(node, stick)
        except BundleRefused:
            return

    def exchange(self, who: str, above: str) -> None:
        """Carry a stick up and its answer back, if the two have anything to do with each other."""
        self.make(who, "")
        self.bring(0, above)
        self.make(above, who)
        self.bring(0, who)

    def fair(self) -> None:
        """Let every stick arrive at central and come back, a few times; nobody is online."""
        central = self.world.central
        for _ in range(FAIR_TURNS):
            for code in (*STATIONS, "CG0201"):
                node = self.world.nodes[code]
                take(central, up(node))
                take(node, down(central, code))


STEP = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(STATIONS), st.sampled_from(STATIONS)),
    st.tuples(st.just("up"), st.sampled_from(STATIONS), st.just("")),
    st.tuples(st.just("down"), st.sampled_from(ABOVE), st.sampled_from(STATIONS)),
    st.tuples(st.just("bring"), st.integers(0, 30), st.sampled_from((*ABOVE, *STATIONS))),
    st.tuples(st.just("exchange"), st.sampled_from(STATIONS), st.sampled_from(ABOVE)),
    st.tuples(st.just("round"), st.sampled_from(STATIONS), st.just("")),
)


def play(steps: list[tuple[str, str | int, str]]) -> Road:
    """Return the road after a list of steps."""
    road = Road()
    for kind, first, second in steps:
        if kind == "bring":
            assert isinstance(first, int)
            road.bring(first, second)
            continue
        assert isinstance(first, str)
        if kind == "write":
            road.write(first, second)
        elif kind == "exchange":
            road.exchange(first, second)
        elif kind == "round":
            node = road.world.nodes[first]
            node.round(road.world.nodes[node.core.parent or ""])
        else:
            road.make(first, second)
    return road


def check(road: Road) -> None:
    """Central holds each event once; so does everybody it concerns; receipts are back; no harm."""
    nodes = road.world.nodes
    central = road.world.central
    assert central.holds(*road.written)
    for node in nodes.values():
        own = node.log()
        assert central.log(own.name).position == own.position
        assert node is central or own.central_position == own.position
        assert not own.frozen
        assert node.count("events_refused") == node.count("logs_frozen") == 0
    for stored in road.written:
        with central.store.read() as transaction:
            members = transaction.audience(stored.stream)
        for code in members:
            assert nodes[code].holds(stored), f"{code} lacks {stored.name}"
            assert nodes[code].standing(stored) == GOOD


@settings(max_examples=40, deadline=None)
@given(st.lists(STEP, max_size=STEPS_MAX))
def test_any_chaos_of_sticks_converges_by_sticks(
    steps: list[tuple[str, str | int, str]],
) -> None:
    """Whatever came before: once sticks arrive and come back, all is where it belongs."""
    road = play(steps)
    road.fair()
    check(road)


@settings(max_examples=40, deadline=None)
@given(st.lists(STEP, max_size=STEPS_MAX))
def test_any_chaos_of_sticks_converges_online(steps: list[tuple[str, str | int, str]]) -> None:
    """Once the lines are back, rounds alone bring everything where it belongs, and come to rest."""
    road = play(steps)
    road.world.settle()
    check(road)
    for code in (*STATIONS, "CG0201"):
        with road.world.nodes[code].store.read() as transaction:
            assert not transaction.logs_unsent(), f"{code} offers for ever"


def test_a_hello_that_a_stick_overtook_halts_nobody() -> None:
    """Found by seed 47: the parent knows more by stick than the round under way says."""
    world = fresh_county()
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    village.sync(township)
    under_way = village.begin()
    stored = village.record()
    take(township, up(village))
    village.take(township.serve(under_way))
    with village.store.read() as transaction:
        assert halt.halted(transaction) is None
    village.sync(township)
    assert stored.name.position == village.log().parent_position


def test_one_put_back_is_halted_though_it_wrote_anew_meanwhile() -> None:
    """As long as the parent's log of it, and another: not overtaken, but behind."""
    world = fresh_county()
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    village.sync(township)
    before = village.disk()
    village.record()
    village.sync(township)
    village.put_back(before)
    under_way = village.begin()
    village.record()
    village.take(township.serve(under_way))
    with village.store.read() as transaction:
        assert halt.halted(transaction) is not None


def test_what_comes_of_a_first_stick_is_owed_before_it_is_taken_whole() -> None:
    """Found by seed 231: central numbered the case between two frames; no stick ever said so."""
    world = fresh_county()
    village, central = world.nodes["CG0111"], world.central
    case = village.record()
    stick, now = up(village), world.clock.later(1000)
    session = central.do(
        lambda tx: file_take.admit(central.core, tx, now, stick.head, stick.manifest)
    )
    for frame in stick.frames:
        central.do(
            lambda tx, frame=frame: file_take.take_frame(
                central.core, tx, now, session, central.blobs, frame
            )
        )
    numbered = central.record(stream=str(case.name))
    central.do(lambda tx: file_take.finish(central.core, tx, now, session))
    take(village, down(central, "CG0111"))
    assert village.holds(numbered)


def test_a_station_put_back_to_before_a_stick_past_its_parent_is_told() -> None:
    """Found by seed 3929: only central held the event, and the next got its name again."""
    world = fresh_county()
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    disk = village.disk()
    written = village.record(added=["CG0112"])
    take(world.central, up(village))
    township.sync(world.central)  # central's receipt comes down, and the event after it
    village.put_back(disk)
    for _ in range(3):
        village.round(township)
        township.sync(world.central)
    with pytest.raises(LogStopped):
        village.record()
    world.settle()
    assert village.holds(written)


def test_what_a_stick_took_past_a_parent_is_not_sent_to_it_again() -> None:
    """The parent has it from above: the link of the station is the poor one."""
    world = fresh_county()
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    written = [village.record(added=["CG0112"]) for _ in range(3)]
    take(world.central, up(village))
    for _ in range(3):
        township.sync(world.central)
    assert township.holds(*written)
    assert written[-1].name.position == township.log(village.core.log).position


def test_a_log_taken_over_by_a_stick_is_not_given_up_for_an_answer_of_before() -> None:
    """Found by seeds 47 and 1974: the parent was not shown central's receipt yet."""
    world = fresh_county()
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    village.record(added=["CG0112"])
    township.begin()  # lost, so the next one asks how far each log is
    answer = world.central.serve(township.begin())
    take(world.central, up(village))
    take(village, down(world.central, "CG0111"))
    village.do(lambda tx: homes.attach_to(village.core, tx, village.clock.ms, "CG0201"))
    village.do(lambda tx: homes.attach_to(village.core, tx, village.clock.ms + 1, "CG0101"))
    village.round(township)  # it shows central's receipt
    held = township.log(village.core.log).position
    township.take(answer)
    assert held == township.log(village.core.log).position
    assert 0 == township.count("gaps_given_up")


def test_the_word_of_a_central_whose_clock_was_put_right_comes_by_stick_too() -> None:
    """Found by seed 6373: ten years ahead stayed the trusted time until the next hour's mark."""
    world = fresh_county()
    township, right = world.nodes["CG0101"], world.clock.ms
    township.clock = Clock()
    township.clock.ms = right
    world.clock.ms = right + 10 * YEAR_MS
    township.sync(world.central)
    wrong = township.do(lambda tx: clock.trusted_ms(tx, right))
    assert wrong > right + YEAR_MS
    world.clock.ms = right + 1000
    take(township, down(world.central, "CG0101"))
    trusted = township.do(lambda tx: clock.trusted_ms(tx, township.clock.ms))
    assert abs(trusted - right) < 60_000
