"""Fallback parents and moves: cheap on the station's link, whole above, nothing twice or lost."""

from __future__ import annotations

from typing import Any

import pytest

from sync.engine import gaps, homes, revocation, tree
from sync.engine.homes import Place
from sync.protocol import digest, frames, statements
from sync.protocol.errors import DiskFull
from sync.protocol.ports import StoredEvent
from sync.protocol.registers import Shelf
from tests.unit.sync.harness import AUTHORITY, ROOT, Node, World
from tests.unit.sync.test_engine_endurance import hello_of

OWN, OTHER, STATION = "CG0101", "CG0201", "CG0111"
MOVE_BYTES_MAX = 2_600


def attach(world: World, code: str, parent: str) -> None:
    """Let a station go to another parent, as its node does."""
    node = world.nodes[code]
    node.do(
        lambda transaction: homes.attach_to(node.core, transaction, world.clock.later(1000), parent)
    )


def settled(world: World, *, rounds: int = 6) -> None:
    """Make rounds everywhere, each station with the parent it is attached to now."""
    for _ in range(rounds):
        for node in world.nodes.values():
            if node.core.parent is not None:
                node.sync(world.nodes[node.core.parent])


def written(node: Node, count: int, added: str = "") -> list[StoredEvent]:
    """Return cases a station wrote."""
    return [node.record(added=[added] if added else []) for _ in range(count)]


def outbox(node: Node, child: str) -> int:
    """Return how much a parent owes a child."""
    with node.store.read() as transaction:
        return transaction.outbox_count(child)


def test_a_move_sends_no_event_again_and_the_new_parent_fetches_them_from_above(
    world: World,
) -> None:
    """Central's receipt proves the log; what lies before comes from the new parent's parent."""
    station, other = world.nodes[STATION], world.nodes[OTHER]
    old = written(station, 40)
    settled(world)
    attach(world, STATION, OTHER)
    sent = 0
    for _ in range(3):
        request = station.begin()
        sent += len(request)
        assert frames.EVENTS not in [f.type for f in frames.decode_stream(request)]
        station.take(other.serve(request))
    assert sent < MOVE_BYTES_MAX
    settled(world)
    assert other.holds(*old)
    assert other.log(station.core.log).position == station.log().position
    assert 1 == other.count("gaps_closed")
    assert 0 == other.count("gaps_over_other_content")
    fresh = written(station, 1)
    settled(world)
    assert world.central.holds(*fresh)
    assert station.log().central_position == station.log().position


def test_what_is_not_at_central_yet_goes_to_the_new_parent(world: World) -> None:
    """Nothing unsent is left with the parent that does not answer."""
    station = world.nodes[STATION]
    written(station, 3)
    settled(world)
    left = written(station, 5)
    station.sync(world.nodes[OWN])  # the own parent has them and is cut off from here on
    attach(world, STATION, OTHER)
    for _ in range(4):
        station.sync(world.nodes[OTHER])
        world.nodes[OTHER].sync(world.central)
    assert world.central.holds(*left)
    # The old parent comes back and offers the same: several parents double nothing.
    settled(world)
    assert world.central.log(station.core.log).position == station.log().position
    assert 0 == world.central.count("logs_frozen")


def test_the_old_parent_owes_a_moved_child_nothing_any_more(world: World) -> None:
    """Its outbox is dropped when the attachment reaches it, and events go the new way."""
    station, old = world.nodes[STATION], world.nodes[OWN]
    case = station.record(added=["CG0112"])
    settled(world)
    attach(world, STATION, OTHER)
    settled(world)
    answer = world.nodes["CG0112"].record(stream=str(case.name))
    settled(world)
    assert 0 == outbox(old, STATION)
    assert station.holds(answer)


def test_coming_back_costs_no_event_and_brings_what_was_missed(world: World) -> None:
    """The digests tell what is lacking; only that is offered, author by author."""
    station, own = world.nodes[STATION], world.nodes[OWN]
    case = station.record(added=["CG0112"])
    many = [world.nodes["CG0112"].record(stream=str(case.name)) for _ in range(10)]
    settled(world)
    attach(world, STATION, OTHER)
    settled(world)
    missed = world.central.record(stream=str(case.name))
    own.sync(world.central)
    attach(world, STATION, OWN)
    down: list[Any] = []
    for _ in range(5):
        answer = own.serve(station.begin())
        for frame in frames.decode_stream(answer):
            if frame.type == frames.EVENTS:
                down += frames.decode_events(frame.payload)[1]
        station.take(answer)
    assert station.holds(missed, *many)
    assert [missed.event] == down
    with station.store.read() as transaction:
        link = transaction.parent_link()
    assert link is not None
    assert digest.EMPTY != link.digest


def test_a_certificate_owed_when_a_child_left_is_owed_again_when_it_is_back(world: World) -> None:
    """Found by seed 643: it was noted as told, and no event of that author ever verified."""
    station, own, author = world.nodes[STATION], world.nodes[OWN], world.nodes["CG0112"]
    case = station.record(added=["CG0112"])
    settled(world)
    answer = author.record(stream=str(case.name))
    author.sync(own)
    assert 0 < outbox(own, STATION)
    attach(world, STATION, OTHER)
    station.sync(world.nodes[OTHER])
    world.nodes[OTHER].sync(world.central)
    own.sync(world.central)
    assert 0 == outbox(own, STATION)
    assert not station.holds(answer)
    attach(world, STATION, OWN)
    settled(world)
    assert station.holds(answer)


def test_a_receipt_of_an_earlier_life_of_central_proves_nothing(world: World) -> None:
    """A restored central may hold less: the new parent then takes the log from its beginning."""
    station, other = world.nodes[STATION], world.nodes[OTHER]
    old = written(station, 5)
    settled(world)
    world.central.new_life(9)
    world.clock.later(24 * 3600 * 1000)
    for _ in range(3):
        other.sync(world.central)
    attach(world, STATION, OTHER)
    for _ in range(4):
        station.sync(other)
    assert other.holds(*old)
    assert 0 == other.count("logs_adopted")


def test_a_gap_nobody_above_can_fill_is_given_up_and_offered_again(world: World) -> None:
    """Central lost what its receipt said: the station still has it, and is asked for it."""
    station, other = world.nodes[STATION], world.nodes[OTHER]
    before = world.central.disk()
    old = written(station, 6)
    settled(world)
    attach(world, STATION, OTHER)
    station.sync(other)  # takes the log over, and central is lost before it handed anything on
    with other.store.read() as transaction:
        assert gaps.of(transaction, station.core.log) is not None
    world.central.put_back(before)
    world.central.new_life(9)
    settled(world, rounds=8)
    assert 1 == other.count("gaps_given_up")
    assert other.holds(*old)
    assert world.central.holds(*old)


def test_a_node_asks_only_for_gaps_of_its_own_subtree(world: World) -> None:
    """What lies before a log is handed only to whom the log concerns."""
    station, stranger = world.nodes[STATION], world.nodes["CG0211"]
    written(station, 3)
    settled(world)
    asked = [gaps.Lacking(STATION, station.core.epoch, 0, 3)]
    with world.central.store.read() as transaction:
        shape = homes.tree.load(world.central.core, transaction, world.clock.ms)
        assert not list(gaps.asked(shape, transaction, stranger.core.station, asked))
        assert 3 == len(list(gaps.asked(shape, transaction, OWN, asked)))


def test_the_register_moves_a_station(world: World) -> None:
    """An edition that names another parent is followed; the attachment says so to everybody."""
    station = world.nodes[STATION]
    world.rows[STATION]["attributes"][0]["parent"] = OTHER
    world.publish_stations()
    settled(world)
    assert station.do(
        lambda transaction: homes.follow(station.core, transaction, world.clock.later(1000))
    )
    assert OTHER == station.core.parent
    settled(world)
    with world.central.store.read() as transaction:
        shape = homes.tree.load(world.central.core, transaction, world.clock.ms)
    assert STATION in shape.subtree(OTHER)
    assert not station.do(
        lambda transaction: homes.follow(station.core, transaction, world.clock.later(1000))
    )


def test_a_persons_word_comes_before_the_register(world: World) -> None:
    """And is given back to the register by a word."""
    station = world.nodes[STATION]
    here = Place(OTHER, "http://127.0.0.1:1")

    def say(place: Place | None) -> None:
        station.do(lambda transaction: homes.command(station.core, transaction, place))
        station.do(
            lambda transaction: homes.follow(station.core, transaction, world.clock.later(1000))
        )

    say(here)
    assert OTHER == station.core.parent
    say(None)
    assert OWN == station.core.parent
    assert ROOT != station.core.parent
    assert hello_of(station.begin()).station == STATION


def test_a_station_whose_voucher_ran_out_long_ago_may_move(world: World) -> None:
    """Central's receipt proves that it was admitted in time; without one the voucher counts."""
    station, other = world.nodes[STATION], world.nodes[OTHER]
    written(station, 2)
    settled(world)
    world.clock.later(90 * 24 * 3600 * 1000)
    attach(world, STATION, OTHER)
    for _ in range(3):
        station.sync(other)
    assert other.log(station.core.log).position == station.log().position


def kinds_told(answer: bytes) -> list[str]:
    """Return the kinds of the statements in an answer."""
    return [
        statements.decode(raw).kind
        for frame in frames.decode_stream(answer)
        if frame.type == frames.STATEMENTS
        for raw in frames.decode_statements(frame.payload)[1]
    ]


def test_a_new_parent_says_only_what_the_child_does_not_hold(world: World) -> None:
    """Of certificates, time and decrees it shows marks; the parent's own certificate comes."""
    station, other = world.nodes[STATION], world.nodes[OTHER]
    written(station, 3)
    settled(world)
    attach(world, STATION, OTHER)
    request = station.begin()
    answer = other.serve(request)
    assert ["certificate"] == kinds_told(answer)
    ahead = kinds_told(request)
    assert ["attachment", "certificate", "receipt"] == sorted(ahead), "each once"
    station.take(answer)
    settled(world)
    assert [] == kinds_told(other.serve(station.begin()))


def test_a_decree_the_child_missed_is_told_by_the_new_parent(world: World) -> None:
    """A mark over another set is no mark of this one."""
    station, other = world.nodes[STATION], world.nodes[OTHER]
    settled(world)
    central = world.central
    central.do(
        lambda t: revocation.issue(
            central.core,
            t,
            world.clock.ms,
            AUTHORITY,
            "CG0211",
            cuts={},
            trusted_from=0,
            reason="演示",
        )
    )
    for code in (OTHER, OWN):
        world.nodes[code].sync(central)
    attach(world, STATION, OTHER)
    answer = other.serve(station.begin())
    assert "revocation" in kinds_told(answer)
    station.take(answer)
    with station.store.read() as transaction:
        assert transaction.statement(statements.REVOCATION, "CG0211") is not None


def test_nothing_the_former_parent_gave_comes_again(world: World) -> None:
    """However much of the streams comes down to the new parent only after the move."""
    station, other = world.nodes[STATION], world.nodes[OTHER]
    cases = [station.record(added=["CG0112"]) for _ in range(4)]
    world.clock.later(1000)
    told = [world.nodes["CG0112"].record(stream=str(case.name)) for case in cases for _ in range(3)]
    settled(world)
    assert station.holds(*told)
    world.clock.later(1000)
    attach(world, STATION, OTHER)
    down: list[Any] = []
    for _ in range(8):
        other.sync(world.central)
        answer = other.serve(station.begin())
        down += [f for f in frames.decode_stream(answer) if f.type == frames.EVENTS]
        station.take(answer)
    assert other.holds(*cases, *told)
    assert [] == down


def test_what_the_former_parent_never_gave_comes_from_the_new_one(world: World) -> None:
    """It fell silent with an answer for the station under way: the digests show that it lacks."""
    station = world.nodes[STATION]
    case = station.record(added=["CG0112"])
    settled(world)
    missed = world.central.record(stream=str(case.name))
    world.clock.later(1000)
    attach(world, STATION, OTHER)
    settled(world)
    world.clock.later(2 * 60_000)
    settled(world)
    assert station.holds(missed)


def test_centrals_word_finds_a_station_that_went_away_and_came_back(world: World) -> None:
    """It lay with the parent called meanwhile, and nothing new went up by the old way since."""
    station, own, other = world.nodes[STATION], world.nodes[OWN], world.nodes[OTHER]
    written(station, 3)
    settled(world)
    written(station, 2)
    attach(world, STATION, OTHER)
    for _ in range(4):
        station.sync(other)
    other.sync(world.central)
    attach(world, STATION, OWN)
    for _ in range(6):
        station.sync(own)
        own.sync(world.central)
    assert station.log().position == world.central.log(station.core.log).position
    assert station.log().position == station.log().central_position


def test_a_relay_that_moves_tells_who_is_below_it(world: World) -> None:
    """Whom its stations call is their word, which the new parent never heard."""
    world.enrol("CG0212", OTHER, "village")  # no edition knows it yet
    settled(world)
    attach(world, OTHER, OWN)
    settled(world)
    with world.nodes[OWN].store.read() as transaction:
        shape = tree.load(world.nodes[OWN].core, transaction, world.clock.ms)
        assert "CG0212" in shape.subtree(OTHER)


def test_a_parent_of_nobody_is_given_what_the_first_station_below_it_reads(world: World) -> None:
    """Editions that concerned nobody there were not owed; they are when somebody comes."""
    shelf = Shelf("matters", tree.NATION, "village")
    away = world.nodes["CG0211"]
    attach(world, "CG0211", OWN)
    settled(world)
    world.publish(shelf, {"A": {"code": "A"}})
    world.nodes[OTHER].sync(world.central)
    attach(world, "CG0211", OTHER)
    for _ in range(4):
        away.sync(world.nodes[OTHER])
        world.nodes[OTHER].sync(world.central)
    away.sync(world.nodes[OTHER])
    with away.store.read() as transaction:
        assert transaction.edition(shelf) > 0


def test_a_move_that_was_not_saved_did_not_happen(world: World) -> None:
    """The disk was full: the node goes on with the parent its disk names."""
    station = world.nodes[STATION]

    def full(transaction: Any) -> None:
        homes.attach_to(station.core, transaction, world.clock.later(1000), OTHER)
        raise DiskFull("simulated")

    with pytest.raises(DiskFull):
        station.do(full)
    fresh = written(station, 1)
    station.sync(world.nodes[OWN])
    station.sync(world.nodes[OWN])
    assert world.nodes[OWN].holds(*fresh)


def test_a_parent_that_hears_last_of_who_left_it_is_told(world: World) -> None:
    """What it says of the station is older than what is known above by then."""
    world.enrol("CG0212", OTHER, "village")
    late, other = world.nodes["CG0212"], world.nodes[OTHER]
    late.sync(other)
    late.sync(other)
    attach(world, "CG0212", ROOT)
    for _ in range(3):
        late.sync(world.central)
    for _ in range(3):
        other.sync(world.central)
    with other.store.read() as transaction:
        shape = tree.load(other.core, transaction, world.clock.ms)
    assert "CG0212" not in shape.subtree(OTHER)
