"""What today makes of a case: dates, colours, warnings, place."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from casework import events as e
from casework.apply import EXTENDED_DAYS_MAX
from casework.case import Case
from casework.view import CaseView, Colours, view
from tests.casework.casework_world import (
    CALENDAR,
    DISTRICT,
    MATTERS,
    TOWNSHIP,
    TREE,
    VILLAGE,
    World,
    take_in,
)


def seen(case: Case, day: str, matter: str = "M100") -> CaseView:
    """The view of the case on that day."""
    return view(case, MATTERS[matter], CALENDAR, date.fromisoformat(day), TREE)


def accepted(day: str = "2026-09-29") -> World:
    """A case accepted on that day."""
    world = World()
    world.today = date.fromisoformat(day)
    take_in(world)
    world.settle()
    world.act(TOWNSHIP, e.ACCEPTED)
    return world


def test_decision_is_due_after_the_promised_days() -> None:
    """The promised limit counts from acceptance; the days remaining are working days."""
    found = seen(accepted().case(TOWNSHIP), "2026-10-29")
    assert (date(2026, 11, 2), "承诺期限", 2) == (
        found.due,
        found.due_basis,
        found.remaining_workdays,
    )


@pytest.mark.parametrize(
    ("day", "colour"),
    [
        ("2026-10-26", ""), ("2026-10-27", "预警"), ("2026-11-02", "预警"),
        ("2026-11-03", "黄"), ("2026-11-04", "黄"), ("2026-11-05", "红"),
    ],
)  # fmt: skip
def test_colour_follows_the_remaining_days(day: str, colour: str) -> None:
    """预警 within 20 % of the limit, 黄 past the due day, 红 the set number of days later."""
    assert colour == seen(accepted().case(TOWNSHIP), day).colour


def test_thresholds_are_settings() -> None:
    """Another authority may set other thresholds."""
    case = accepted().case(TOWNSHIP)
    strict = Colours(warn_percent=50, warn_days=5, red_after_days=1)
    found = view(case, MATTERS["M100"], CALENDAR, date(2026, 11, 3), TREE, strict)
    assert "红" == found.colour


def test_provisional_day_says_so() -> None:
    """A due day that rests on an unpublished year carries its sentence."""
    found = seen(accepted("2026-12-10").case(TOWNSHIP), "2026-12-11")
    assert found.provisional
    assert "2027年节假日安排尚未公布" in found.due_sentence


def test_suspension_and_extension_move_the_due_day() -> None:
    """A special procedure stops the clock while it runs, an extension adds its days."""
    world = accepted()
    world.share()
    world.act("CG0001", e.TAKEN_OVER, reason="演示")
    world.today = date(2026, 10, 12)
    world.act("CG0001", e.PROCEDURE_STARTED, kind="现场勘验", suspends=True, reason="演示")
    running = world.case("CG0001")
    assert (None, "特别程序") == (seen(running, "2026-10-13").due, running.flags[-1])
    assert "暂停计算" in seen(running, "2026-10-13").due_sentence
    world.today = date(2026, 10, 16)
    world.act("CG0001", e.PROCEDURE_ENDED, procedure=running.procedures[0].event)
    assert date(2026, 11, 9) == seen(world.case("CG0001"), "2026-10-19").due
    world.act("CG0001", e.EXTENDED, days=5, reason="演示")
    assert date(2026, 11, 16) == seen(world.case("CG0001"), "2026-10-19").due


def test_place_is_said_in_plain_words() -> None:
    """The page says who has the case and what is being done."""
    world = World()
    take_in(world)
    world.rules(VILLAGE)
    offered = seen(world.case(VILLAGE), "2026-11-23").place
    assert "斗南甲村(演示)已移交,等待斗南街道便民服务中心接收" == offered
    world.settle()
    world.act(TOWNSHIP, e.ACCEPTED)
    world.act(TOWNSHIP, e.REVIEW_STARTED)
    assert "在斗南街道便民服务中心审查" == seen(world.case(TOWNSHIP), "2026-11-23").place


def test_waiting_for_pickup_is_a_label() -> None:
    """待领取 is 办结 with an open delivery task, and names where to go."""
    world = World()
    take_in(world)
    world.settle()
    world.act(TOWNSHIP, e.NOT_ACCEPTED, reason="演示")
    world.settle()
    found = seen(world.case(VILLAGE), "2026-11-23")
    assert ("待领取", "在斗南甲村(演示)等待领取") == (found.label, found.place)


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        ("2026-11-25", ""),
        ("2026-11-26", "将视为受理:斗南街道便民服务中心应在2026-11-30前(含当日)一次性告知或受理"),
        ("2026-11-30", "将视为受理:斗南街道便民服务中心应在2026-11-30前(含当日)一次性告知或受理"),
        ("2026-12-01", "若斗南街道便民服务中心未在2026-11-30前告知,已视为受理"),
    ],
)
def test_deemed_acceptance_is_warned_of_from_the_third_day(day: str, sentence: str) -> None:
    """Every node warns from day 3 and after the day says only what may be the case."""
    world = World()
    take_in(world, VILLAGE, "M200")
    world.settle()
    assert sentence == seen(world.case(VILLAGE), day, "M200").deemed_sentence


def test_no_warning_where_the_matter_does_not_deem() -> None:
    """Deemed acceptance applies only where the matter says so, and not once defects were told."""
    world = World()
    take_in(world)
    assert "" == seen(world.case(VILLAGE), "2026-12-15").deemed_sentence
    other = World()
    take_in(other, VILLAGE, "M200")
    other.act(VILLAGE, e.DEFECTS_TOLD, defects=[{"problem": "演示"}])
    assert "" == seen(other.case(VILLAGE), "2026-12-15", "M200").deemed_sentence


def test_view_without_the_matter_shows_no_dates() -> None:
    """A node that lacks the pinned version shows the case without its due day."""
    found = view(accepted().case(TOWNSHIP), None, CALENDAR, date(2026, 10, 1), TREE)
    assert (None, "", "") == (found.due, found.colour, found.due_sentence)


@pytest.mark.parametrize(
    ("stated", "days"), [(2**53 - 1, EXTENDED_DAYS_MAX), (-4, 0), ("3", 0), (3, 3)]
)
def test_an_extension_of_ages_leaves_a_case_that_can_be_shown(stated: object, days: int) -> None:
    """Whatever another station wrote, the case opens, and with a day on it."""
    world = World()
    take_in(world)
    world.settle()
    world.act(TOWNSHIP, "accepted")
    world.act(TOWNSHIP, "step_done", result="通过")
    world.settle()
    made = world.act(DISTRICT, "extended", days="5", reason="演示")
    world.held[DISTRICT][made.name] = replace(made, body={**(made.body or {}), "days": stated})
    case = world.case(DISTRICT)
    assert days == case.extended_days
    assert view(case, MATTERS["M100"], CALENDAR, world.today, TREE).due is not None


@pytest.mark.parametrize(("stated", "kept"), [("20261201", "2026-12-01"), ("下周", ""), (7, "")])
def test_a_day_to_reply_by_that_is_none_is_not_kept(stated: object, kept: str) -> None:
    """A list that reckons with it is shown all the same."""
    world = World()
    take_in(world, VILLAGE, "M100", "M1")
    world.settle()
    made = world.act(TOWNSHIP, "defects_told", defects=[{"problem": "演示"}])
    told = {**(made.body or {}), "reply_by": stated}
    world.held[TOWNSHIP][made.name] = replace(made, body=told)
    assert kept == world.case(TOWNSHIP).notices[0].reply_by
