"""Who may write to a stream: what fails is set aside, what cannot be judged yet waits."""

from __future__ import annotations

from sync.engine import audience, tree
from sync.protocol.limits import AUDIENCE_MAX
from sync.protocol.ports import GOOD, INCOMPLETE, SET_ASIDE
from sync.protocol.registers import Shelf
from tests.unit.sync.harness import ROOT, STATIONS, World, certify


def test_a_stranger_that_adds_itself_is_set_aside_and_not_routed(world: World) -> None:
    """Nobody gets into a case by saying so; the act is held, shown and goes no further down."""
    author, stranger, member = (world.nodes[c] for c in ("CG0111", "CG0211", "CG0112"))
    case = author.record(added=["CG0112"])
    world.settle()
    certify(stranger, author)
    intruding = stranger.record(stream=str(case.name), added=["CG0211"])
    world.settle()
    assert world.central.holds(intruding)
    assert SET_ASIDE == world.central.standing(intruding)
    held = world.central.event(intruding.name)
    assert held is not None
    assert audience.NOT_IN_AUDIENCE == held.reason
    assert not member.holds(intruding)
    assert not stranger.holds(case)
    with world.central.store.read() as transaction:
        assert {"CG0111", "CG0112"} == transaction.audience(str(case.name))


def test_a_strangers_act_that_adds_others_waits_and_is_not_routed(world: World) -> None:
    """What would give its author the right may still come; until then it goes nowhere."""
    author, stranger, member = (world.nodes[c] for c in ("CG0111", "CG0211", "CG0112"))
    case = author.record(added=["CG0112"])
    world.settle()
    certify(stranger, author)
    early = stranger.record(stream=str(case.name))
    world.settle()
    assert INCOMPLETE == world.central.standing(early)
    assert not member.holds(early)


def test_what_waited_becomes_good_and_is_routed_when_its_right_arrives(world: World) -> None:
    """The author is added after all: its act counts from then on, at every node."""
    author, newcomer, member = (world.nodes[c] for c in ("CG0111", "CG0211", "CG0112"))
    case = author.record(added=["CG0112"])
    world.settle()
    certify(newcomer, author)
    early = newcomer.record(stream=str(case.name))
    world.settle()
    author.record(stream=str(case.name), added=["CG0211"])
    world.settle()
    assert GOOD == world.central.standing(early)
    assert GOOD == member.standing(early)
    assert GOOD == author.standing(early)


def test_an_event_of_a_stream_not_seen_yet_waits_for_its_opening(world: World) -> None:
    """Order of arrival does not matter: the opening makes good what came before it."""
    author, other, township = (world.nodes[c] for c in ("CG0111", "CG0112", "CG0101"))
    case = author.record(added=["CG0112"])
    certify(other, author)
    later = other.record(stream=str(case.name))
    other.sync(township)
    assert INCOMPLETE == township.standing(later)
    author.sync(township)
    assert GOOD == township.standing(later)


def test_an_ancestor_of_a_member_may_write(world: World) -> None:
    """A township may act in its village's case, and add the station it hands it to."""
    village, township, other = (world.nodes[c] for c in ("CG0111", "CG0101", "CG0211"))
    case = village.record()
    world.settle()
    act = township.record(stream=str(case.name), added=["CG0211"])
    central = world.central.record(stream=str(case.name))
    world.settle()
    for node in (village, township, world.central, other):
        assert [GOOD] * 3 == [node.standing(one) for one in (case, act, central)]


def test_a_station_that_was_an_ancestor_may_still_write(world: World) -> None:
    """By the register's history: a move takes nobody's right away."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    case = village.record()
    world.settle()
    attributes = world.rows["CG0111"]["attributes"]
    attributes.append({**attributes[0], "from": "2021-01-01", "parent": "CG0201"})
    world.publish_stations()
    for _ in range(4):
        township.round(world.central)
    act = township.record(stream=str(case.name))
    township.sync(world.central)
    assert GOOD == world.central.standing(act)


def test_an_act_from_a_branch_that_is_not_in_the_register_here_counts(world: World) -> None:
    """Found by seed 55: a node reads its own branch's stations; the parent, that knows, judged."""
    above = world.enrol("CH0001", ROOT, "township")
    village = world.enrol("CH0011", "CH0001", "village")
    member = world.nodes["CG0111"]
    case = village.record(added=["CG0111"])
    world.settle()
    act = above.record(stream=str(case.name), added=["CH0001"])
    world.settle()
    assert GOOD == world.central.standing(act)
    assert GOOD == world.nodes["CG0101"].standing(act)
    assert GOOD == member.standing(act)


def test_a_sibling_that_is_no_member_may_not_write(world: World) -> None:
    """Being near is no right."""
    village, sibling = world.nodes["CG0111"], world.nodes["CG0112"]
    case = village.record()
    world.settle()
    certify(sibling, village)
    act = sibling.record(stream=str(case.name))
    world.settle()
    assert INCOMPLETE == world.central.standing(act)
    assert not village.holds(act)


def test_an_audience_beyond_64_stations_is_set_aside(world: World) -> None:
    """The sixty-fourth member is taken; the act that would bring one more is held, not applied."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    codes = [f"XX{n:04d}" for n in range(AUDIENCE_MAX)]
    case = village.record(added=codes[: AUDIENCE_MAX - 2])
    full = village.record(stream=str(case.name), added=[codes[AUDIENCE_MAX - 2]])
    over = village.record(stream=str(case.name), added=[codes[AUDIENCE_MAX - 1]])
    village.sync(township)
    assert [GOOD, GOOD, SET_ASIDE] == [township.standing(one) for one in (case, full, over)]
    held = township.event(over.name)
    assert held is not None
    assert audience.AUDIENCE_TOO_LARGE == held.reason
    with township.store.read() as transaction:
        assert AUDIENCE_MAX == len(transaction.audience(str(case.name)))


def test_a_first_event_with_its_author_beyond_64_is_set_aside(world: World) -> None:
    """The author is a member too: sixty-four others are one too many from the start."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    case = village.record(added=[f"XX{n:04d}" for n in range(AUDIENCE_MAX)])
    village.sync(township)
    assert SET_ASIDE == township.standing(case)


def test_central_is_in_every_audience_without_being_named(world: World) -> None:
    """The root may write to any stream it holds."""
    case = world.nodes["CG0111"].record()
    world.settle()
    act = world.central.record(stream=str(case.name))
    assert ROOT == act.name.station
    assert GOOD == world.central.standing(act)


def test_an_author_of_a_branch_not_known_here_is_judged_by_those_who_know_it() -> None:
    """A station above a member acts in its case; the other branch holds none of its register."""
    world = two_districts()
    reader, author = world.nodes["CG0211"], world.nodes["CG0101"]
    case = world.nodes["CG0111"].record(added=["CG0211"])
    world.settle()
    act = author.record(stream=str(case.name))
    world.settle()
    assert GOOD == world.central.standing(act)
    assert GOOD == reader.standing(act)


def test_a_child_vouches_for_nobody() -> None:
    """What comes up from a station whose place is not known waits, whoever hands it up."""
    world = two_districts()
    township, stranger = world.nodes["CG0201"], world.enrol("CG0311", "CG0201", "village")
    case = world.nodes["CG0211"].record()
    world.settle()
    certify(stranger, world.nodes["CG0211"])
    act = stranger.record(stream=str(case.name), added=["CG0311"])
    stranger.sync(township)
    assert GOOD != township.standing(act)
    assert GOOD != world.central.standing(act)


def two_districts() -> World:
    """Return central and two branches that hold each its own part of the stations register."""
    world = World()
    world.publish(STATIONS, world.rows)
    for code, division in (("CG0101", "990101000000"), ("CG0201", "990102000000")):
        village = code[:-2] + "11"
        world.enrol(code, ROOT, "township")
        world.enrol(village, code, "village")
        rows = {one: world.rows[one] for one in (code, village)}
        for row in rows.values():
            row["attributes"][0]["division"] = division
        world.publish(Shelf(tree.REGISTER, division, tree.ALL_TIERS), rows)
    world.settle()
    return world
