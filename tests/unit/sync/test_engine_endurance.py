"""What goes wrong for one log or station ends there: no round without end, no link that bursts."""

from __future__ import annotations

import hashlib

import pytest
from msgspec.structs import replace

from sync.engine import child, intake, notices, outgoing, recovery, tree
from sync.engine.core import Effects
from sync.protocol import frames, rounds, statements
from sync.protocol.limits import ROUND_BYTES_TARGET
from sync.protocol.names import EventName
from sync.protocol.ports import LogState, Refused, Transaction
from sync.protocol.statements import Attachment
from tests.unit.sync.harness import ROOT, Node, World, altered, spoil


def hello_of(raw: bytes) -> rounds.Hello:
    """Return the hello of a request."""
    for frame in frames.decode_stream(raw):
        if frame.type == frames.HELLO:
            return rounds.decode_header(rounds.split_header(frame.payload)[1], rounds.Hello)
    raise AssertionError("no hello")


def owed_events(node: Node, link: str) -> int:
    """Return how many events a node owes a child."""
    with node.store.read() as transaction:
        return sum(1 for item in transaction.outbox(link, 0, 10_000) if item.kind == "event")


def test_a_second_copy_of_a_node_does_not_call_without_pause(world: World) -> None:
    """A copy that cannot prove itself asks again at its interval, not at once and for ever."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    disk = village.disk()
    village.record()
    village.sync(township)
    village.sync(township)
    village.put_back(disk)
    village.sync(township)
    assert not village.round(township).more


@pytest.mark.parametrize("verdict", [rounds.FORK, rounds.REWIND, rounds.REVOKED])
def test_a_refused_link_does_not_call_without_pause(world: World, verdict: str) -> None:
    """What is unsent stays unsent until a person acts; the link is left in peace meanwhile."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    village.record()
    real = township.core.station, township.core.epoch, township.core.incarnation

    def refused() -> bool:
        refusal = rounds.Answer(1, *real, hello_of(village.begin()).nonce, verdict)
        payload = child.canonical.dumps(refusal)
        signature = township.signer.sign(rounds.answer_message(payload))
        frame = frames.Frame(frames.ANSWER, rounds.encode_header(signature, payload))
        return village.take(frames.encode_stream([frame])).more

    assert (verdict != rounds.REVOKED) == refused(), "one whose log is in doubt asks at once"
    assert not refused()


def test_thousands_of_holes_travel_in_several_rounds(world: World) -> None:
    """One station's bad log neither bursts its relay's hello nor keeps its neighbours waiting."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    first = village.record()
    village.sync(township)
    many = 3 * outgoing.HOLES_PER_ROUND

    def refuse(transaction: Transaction) -> LogState:
        log = transaction.log(first.name.log)
        assert log is not None
        for at in range(log.position + 1, log.position + 1 + many):
            digest = hashlib.sha256(str(at).encode()).digest()
            transaction.refuse(Refused(log.name, at, "bad_signature", digest))
        passed = recovery.pass_holes(transaction, log)
        transaction.put_log(passed)
        return passed

    passed = township.do(refuse)
    neighbour = world.nodes["CG0112"].record()
    world.nodes["CG0112"].sync(township)
    request = township.begin()
    assert len(hello_of(request).holes) <= outgoing.HOLES_PER_ROUND
    township.take(world.central.serve(request))
    assert world.central.holds(neighbour)
    township.sync(world.central)
    assert passed.position == world.central.log(first.name.log).position
    assert passed.chain == world.central.log(first.name.log).chain


def test_large_bodies_never_make_a_request_too_large(world: World) -> None:
    """A backlog of the largest bodies goes in several rounds, each within its bounds."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    blocks = (hashlib.sha512(str(i).encode()).hexdigest() for i in range(400 * 60))
    written = [
        village.record(body={"text": "".join(next(blocks) for _ in range(400))}) for _ in range(60)
    ]
    assert len(village.begin()) < ROUND_BYTES_TARGET
    village.sync(township)
    village.sync(township)
    assert township.holds(*written)


def test_a_log_that_is_not_taken_keeps_no_other_waiting(world: World) -> None:
    """However much of it is owed, the others have their share of every round."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    blocks = (hashlib.sha512(str(i).encode()).hexdigest() for i in range(400 * 60))
    for _ in range(60):
        village.record(body={"text": "".join(next(blocks) for _ in range(400))})
    for _ in range(3):
        village.sync(township)
    other = world.nodes["CG0112"].record()
    world.nodes["CG0112"].sync(township)

    def without_the_first(frame: frames.Frame) -> frames.Frame:
        if frame.type != frames.EVENTS:
            return frame
        through, events = frames.decode_events(frame.payload)
        kept = [e for e in events if intake.claimed_name(e).station != "CG0111"]
        return frames.encode_events(through, kept)

    township.take(world.central.serve(altered(township.begin(), without_the_first)))
    assert world.central.holds(other)


def test_a_difference_that_cannot_be_healed_is_not_tried_at_every_event(world: World) -> None:
    """The link goes on with the difference, instead of sending its whole history each time."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]

    def skew(transaction: Transaction) -> None:
        link = transaction.parent_link()
        assert link is not None
        transaction.put_parent_link(replace(link, digest=b"?" * 16))

    village.do(skew)
    for _ in range(4):
        world.nodes["CG0112"].record(added=["CG0111"])
        world.settle()
    assert 1 == township.count("links_compared")


def test_a_station_that_joins_costs_no_history_again(world: World) -> None:
    """A new village is no reason to send its township everything once more."""
    for _ in range(5):
        world.nodes["CG0211"].record(added=["CG0111"])
    world.settle()
    assert 0 == owed_events(world.central, "CG0101")
    world.enrol("CG0113", "CG0101", "village")
    world.publish_stations()
    assert 0 == owed_events(world.central, "CG0101")
    world.settle()
    case = world.nodes["CG0211"].record(added=["CG0113"])
    world.settle()
    assert world.nodes["CG0113"].holds(case)
    assert 0 == world.central.count("links_healed")


def test_what_was_owed_before_a_station_moved_is_not_sent_the_old_way(world: World) -> None:
    """Its case is no longer the business of the township it left; what follows still arrives."""
    township = world.nodes["CG0101"]
    case = world.central.record(added=["CG0111"])
    assert 1 == owed_events(world.central, "CG0101")
    world.move("CG0111", "CG0201")
    world.nodes["CG0201"].sync(world.central)
    other = world.central.record(added=["CG0112"])
    township.sync(world.central)
    assert not township.holds(case)
    assert township.holds(other)
    world.settle()
    assert world.nodes["CG0111"].holds(case)
    assert 0 == owed_events(world.central, "CG0101")


def test_a_parent_cannot_make_holes_in_the_logs_of_the_subtree(world: World) -> None:
    """Whatever comes down under a village's name, the village's own event is taken."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    position = village.log().position + 1
    false = spoil(village.forge(position))
    for _ in range(3):
        township.do(
            lambda transaction: intake.from_parent(
                township.core,
                tree.load(township.core, transaction, world.clock.ms),
                transaction,
                world.clock.ms,
                false,
                ROOT,
                Effects(),
            )
        )
    true = village.record()
    assert EventName("CG0111", village.core.epoch, position) == true.name
    village.sync(township)
    assert township.holds(true)
    assert [] == township.refusals(true.name.log)


def test_a_station_whose_clock_was_ahead_can_still_move(world: World) -> None:
    """The later attachment is the newer one, whatever the clock said at the first."""
    village = world.nodes["CG0111"]
    village.core.parent = "CG0201"
    with village.store.write() as transaction:
        notices.attach(village.core, transaction, world.clock.ms + 10**10)
        village.core.parent = "CG0101"
        first = transaction.statement(statements.ATTACHMENT, "CG0111")
        notices.attach(village.core, transaction, world.clock.ms)
        second = transaction.statement(statements.ATTACHMENT, "CG0111")
    assert first is not None
    assert second is not None
    since = [statements.decode(raw).read(Attachment).since_ms for raw in (first, second)]
    assert since == sorted(set(since))


def test_a_statement_that_is_bad_at_its_source_is_not_asked_for_for_ever(world: World) -> None:
    """Spoiled on the way it is asked for once more; the same bytes again are left alone."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    bad = frames.encode_statements(0, [b"{}"])
    told = []
    for _ in range(3):
        answer = township.serve(village.begin())
        village.take(frames.encode_stream([*frames.decode_stream(answer), bad]))
        told.append(bool(hello_of(village.begin()).editions))
        village.take(township.serve(village.begin()))
    assert told == [True, False, False]
