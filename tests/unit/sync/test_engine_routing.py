"""Which station gets which stream: those concerned, whole and in order, and nobody else."""

from __future__ import annotations

from sync.protocol.ports import GOOD
from tests.unit.sync.harness import ROOT, World, station_row


def test_everything_goes_up_to_the_root(world: World) -> None:
    """Central holds what any station wrote, whoever is concerned."""
    written = [world.nodes[code].record() for code in ("CG0111", "CG0201", "CG0211")]
    world.settle()
    assert world.central.holds(*written)


def test_a_stranger_is_never_sent_a_case(world: World) -> None:
    """Neither a station that is not concerned nor its township holds a byte of it."""
    case = world.nodes["CG0111"].record()
    world.nodes["CG0111"].record(stream=str(case.name), added=["CG0112"])
    world.settle()
    for code in ("CG0201", "CG0211"):
        with world.nodes[code].store.read() as transaction:
            assert [] == list(transaction.stream_events(str(case.name)))
    assert world.nodes["CG0112"].holds(case)


def test_a_new_member_first_receives_the_history(world: World) -> None:
    """The stream arrives from its first event on, before the act that brought the member in."""
    author, member = world.nodes["CG0111"], world.nodes["CG0211"]
    case = author.record()
    history = [case, *(author.record(stream=str(case.name)) for _ in range(3))]
    world.settle()
    assert not member.holds(*history)
    joining = author.record(stream=str(case.name), added=["CG0211"])
    world.settle()
    assert member.holds(*history, joining)
    with member.store.read() as transaction:
        held = transaction.stream_events(str(case.name))
    assert [one.name for one in (*history, joining)] == [one.name for one in held]
    assert {GOOD} == {one.standing for one in held}


def test_sibling_children_meet_without_the_parent_of_their_township(world: World) -> None:
    """With its uplink cut, a township and its villages go on working with each other."""
    author, member, township = (world.nodes[c] for c in ("CG0111", "CG0112", "CG0101"))
    case = author.record(added=["CG0112"])
    author.sync(township)
    member.sync(township)
    assert member.holds(case)
    reply = member.record(stream=str(case.name))
    member.sync(township)
    author.sync(township)
    assert author.holds(reply)
    assert not world.central.holds(case)
    township.sync(world.central)
    assert world.central.holds(case, reply)


def test_a_station_is_not_sent_back_what_it_wrote(world: World) -> None:
    """What was written in a child's subtree came from there."""
    author, township = world.nodes["CG0111"], world.nodes["CG0101"]
    case = author.record(added=["CG0112"])
    author.sync(township)
    with township.store.read() as transaction:
        owed = {item.ref for item in transaction.outbox("CG0111", 0, 100) if item.kind == "event"}
        assert str(case.name) not in owed
        to_sibling = {item.ref for item in transaction.outbox("CG0112", 0, 100)}
        assert str(case.name) in to_sibling


def test_a_moved_station_gets_its_streams_over_the_new_road(world: World) -> None:
    """After a stations edition its new township holds its cases and hands on what is written."""
    author = world.nodes["CG0111"]
    case = author.record(added=["CG0211"])
    world.settle()
    attributes = world.rows["CG0211"]["attributes"]
    attributes.append({**attributes[0], "from": "2021-01-01", "parent": "CG0101"})
    world.publish_stations()
    world.move("CG0211", "CG0101")
    world.nodes["CG0101"].sync(world.central)
    world.nodes["CG0201"].sync(world.central)
    later = author.record(stream=str(case.name))
    author.sync(world.nodes["CG0101"])
    world.nodes["CG0101"].sync(world.central)
    before = world.nodes["CG0201"].events()
    world.nodes["CG0201"].sync(world.central)
    assert not world.nodes["CG0201"].holds(later)
    assert before == world.nodes["CG0201"].events()
    assert world.nodes["CG0101"].holds(case, later)


def test_a_moved_station_itself_receives_what_is_written_after_its_move(world: World) -> None:
    """Over the new road, with what it missed in between, and nothing twice."""
    moved, author = world.nodes["CG0211"], world.nodes["CG0111"]
    case = author.record(added=["CG0211"])
    world.settle()
    between = author.record(stream=str(case.name))
    author.sync(world.nodes["CG0101"])
    world.move("CG0211", "CG0101")
    after = author.record(stream=str(case.name))
    world.settle()
    assert moved.holds(case, between, after)
    own = moved.record(stream=str(case.name))
    world.settle()
    assert author.holds(own)
    assert world.central.holds(own)


def test_a_station_enrolled_after_a_case_was_addressed_to_it_gets_it(world: World) -> None:
    """Routing is a function of what is held and of the tree as it is now."""
    author = world.nodes["CG0111"]
    case = author.record(added=["CG0212"])
    world.settle()
    late = world.enrol("CG0212", "CG0201", "village")
    world.rows["CG0212"] = station_row("CG0212", "village", "CG0201")
    world.publish_stations()
    world.settle()
    assert late.holds(case)


def test_a_case_addressed_to_a_township_stops_there(world: World) -> None:
    """Villages below a member are not members."""
    case = world.nodes["CG0111"].record(added=["CG0201", ROOT])
    world.settle()
    assert world.nodes["CG0201"].holds(case)
    assert not world.nodes["CG0211"].holds(case)
