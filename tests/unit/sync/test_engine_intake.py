"""Events one by one: held, passed over, asked for again, refused; one log never harms another."""

from __future__ import annotations

from sync.engine import child, intake, tree
from sync.engine.core import Effects
from sync.protocol import frames, statements
from sync.protocol.envelope import Event
from sync.protocol.frames import Frame
from sync.protocol.lives import Evidence, unpack_event
from sync.protocol.ports import INCOMPLETE, Refused
from tests.unit.sync.harness import Node, World, altered, certify, spoil, spoiled_at, verdict_of


def from_child(node: Node, event: Event, source: str) -> str:
    """Return what became of an event a child brought."""

    def step(transaction: object) -> str:
        shape = tree.load(node.core, transaction, node.clock.ms)
        return intake.from_child(
            node.core, shape, transaction, node.clock.ms, event, source, Effects()
        )

    became: str = node.do(step)
    return became


def test_a_gap_waits_and_closes(world: World) -> None:
    """An event that comes too early is not held; in order it is."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    first, second = village.record(), village.record()
    assert intake.GAP == from_child(township, second.event, "CG0111")
    assert not township.holds(second)
    assert intake.TAKEN == from_child(township, first.event, "CG0111")
    assert intake.TAKEN == from_child(township, second.event, "CG0111")
    assert village.log().chain == township.log(village.core.log).chain


def test_a_duplicate_is_success_and_changes_nothing(world: World) -> None:
    """The same event twice is held once."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    stored = village.record()
    assert intake.TAKEN == from_child(township, stored.event, "CG0111")
    before = township.disk()
    assert intake.DUPLICATE == from_child(township, stored.event, "CG0111")
    assert before.events == township.disk().events
    assert before.logs == township.disk().logs


def test_what_does_not_verify_is_asked_for_once_more_then_refused(world: World) -> None:
    """Once may be damage on the way; twice is a hole, and the cursor passes it."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    bad, good = village.record(), village.record()
    assert intake.DOUBTED == from_child(township, spoil(bad.event), "CG0111")
    assert [] == township.refusals(village.core.log)
    assert intake.REFUSED == from_child(township, spoil(bad.event), "CG0111")
    assert [(bad.name.position, "bad_signature")] == township.refusals(village.core.log)
    assert intake.TAKEN == from_child(township, good.event, "CG0111")
    assert not township.holds(bad)
    assert village.log().chain == township.log(village.core.log).chain


def test_an_event_damaged_once_is_taken_the_second_time(world: World) -> None:
    """A doubt is not a verdict."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    stored = village.record()
    assert intake.DOUBTED == from_child(township, spoil(stored.event), "CG0111")
    assert intake.TAKEN == from_child(township, stored.event, "CG0111")
    assert [] == township.refusals(village.core.log)


def test_a_refusal_comes_back_to_its_author_in_the_receipt(world: World) -> None:
    """The author learns which position was refused and why; what follows is receipted."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    bad, good = village.record(), village.record()
    for _ in range(2):
        village.take(township.serve(spoiled_at(village.begin(), bad.name)))
    assert [(bad.name.position, "bad_signature")] == village.refusals(village.core.log)
    village.sync(township)
    assert good.name.position == village.log().parent_position
    assert township.holds(good)
    assert 0 == village.count("receipts_over_other_content")


def test_the_others_of_a_frame_go_on_beside_a_bad_one(world: World) -> None:
    """A poison event of one village delays nobody else's in the same request."""
    poisoned, other = world.nodes["CG0111"], world.nodes["CG0112"]
    township, central = world.nodes["CG0101"], world.central
    bad, good = poisoned.record(), other.record()
    poisoned.sync(township)
    other.sync(township)
    township.take(central.serve(spoiled_at(township.begin(), bad.name)))
    assert central.holds(good)
    assert not central.holds(bad)
    township.sync(central)
    assert central.holds(good)
    assert central.holds(bad)


def test_an_oversized_envelope_is_refused_like_any_that_cannot_verify(world: World) -> None:
    """What exceeds a limit of the protocol is a hole with its reason."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    position = village.log().position + 1
    big = village.forge(position, actor="x" * 9000)
    assert intake.DOUBTED == from_child(township, big, "CG0111")
    assert intake.REFUSED == from_child(township, big, "CG0111")
    assert [(position, "limit_exceeded")] == township.refusals(village.core.log)


def test_an_event_of_an_unknown_type_is_held_and_counts_as_received(world: World) -> None:
    """What verifies but is not understood is carried byte for byte."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    event = village.forge(village.log().position + 1, type="of_the_next_release", alg="sm2")
    assert intake.TAKEN == from_child(township, event, "CG0111")
    held = township.event(intake.claimed_name(event))
    assert held is not None
    assert event == held.event


def test_a_stranger_cannot_get_another_stations_position_refused(world: World) -> None:
    """However often a child brings rubbish in the name of a station that is not below it."""
    victim, central = world.nodes["CG0111"], world.central
    stored = victim.record()
    for _ in range(5):
        assert intake.DOUBTED == from_child(central, spoil(stored.event), "CG0201")
    assert [] == central.refusals(victim.core.log)
    world.settle()
    assert central.holds(stored)


def test_holes_told_by_a_stranger_are_not_believed(world: World) -> None:
    """A child may speak of holes in logs of its own subtree only."""
    victim, stranger, central = world.nodes["CG0111"], world.nodes["CG0211"], world.central
    target = victim.core.log
    certify(world.nodes["CG0201"], victim)
    township = world.nodes["CG0201"]
    before = central.log(target).position

    def lie(transaction: object) -> None:
        log = intake.log_state(transaction, target, stranger.code)
        transaction.refuse(Refused(target, before + 1, "bad_signature", b"h" * 32))
        transaction.put_log(
            type(log)(target, before + 1, b"c" * 16, source=stranger.code, parent_position=before)
        )

    township.do(lie)
    township.round(central)
    assert [] == central.refusals(target)
    assert before == central.log(target).position


def test_holes_travel_up_through_a_relay(world: World) -> None:
    """Central passes the position its relay refused, knows why, and goes on in step."""
    village, township, central = world.nodes["CG0111"], world.nodes["CG0101"], world.central
    bad, good = village.record(), village.record()
    for _ in range(2):
        village.take(township.serve(spoiled_at(village.begin(), bad.name)))
    village.sync(township)
    township.sync(central)
    assert [(bad.name.position, "bad_signature")] == central.refusals(village.core.log)
    assert not central.holds(bad)
    assert central.holds(good)
    assert village.log().chain == central.log(village.core.log).chain
    world.settle()
    assert good.name.position == village.log().central_position


def test_a_hole_at_the_head_of_a_log_travels_up_too(world: World) -> None:
    """Nothing has to follow a refused event for the cursor above to pass it."""
    village, township, central = world.nodes["CG0111"], world.nodes["CG0101"], world.central
    bad = village.record()
    for _ in range(2):
        village.take(township.serve(spoiled_at(village.begin(), bad.name)))
    world.settle()
    assert bad.name.position == central.log(village.core.log).position
    assert bad.name.position == township.log(village.core.log).parent_position


def test_a_fork_freezes_only_the_log_it_is_in(world: World) -> None:
    """Two signed contents for one position: that log stops, with evidence; its neighbours go on."""
    village, other, township = (world.nodes[c] for c in ("CG0111", "CG0112", "CG0101"))
    stored = village.record()
    village.sync(township)
    rival = village.forge(stored.name.position)
    assert intake.FORK == from_child(township, rival, "CG0111")
    assert intake.FORK == township.log(village.core.log).frozen
    with township.store.read() as transaction:
        raw = transaction.statement("evidence", str(stored.name))
    assert raw is not None
    evidence = statements.decode(raw).read(Evidence)
    assert [stored.event, rival] == [unpack_event(evidence.first), unpack_event(evidence.second)]
    assert township.holds(stored)
    later = village.record()
    assert intake.FROZEN == from_child(township, later.event, "CG0111")
    neighbour = other.record()
    other.sync(township)
    township.sync(world.central)
    assert world.central.holds(neighbour)
    assert "" == township.log(other.core.log).frozen


def test_a_frozen_log_is_named_to_its_station(world: World) -> None:
    """The station learns that its log is frozen, and says so itself from then on."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    stored = village.record()
    village.sync(township)
    from_child(township, village.forge(stored.name.position), "CG0111")
    raw = township.serve(village.begin())
    assert [f"CG0111/{village.core.epoch}"] == verdict_of(raw).frozen
    village.take(raw)
    assert child.FROZEN_ABOVE == village.log().frozen


def test_a_second_content_without_the_authors_signature_freezes_nothing(world: World) -> None:
    """Only the author's own signature can prove a fork."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    stored = village.record()
    village.sync(township)
    rival = spoil(village.forge(stored.name.position))
    assert intake.DOUBTED == from_child(township, rival, "CG0111")
    assert "" == township.log(village.core.log).frozen


def test_an_event_without_a_name_is_counted_and_passed_over(world: World) -> None:
    """Rubbish in a frame costs its own place and nothing else."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    stored = village.record()
    rubbish = [Event(raw, b"", b"", None) for raw in (b"", b"[", b'{"station":1}', b"\xff")]

    def change(frame: Frame) -> Frame:
        if frame.type != frames.EVENTS:
            return frame
        through, events = frames.decode_events(frame.payload)
        return frames.encode_events(through, [*rubbish, *events, *rubbish])

    village.take(township.serve(altered(village.begin(), change)))
    assert township.holds(stored)
    assert 8 == township.count("events_without_name")


def test_waiting_events_without_number_are_settled_without_exhausting_the_stack(
    world: World,
) -> None:
    """A stream whose opening comes last, after thousands of its events, is settled whole."""
    author, other = world.nodes["CG0111"], world.nodes["CG0112"]
    township = world.nodes["CG0101"]
    opening = author.record(added=["CG0112"])
    certify(other, author)
    for _ in range(1200):
        other.record(stream=str(opening.name))
    other.sync(township)
    with township.store.read() as transaction:
        assert 1200 == len(transaction.events_standing(INCOMPLETE, 5000))
    author.sync(township)
    with township.store.read() as transaction:
        assert 0 == len(transaction.events_standing(INCOMPLETE, 5000))


def test_what_a_frozen_log_held_before_still_goes_up(world: World) -> None:
    """A fork found at a relay does not keep the good part of that log from central (G2)."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    stored = village.record()
    village.sync(township)
    from_child(township, village.forge(stored.name.position), "CG0111")
    assert intake.FORK == township.log(village.core.log).frozen
    township.sync(world.central)
    assert world.central.holds(stored)
