"""Ends that differ find out and mend it; clocks follow only so far; a parent may start anew."""

from __future__ import annotations

from contextlib import suppress

import pytest
from msgspec.structs import replace

from sync.engine import clock, notices
from sync.protocol import digest, frames, rounds, statements
from sync.protocol.envelope import HLC_COUNTER
from sync.protocol.errors import LogStopped, NoCertificate
from sync.protocol.limits import CLOCK_AHEAD_MS_MAX
from tests.unit.sync.harness import ROOT, Node, World, altered, spoiled_at, verdict_of

MINUTE_MS = 60_000


def digests(world: World, child: str, above: str) -> tuple[bytes, bytes]:
    """Return the digest of a link as its child and as its parent reckon it."""
    with world.nodes[child].store.read() as transaction:
        below = transaction.parent_link()
    with world.nodes[above].store.read() as transaction:
        link = transaction.child_link(child)
    assert below is not None
    assert link is not None
    return below.digest, link.digest


def lose(node: Node, name: object) -> None:
    """Let a node lose one event and its place in the digest, as a broken disk would."""
    tables = node.store._tables
    stored = tables.events.pop(name)
    tables.arrivals.remove(name)
    tables.positions[stored.name.log].remove(stored.name.position)
    tables.streams[stored.stream].remove(name)

    def forget(transaction: object) -> None:
        link = transaction.parent_link()
        held = [e for e in tables.events.values() if e.source]
        total = digest.total([e.event.hash for e in held])
        transaction.put_parent_link(replace(link, digest=total))

    node.do(forget)


def test_both_ends_of_an_idle_link_reckon_the_same_digest(world: World) -> None:
    """What a child holds of others is summed alike above and below."""
    world.nodes["CG0111"].record(added=["CG0112", "CG0211"])
    world.central.record(added=["CG0111"])
    world.settle()
    for child, above in (("CG0111", "CG0101"), ("CG0101", ROOT), ("CG0211", "CG0201")):
        mine, theirs = digests(world, child, above)
        assert mine == theirs
    assert digest.EMPTY != digests(world, "CG0211", "CG0201")[0]


def test_a_digest_that_differs_over_an_idle_link_heals_it(world: World) -> None:
    """An event lost below is offered again, without anybody asking for it by name."""
    reader, author = world.nodes["CG0211"], world.nodes["CG0111"]
    case = author.record(added=["CG0211"])
    kept = author.record(stream=str(case.name))
    world.settle()
    lose(reader, case.name)
    assert not reader.holds(case)
    world.settle()
    reader.sync(world.nodes["CG0201"])
    assert reader.holds(case, kept)
    assert 1 == world.nodes["CG0201"].count("links_healed")
    assert len(set(digests(world, "CG0211", "CG0201"))) == 1


def test_a_difference_that_cannot_be_healed_is_tried_once(world: World) -> None:
    """A link does not send everything for ever because one end reckons otherwise."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]

    def skew(transaction: object) -> None:
        link = transaction.parent_link()
        transaction.put_parent_link(replace(link, digest=b"?" * 16))

    village.do(skew)
    for _ in range(5):
        village.sync(township)
    assert 1 == township.count("links_compared")


def test_a_station_that_joins_with_a_history_leaves_the_digest_of_its_link_equal(
    world: World,
) -> None:
    """When a subtree grows, both ends stop counting what is written in it now."""
    author = world.nodes["CG0111"]
    case = author.record(added=["CG0211"])
    world.settle()
    world.move("CG0111", "CG0201")
    world.settle()
    world.settle()
    assert world.nodes["CG0201"].holds(case)
    mine, theirs = digests(world, "CG0201", ROOT)
    assert mine == theirs
    assert 0 == world.central.count("links_healed")


def test_an_event_damaged_on_the_way_down_is_asked_for_once_more(world: World) -> None:
    """Damage in an earlier frame is not lost behind the later frames of the same answer."""
    reader, township = world.nodes["CG0112"], world.nodes["CG0101"]
    first = world.nodes["CG0111"].record(added=["CG0112"])
    world.nodes["CG0111"].sync(township)

    def spoil(frame: frames.Frame) -> frames.Frame:
        if frame.type != frames.EVENTS:
            return frame
        through, events = frames.decode_events(frame.payload)
        return frames.encode_events(through, [e._replace(signature=bytes(64)) for e in events])

    reader.take(altered(township.serve(reader.begin()), spoil))
    assert not reader.holds(first)
    for _ in range(3):
        reader.sync(township)
    assert reader.holds(first)


def test_what_was_doubted_is_not_passed_by_a_later_frame_of_the_same_answer(world: World) -> None:
    """Nothing behind it counts as received, or it would never be offered again."""
    reader, township = world.nodes["CG0112"], world.nodes["CG0101"]
    first, second = (world.nodes["CG0111"].record(added=["CG0112"]) for _ in range(2))
    world.nodes["CG0111"].sync(township)
    answer = list(frames.decode_stream(township.serve(reader.begin())))
    *ahead, last = answer
    assert last.type == frames.EVENTS
    through, events = frames.decode_events(last.payload)
    bad = frames.encode_events(through - 1, [e._replace(signature=bytes(64)) for e in events[:1]])
    reader.take(frames.encode_stream([*ahead, bad, frames.encode_events(through, events[1:])]))
    assert reader.holds(second)
    assert not reader.holds(first)
    for _ in range(3):
        reader.sync(township)
    assert reader.holds(first, second)


def test_a_clock_follows_at_most_five_minutes_ahead(world: World) -> None:
    """A station with a wrong clock does not drag its neighbours' clocks along."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    now = world.clock.ms
    near, far = now + CLOCK_AHEAD_MS_MAX, now + CLOCK_AHEAD_MS_MAX + 1
    with township.store.write() as transaction:
        assert not clock.follow(transaction, far * HLC_COUNTER, now)
        assert clock.tick(transaction, now) < near * HLC_COUNTER
        assert clock.follow(transaction, near * HLC_COUNTER, now)
        assert near * HLC_COUNTER + 1 == clock.tick(transaction, now)
        assert near * HLC_COUNTER + 2 == clock.tick(transaction, now - MINUTE_MS)
    assert village.core.station == "CG0111"


def test_an_event_from_a_clock_far_ahead_is_held_and_counted(world: World) -> None:
    """Its time is doubtful, the event is not: stored, marked, and our own clock stays."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    village.clock = type(world.clock)()
    village.clock.ms = world.clock.ms + 24 * 60 * MINUTE_MS
    stored = village.record()
    village.sync(township)
    assert township.holds(stored)
    assert 1 == township.count("events_ahead_of_clock")
    own = township.record()
    assert own.hlc < stored.hlc
    assert own.hlc < (world.clock.ms + CLOCK_AHEAD_MS_MAX) * HLC_COUNTER


def test_trusted_time_comes_from_central_alone(world: World) -> None:
    """A village with a wrong clock knows the time that central's mark, handed down, says."""
    village = world.nodes["CG0111"]
    village.clock = type(world.clock)()
    village.clock.ms = world.clock.ms - 3 * 365 * 24 * 60 * MINUTE_MS
    world.clock.later(notices.TIME_MARK_EVERY_MS)
    world.settle()
    with village.store.read() as transaction:
        trusted = clock.trusted_ms(transaction, village.clock.ms)
    assert world.clock.ms == trusted


@pytest.mark.parametrize("years", [-10, 10])
def test_a_clock_set_right_is_not_corrected_a_second_time(world: World, years: int) -> None:
    """The offset of the last mark belongs to the wrong clock; days of editions go by the result."""
    village = world.nodes["CG0111"]
    village.clock = type(world.clock)()
    village.clock.ms = world.clock.ms + years * 365 * 24 * 60 * MINUTE_MS
    world.clock.later(notices.TIME_MARK_EVERY_MS)
    world.settle()
    with village.store.read() as transaction:
        assert clock.trusted_ms(transaction, village.clock.ms) == world.clock.ms
        world.clock.later(MINUTE_MS)
        assert clock.trusted_ms(transaction, world.clock.ms) == world.clock.ms
        # Left as it is, it goes on from the mark.
        later = clock.trusted_ms(transaction, village.clock.ms + MINUTE_MS)
    assert later == world.clock.ms


def rebuild(world: World, node: Node) -> None:
    """Let a node start again with an empty disk, in a new incarnation."""
    empty = Node(world.clock, node.code, node.core.parent, epoch=node.core.epoch, life=2)
    node.put_back(empty.disk())
    node.new_life(2)


def meet_again(node: Node, above: Node) -> None:
    """Make rounds with a parent that at first does not know who is calling."""
    for _ in range(3):
        with suppress(NoCertificate):
            node.round(above)
    node.sync(above)


def test_a_parent_rebuilt_from_nothing_is_offered_everything_again(world: World) -> None:
    """Its children's logs come back whole, with what was addressed to others; nothing doubles."""
    township = world.nodes["CG0101"]
    case = world.nodes["CG0111"].record(added=["CG0112"])
    reply = world.nodes["CG0112"].record(stream=str(case.name))
    world.settle()
    before = {code: node.events() for code, node in world.nodes.items()}
    rebuild(world, township)
    for code in ("CG0111", "CG0112"):
        meet_again(world.nodes[code], township)
    assert township.holds(case, reply)
    for code in ("CG0111", "CG0112"):
        log = world.nodes[code].log()
        assert log.position == log.parent_position
        assert log.chain == township.log(log.name).chain
        assert before[code] == world.nodes[code].events()


def test_a_parent_restored_from_an_older_copy_is_offered_what_it_lacks(world: World) -> None:
    """An old backup with a new incarnation: no station is taken for a second copy of itself."""
    township, village = world.nodes["CG0101"], world.nodes["CG0111"]
    disk = township.disk()
    case = village.record(added=["CG0112"])
    world.settle()
    village.sync(township)
    before = {code: node.events() for code, node in world.nodes.items()}
    township.put_back(disk)
    township.new_life(2)
    assert not township.holds(case)
    for _ in range(3):
        village.sync(township)
    assert township.holds(case)
    assert rounds.OK == verdict_of(township.serve(village.begin())).verdict
    assert 0 == township.count("second_copies")
    assert village.log().position == village.log().parent_position
    assert before["CG0111"] == village.events()


def test_attachments_are_offered_again_to_a_parent_of_a_new_incarnation(world: World) -> None:
    """A rebuilt parent learns who is attached below it, without waiting for a move."""
    central = world.central
    rebuild(world, central)
    meet_again(world.nodes["CG0101"], central)
    with central.store.read() as transaction:
        told = {ref for ref, _ in transaction.statements("attachment")}
    assert {"CG0101", "CG0111", "CG0112"} <= told


def test_what_only_the_parent_refused_is_offered_again_to_its_next_incarnation(
    world: World,
) -> None:
    """A hole without its bytes is no hole: the event goes out again and the chains stay equal."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    bad = village.record()
    for _ in range(2):
        village.take(township.serve(spoiled_at(village.begin(), bad.name)))
    village.record()
    village.sync(township)
    rebuild(world, township)
    meet_again(village, township)
    assert "" == township.log(village.core.log).frozen
    assert village.log().chain == township.log(village.core.log).chain
    assert township.holds(bad)


def test_a_statement_of_a_lost_request_is_sent_again(world: World) -> None:
    """What may never have arrived is not crossed off by the answer to a later round."""
    newcomer = world.enrol("CG0113", "CG0101", "village")
    township = world.nodes["CG0101"]
    newcomer.begin()  # lost on the way
    newcomer.sync(township)
    with township.store.read() as transaction:
        assert transaction.statement("attachment", "CG0113") is not None


def test_a_statement_damaged_on_the_way_up_is_sent_once_more(world: World) -> None:
    """Whoever asks for a voucher would wait for ever: nobody else has the ask."""
    newcomer = world.enrol("CG0113", "CG0101", "village")
    township = world.nodes["CG0101"]

    def spoil(frame: frames.Frame) -> frames.Frame:
        if frame.type != frames.STATEMENTS:
            return frame
        through, raws = frames.decode_statements(frame.payload)
        return frames.encode_statements(through, [_with_another_signature(raw) for raw in raws])

    request = list(frames.decode_stream(newcomer.begin()))
    hello = [frame.type for frame in request].index(frames.HELLO)
    changed = [*request[: hello + 1], *map(spoil, request[hello + 1 :])]
    assert changed != request
    newcomer.take(township.serve(frames.encode_stream(changed)))
    assert township.do(lambda t: t.statement("attachment", "CG0113")) is None
    newcomer.sync(township)
    newcomer.sync(township)
    assert township.do(lambda t: t.statement("attachment", "CG0113")) is not None


def test_a_statement_that_is_always_bad_is_let_go(world: World) -> None:
    """Bad at its source: it neither comes for ever nor keeps back what stands behind it."""
    newcomer, township = world.enrol("CG0113", "CG0101", "village"), world.nodes["CG0101"]
    raw = newcomer.do(lambda t: t.statement("attachment", "CG0113"))
    bad = _with_another_signature(raw)
    newcomer.do(lambda t: t.put_statement("time_mark", "bad", bad))
    newcomer.do(lambda t: t.enqueue("^", "time_mark", "bad"))
    for _ in range(4):
        newcomer.sync(township)
    assert 0 == newcomer.do(lambda t: t.outbox_count("^"))


def _with_another_signature(raw: bytes) -> bytes:
    said = statements.decode(raw)
    return statements.encode(replace(said, signature=bytes(64)))


def test_a_parent_put_back_without_knowing_it_stops_writing_when_a_child_proves_it(
    world: World,
) -> None:
    """Its next positions may have been written before: else one name would get two contents."""
    township, village = world.nodes["CG0101"], world.nodes["CG0111"]
    case = village.record(added=["CG0112"])
    world.settle()
    disk = township.disk()
    written = township.record(stream=str(case.name))
    for _ in range(2):
        village.sync(township)
    assert village.holds(written)
    township.put_back(disk)
    village.round(township)
    with pytest.raises(LogStopped):
        township.record(stream=str(case.name))
    world.settle()
    assert township.holds(written)


def test_a_child_that_merely_claims_stops_nobody(world: World) -> None:
    """A parent's word for more than was given must be shown as only the parent could make it."""
    township, village = world.nodes["CG0101"], world.nodes["CG0111"]
    link = village.do(lambda t: t.parent_link())
    village.do(lambda t: t.put_parent_link(replace(link, received=link.received + 1000)))
    village.round(township)
    assert 1 == township.count("found_behind")
    assert township.record().name.station == "CG0101"
