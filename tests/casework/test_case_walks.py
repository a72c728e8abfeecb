"""Random walks of many stations with the real acts and rules, then promises checked."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from casework.acts import acts_offered
from casework.case import Case, as_json, state_hash
from casework.errors import DomainRefusal
from casework.events import OPENING
from casework.fold import fold
from casework.projection import case_row, state_json
from casework.rules import due_by_rule
from casework.status import ACTS
from casework.view import view
from tests.casework.casework_world import (
    CALENDAR,
    CENTRAL,
    DISTRICT,
    MATTERS,
    STATIONS,
    TOWNSHIP,
    TREE,
    VILLAGE,
    VILLAGE_2,
    World,
    cleared,
    clerk,
    take_in,
    ticks,
)

WALKERS = (VILLAGE, VILLAGE_2, TOWNSHIP, DISTRICT, CENTRAL)
ALL_ACTS = sorted(ACTS.keys() - OPENING)
RARE = {"supplement_received", "void_requested", "voided", "taken_over", "handed_back",
        "handed_over", "not_accepted", "defects_told"}  # fmt: skip


def fields_for(act: str, case: Case, station: str, rng: random.Random) -> dict[str, Any]:
    """Plausible fields for any act."""
    tasks = [task.name for task in case.tasks if task.station == station] or ["X/1/1"]
    results = {
        "decided": ["准予", "不予"],
        "step_done": ["通过"],
        "task_reported": ["已送达", "属实"],
    }
    return {
        "reason": "演示理由",
        "result": rng.choice(results.get(act, ["准予"])),
        "defects": [{"material": "M1", "problem": "演示问题"}],
        "materials": ticks("M1", "M2"),
        "kind": rng.choice(["普通", "容缺", "收件即受理"] if act == "accepted" else ["演示程序"]),
        "to": rng.choice(STATIONS),
        "station": rng.choice(STATIONS),
        "title": "演示任务",
        "suspends": rng.random() < 0.5,
        "days": 3,
        "task": rng.choice(tasks),
        "recipient": "本人",
        "procedure": case.procedures[-1].event if case.procedures else "X/1/1",
        "field": "applicant.phone",
        "new": str(rng.randrange(1000)),
        "event": case.timeline[-1].name,
        "why": "演示疑问",
    }


def some_act(world: World, station: str, rng: random.Random) -> None:
    """Try one act at the station: mostly one its page would offer."""
    case = world.case(station)
    offered = acts_offered(world.context(station), case, clerk(station))
    weights = [1 if act in RARE else 8 for act in offered]
    usual = offered and rng.random() < 0.9
    act = rng.choices(offered, weights)[0] if usual else rng.choice(ALL_ACTS)
    if act in RARE and rng.random() < 0.75:
        return
    try:
        event = world.act(station, act, **fields_for(act, case, station, rng))
    except DomainRefusal:
        return
    after = world.case(station)
    assert event.name not in {item.name for item in after.superseded}, act


def walk(seed: int) -> World:
    """A case taken in, then acts, rules and sharing between random stations."""
    rng = random.Random(seed)
    world = World(numbers_by=rng.choice(["", "central", "handling"]))
    matter = rng.choice(["M100", "M200", "M300"])
    if rng.random() < 0.2:
        take_in(world, VILLAGE_2, matter, act="entrusted")
    else:
        take_in(world, VILLAGE, matter, *rng.choice([("M1", "M2"), ("M1",), ("M2",)]))
    for _ in range(rng.randrange(6, 50)):
        station = rng.choice(WALKERS)
        move = rng.random()
        if move < 0.15:
            world.share(station, rng.choice(WALKERS))
            continue
        if move < 0.45:
            world.settle(*rng.sample(WALKERS, rng.choice((2, 4, 5))))
            continue
        holder = fold(world.events()).holder
        station = holder if rng.random() < 0.6 else station
        if world.held[station]:
            world.rules(station)
            some_act(world, station, rng)
    return world


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 10**9))
def test_stations_agree_once_they_hold_the_same_events(seed: int) -> None:
    """However a walk went, equal sets of events give equal cases, in any order, doubled."""
    world = walk(seed)
    world.settle()
    expected = state_hash(world.case(DISTRICT))
    for station in STATIONS:
        assert expected == state_hash(world.case(station))
    shuffled = world.events() * 2
    random.Random(seed).shuffle(shuffled)
    assert expected == state_hash(fold(shuffled))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_rules_come_to_rest(seed: int) -> None:
    """After the drafts of the rules are recorded, no station has anything due by rule."""
    world = walk(seed)
    world.settle()
    for station in STATIONS:
        assert [] == due_by_rule(world.context(station), world.case(station))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_nothing_is_dropped_and_one_station_holds(seed: int) -> None:
    """Every event is in the timeline; every applied advancing act is by a holder of its time."""
    world = walk(seed)
    world.settle()
    case = world.case(CENTRAL)
    events = {item.name: item for item in world.events()}
    assert events.keys() == {entry.name for entry in case.timeline}
    lost = {item.name for item in case.superseded}
    for item in events.values():
        row = ACTS[item.type]
        if row.advances and item.name not in lost and item.type != "handed_back":
            assert item.station == events[(item.body or {})["custody"]].station
    assert case.holder == events[case.custody].station


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.floats(0, 1))
def test_cleared_bodies_never_crash(seed: int, share: float) -> None:
    """With any part of the bodies gone the case still folds, shows and refuses to be advanced."""
    world = walk(seed)
    rng = random.Random(seed)
    names = [item.name for item in world.events() if rng.random() < share]
    case = fold(cleared(world.events(), names))
    assert len(names) == case.bodies_missing
    texts = {entry.name: entry.text for entry in case.timeline}
    assert {"内容已清除"} >= {texts[name] for name in names}
    view(case, MATTERS["M100"], CALENDAR, world.today, TREE)
    assert case_row(case).stream == world.stream
    assert state_json(case)


def test_fully_cleared_case_shows_what_remains() -> None:
    """With every body purged the case still shows where it was and how it stood."""
    world = World()
    take_in(world)
    world.settle()
    world.act(TOWNSHIP, "accepted")
    world.settle()
    full = world.case(TOWNSHIP)
    events = world.events()
    case = fold(cleared(events, [item.name for item in events]))
    assert (full.status, full.holder) == (case.status, case.holder)
    assert "" == case.receipt_no


def test_state_is_plain_json() -> None:
    """The state holds nothing that canonical JSON cannot carry, whatever the bodies say."""
    world = World()
    event = take_in(world)
    bad = {
        **(event.body or {}),
        "depth": 2**80,
        "receipt_no": "\ud800",
        "materials": [1, {}],
        "matter": 3,
    }
    world.held[VILLAGE][event.name] = type(event)(
        event.name, event.station, event.epoch, event.position, 2**70, event.stream,
        event.type, event.actor, event.audience, bad,
    )  # fmt: skip
    case = world.case(VILLAGE)
    assert state_json(case)
    assert as_json(case)["receipt_no"] == "?"
