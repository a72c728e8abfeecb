"""Named schedules: what each bug found by a seed looked like, and the classics."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sync.engine.clock import trusted_ms
from sync.protocol import rounds
from sync.protocol.frames import EVENTS, STATEMENTS, decode_stream, encode_stream
from sync.protocol.ports import GOOD
from tests.simulation import hands, moves, network, workload
from tests.simulation.catalogue import (
    CENTRAL,
    DISTRICT,
    FIRST_STATIONS,
    LATE_VILLAGE,
    TOWNSHIP,
    TOWNSHIP_2,
    VILLAGE,
    VILLAGE_3,
)
from tests.simulation.disk import AFTER, BEFORE
from tests.simulation.final_checks import check_all
from tests.simulation.nemeses import TEN_YEARS_MS
from tests.simulation.rest import heal
from tests.simulation.station import SimNode
from tests.simulation.world import World

APPLICANT = {"name": "演示申请人"}


@pytest.fixture
def world() -> Iterator[World]:
    """Seven stations that have their registers, over good roads."""
    made = World(7)
    made.network.weights = network.CLEAN
    for code in FIRST_STATIONS:
        made.enrol(code)
    made.publish(1)
    settle(made)
    yield made
    made.close()


def settle(world: World, *children: str, sweeps: int = 5) -> None:
    """Make rounds of the given children (default: all), lowest first."""
    for _ in range(sweeps):
        for child in children or FIRST_STATIONS[:0:-1]:
            world.exchange(child)


def node(world: World, code: str) -> SimNode:
    """Return the node that lives at a station now."""
    found = world.node(code)
    assert found is not None
    return found


def do(world: World, code: str, act: str, stream: str | None = None, **fields: object) -> str:
    """Do one act and return the stream."""
    given = {"reason": "演示", "applicant": APPLICANT, **fields}
    deed = world.act(code, lambda n: workload.do(n, act, stream, given))
    assert deed is not None
    assert deed.names, deed.refused
    return deed.stream


def take_in(world: World, code: str = VILLAGE, matter: str = "M100", *given: str) -> str:
    """Take in a case; all its papers unless some are named."""
    papers = workload.ticks(*(given or ("M1", "M2")))
    return do(world, code, "received", matter=matter, materials=papers)


def holder(world: World, code: str, stream: str) -> str:
    """Return who holds a case by what a station shows."""
    with world.stations[code].durable.read() as transaction:
        row = world.stations[code].table(transaction).get(stream)
    assert row is not None
    return row.holder


def parent_position(world: World, code: str) -> int:
    """Return how far a station's own log is at its parent, as it was told."""
    with world.stations[code].durable.read() as transaction:
        log = transaction.log(node(world, code).core.log)
    assert log is not None
    return log.parent_position


def at_rest(world: World) -> None:
    """Heal the world and check every promise."""
    heal(world)
    check_all(world.checkers, world.rng)


def test_one_event_goes_up_and_one_receipt_comes_back(world: World) -> None:
    """Two nodes, one round: the township holds the case, the village knows it does."""
    stream = take_in(world)
    before = parent_position(world, VILLAGE)
    world.exchange(VILLAGE)
    assert stream in world.checkers.held[TOWNSHIP]
    assert before + 2 == parent_position(world, VILLAGE)
    at_rest(world)


def test_a_replayed_round_is_answered_prove_and_changes_nothing(world: World) -> None:
    """A request that comes again after its token was spent is asked for proof, not believed."""
    spent = node(world, VILLAGE).rounds.begin()
    node(world, VILLAGE).rounds.take_answer(node(world, TOWNSHIP).rounds.serve(spent))
    world.exchange(VILLAGE)
    held = set(world.checkers.held[TOWNSHIP])
    answer = node(world, TOWNSHIP).rounds.serve(spent)
    assert rounds.PROVE.encode() in answer
    world.look([TOWNSHIP])
    assert held == world.checkers.held[TOWNSHIP]
    take_in(world)
    world.exchange(VILLAGE)
    with world.stations[VILLAGE].durable.read() as transaction:
        link = transaction.parent_link()
    assert link is not None
    assert rounds.OK == link.verdict
    at_rest(world)


def test_a_takeover_beats_an_acceptance_made_meanwhile(world: World) -> None:
    """The district takes over what the township accepts at the same time: the district holds it."""
    stream = take_in(world, VILLAGE, "M100", "M2")
    settle(world, VILLAGE, TOWNSHIP)
    do(world, DISTRICT, "taken_over", stream)
    do(world, VILLAGE, "handed_over", stream, to=TOWNSHIP)
    world.exchange(VILLAGE)
    assert TOWNSHIP == holder(world, TOWNSHIP, stream)
    do(world, TOWNSHIP, "defects_told", stream, defects=[{"problem": "演示"}])
    at_rest(world)
    for code in (VILLAGE, TOWNSHIP, DISTRICT, CENTRAL):
        assert DISTRICT == holder(world, code, stream)


def test_a_case_handed_over_offline_is_taken_when_the_link_is_back(world: World) -> None:
    """A village cut off hands over; nobody advances meanwhile; the other side then takes it."""
    stream = take_in(world, VILLAGE, "M100", "M2")
    settle(world)
    world.network.cut[VILLAGE] = 10**6
    do(world, VILLAGE, "handed_over", stream, to=VILLAGE_3)
    settle(world)
    assert VILLAGE == holder(world, CENTRAL, stream)
    refused = world.act(VILLAGE, lambda n: workload.do(n, "handed_over", stream, {"to": TOWNSHIP}))
    assert refused is not None
    assert not refused.names
    at_rest(world)
    assert VILLAGE_3 == holder(world, VILLAGE, stream)


@pytest.mark.parametrize("kind", [BEFORE, AFTER])
def test_a_power_cut_between_save_and_send_loses_nothing_saved(world: World, kind: str) -> None:
    """What was told as saved survives; what was not told is there wholly or not at all."""
    saved = take_in(world)
    world.stations[VILLAGE].store.arm(kind, 1)
    lost = world.act(VILLAGE, lambda n: workload.do(n, "received", None, {
        "matter": "M100", "applicant": APPLICANT, "materials": workload.ticks("M1", "M2"),
    }))  # fmt: skip
    assert lost is None
    assert world.node(VILLAGE) is None
    world.start(VILLAGE)
    at_rest(world)
    assert saved in world.checkers.held[CENTRAL]
    own = len(world.auditor.of_log[VILLAGE, world.stations[VILLAGE].identity.epoch])
    assert (kind == AFTER) == (own > 3)


def test_after_a_lost_answer_the_receipt_is_fetched_before_anything_is_sent(world: World) -> None:
    """The parent has it already: the next round carries no events and brings the receipt."""
    take_in(world)
    request = node(world, VILLAGE).rounds.begin()
    node(world, TOWNSHIP).rounds.serve(request)
    world.look([VILLAGE, TOWNSHIP])
    again = node(world, VILLAGE).rounds.begin()
    assert len(again) < len(request)
    before = parent_position(world, VILLAGE)
    node(world, VILLAGE).rounds.take_answer(node(world, TOWNSHIP).rounds.serve(again))
    assert before < parent_position(world, VILLAGE)
    at_rest(world)


def test_an_attachment_lost_with_its_round_goes_up_again(world: World) -> None:
    """Found by seed 1140: a request cut behind its hello is answered, its statements are not in."""
    at_rest(world)
    late = "CG0212"
    with world.stations[late].durable.write() as transaction:
        transaction.enqueue("^", "attachment", late)
    ahead = list(decode_stream(node(world, late).rounds.begin()))
    assert STATEMENTS == ahead.pop().type
    cut = encode_stream(ahead) + b"cut"
    node(world, late).rounds.take_answer(node(world, TOWNSHIP_2).rounds.serve(cut))
    with world.stations[late].durable.read() as transaction:
        assert 1 == transaction.outbox_count("^")
    at_rest(world)


def test_an_attachment_goes_up_with_the_certificate_it_is_checked_by(world: World) -> None:
    """Found by seed 1044: a child whose first events were cut off is introduced all the same."""
    fresh = World(8)
    fresh.network.weights = network.CLEAN
    for code in FIRST_STATIONS:
        fresh.enrol(code)
    request = node(fresh, VILLAGE).rounds.begin()
    *ahead, events = list(decode_stream(request))
    assert EVENTS == events.type
    node(fresh, TOWNSHIP).rounds.serve(encode_stream(ahead) + b"cut")
    fresh.look([VILLAGE, TOWNSHIP])
    fresh.exchange(TOWNSHIP)
    with fresh.stations[DISTRICT].durable.read() as transaction:
        assert transaction.statement("attachment", VILLAGE) is not None
    fresh.close()


def test_a_takeover_that_comes_before_what_gives_its_right_still_counts(world: World) -> None:
    """Found by seed 1132: logs come one after the other, so a right may arrive behind its use."""
    stream = take_in(world, VILLAGE, "M100", "M2")
    settle(world)
    do(world, TOWNSHIP_2, "received", matter="M100", materials=workload.ticks("M1"))
    world.exchange(TOWNSHIP_2)
    do(world, VILLAGE, "handed_over", stream, to=VILLAGE_3)
    for child in (VILLAGE, TOWNSHIP, TOWNSHIP_2, VILLAGE_3, VILLAGE_3):
        world.exchange(child)
    do(world, TOWNSHIP_2, "taken_over", stream)
    world.exchange(TOWNSHIP_2)
    settle(world, DISTRICT)
    with world.stations[CENTRAL].durable.read() as transaction:
        assert {GOOD} == {stored.standing for stored in transaction.stream_events(stream)}
    at_rest(world)
    assert TOWNSHIP_2 == holder(world, VILLAGE, stream)


def test_a_clock_of_central_that_was_put_right_is_believed(world: World) -> None:
    """Found by seed 3225: ten years ahead once, and no station could be enrolled any more."""
    world.stations[CENTRAL].clock.jump(TEN_YEARS_MS)
    settle(world)
    world.stations[CENTRAL].clock.set_right()
    world.publish(2)
    settle(world)
    world.enrol(LATE_VILLAGE)
    at_rest(world)
    for code in FIRST_STATIONS[1:]:
        with world.stations[code].durable.read() as transaction:
            trusted = trusted_ms(transaction, node(world, code).clock_ms())
        assert trusted is not None
        assert abs(trusted - world.true.now_ms) < 60_000, code


def test_a_hole_goes_with_its_station_to_a_new_parent(world: World) -> None:
    """Found by seed 156: the new parent asked above for what was refused there, for ever."""
    hands.spoil_at(world, VILLAGE)
    settle(world, sweeps=8)
    moves.move(world, VILLAGE, TOWNSHIP_2)
    at_rest(world)
    heal(world)
    check_all(world.checkers, world.rng)
