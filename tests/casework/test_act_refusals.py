"""What people may not do, and what they are told; what their drafts contain."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from casework import events as e
from casework.acts import acts_offered, draft, draft_by_rule
from casework.errors import DomainRefusal
from casework.identity import citizen_id_check
from casework.registers import StationTree
from casework.rules import due_by_rule
from tests.casework.casework_world import (
    APPLICANT,
    DISTRICT,
    MATTERS,
    TOWNSHIP,
    TOWNSHIP_2,
    VILLAGE,
    VILLAGE_2,
    World,
    cleared,
    clerk,
    take_in,
    ticks,
)


def refused(world: World, station: str, act: str, /, actor: str = "", **fields: Any) -> str:
    """The code of the refusal; its sentence must be Chinese and nothing may be recorded."""
    case = world.case(station) if world.held[station] else None
    with pytest.raises(DomainRefusal) as refusal:
        draft(world.context(station), case, act, fields, actor or clerk(station))
    assert not refusal.value.sentence.isascii()
    return refusal.value.code


def intake(**changes: Any) -> dict[str, Any]:
    """Fields of a sound intake, changed."""
    usual = {
        "matter": "M100",
        "receipt_no": "CG0111-20261123-K3F-0001-X",
        "applicant": APPLICANT,
        "materials": ticks("M1"),
    }
    return {**usual, **changes}


def test_opening_event_carries_what_every_station_needs() -> None:
    """The first body pins the matter, names the stations and roots the custody chain."""
    world = World()
    event = world.act(VILLAGE, e.RECEIVED, **intake(offline=True))
    body = event.body or {}
    matter = MATTERS["M100"]
    assert {"code": "M100", "version": 1, "hash": matter.hash} == body["matter"]
    assert ("", VILLAGE, 3) == (body["follows"], body["holder"], body["depth"])
    assert ("代收", VILLAGE, TOWNSHIP, VILLAGE) == (
        body["mode"],
        body["receiving"],
        body["handling"],
        body["delivery"],
    )
    assert ["断网办理"] == body["flags"]
    assert [("M1", "已收", "收原件"), ("M2", "缺", "核验原件后退还")] == [
        (item["code"], item["state"], item["taken_as"]) for item in body["materials"]
    ]
    assert (TOWNSHIP, VILLAGE) == event.audience
    assert world.ms - 1_000 == body["at_ms"]


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("field_missing", {"applicant": {}}),
        ("field_missing", {"receipt_no": " "}),
        ("field_missing", {"matter": ""}),
        ("field_invalid", {"matter": "M404"}),
        ("field_invalid", {"materials": ticks("M9")}),
        ("field_invalid", {"materials": [{"code": "M1", "state": "丢"}]}),
        ("field_invalid", {"materials": "M1"}),
        ("field_invalid", {"delivery": "ZZ9999"}),
        ("field_invalid", {"receipt_no": "长" * 3_000}),
        ("matter_is_notice_only", {"matter": "M900"}),
    ],
)
def test_intake_with_a_fault_is_refused(code: str, changes: dict[str, Any]) -> None:
    """Each fault of an intake has its own refusal."""
    assert code == refused(World(), VILLAGE, e.RECEIVED, **intake(**changes))


def test_wrong_citizen_number_is_refused_at_intake() -> None:
    """A mistyped ID number is noticed while the applicant is still there."""
    head = "99010119900101001"
    right = citizen_id_check(head)
    wrong = "0" if right != "0" else "1"
    person = {"name": "演示", "id_type": "居民身份证"}
    bad = intake(applicant={**person, "id_no": head + wrong})
    assert "field_invalid" == refused(World(), VILLAGE, e.RECEIVED, **bad)
    World().act(VILLAGE, e.RECEIVED, **intake(applicant={**person, "id_no": head + right}))


def test_notice_only_station_takes_nothing_in() -> None:
    """A station in mode 告知 informs and nothing else."""
    assert "matter_is_notice_only" == refused(World(), TOWNSHIP_2, e.RECEIVED, **intake())


def test_mode_decides_how_a_case_opens() -> None:
    """代办 entrusts, the other modes receive; neither does the other's act."""
    assert "no_right" == refused(World(), VILLAGE_2, e.RECEIVED, **intake())
    assert "no_right" == refused(World(), VILLAGE, e.ENTRUSTED, **intake())


def test_open_case_is_not_opened_again() -> None:
    """Opening acts are refused on an existing case, all others without one."""
    world = World()
    assert "status_forbids" == refused(world, VILLAGE, e.DEFECTS_TOLD)
    take_in(world)
    assert "status_forbids" == refused(world, VILLAGE, e.RECEIVED, **intake())
    assert "unknown_act" == refused(world, VILLAGE, "recovered_checked")
    assert "unknown_act" == refused(world, VILLAGE, "celebrated")


def test_strangers_and_wrong_posts_are_refused() -> None:
    """Unknown staff, staff of another station and staff without the post do nothing."""
    world = World()
    take_in(world)
    world.settle()
    assert "no_right" == refused(world, TOWNSHIP, e.ACCEPTED, actor="W0")
    assert "no_right" == refused(world, TOWNSHIP, e.ACCEPTED, actor=clerk(DISTRICT))
    world.act(DISTRICT, e.TAKEN_OVER, reason="演示")
    world.settle()
    assert "not_in_custody" == refused(world, TOWNSHIP, e.ACCEPTED)


def test_station_without_the_power_cannot_accept() -> None:
    """A 代收 station may tell defects but never accepts or refuses."""
    world = World()
    take_in(world, VILLAGE, "M100", "M2")
    assert "no_right" == refused(world, VILLAGE, e.ACCEPTED)
    assert "no_right" == refused(world, VILLAGE, e.NOT_ACCEPTED, reason="演示")
    offered = acts_offered(world.context(VILLAGE), world.case(VILLAGE), clerk(VILLAGE))
    assert e.DEFECTS_TOLD in offered
    assert e.ACCEPTED not in offered


def test_post_without_the_stations_power_is_not_enough() -> None:
    """Staff with the post accept only where the station has the power for this matter."""
    world = World()
    take_in(world)
    world.settle()
    usual = world.context(TOWNSHIP)
    service = usual.service(TOWNSHIP, "M100")
    assert service is not None
    for there in (None, msgspec.structs.replace(service, powers=())):
        context = replace(usual, service=lambda *_, there=there: there)
        with pytest.raises(DomainRefusal) as refusal:
            draft(context, world.case(TOWNSHIP), e.ACCEPTED, {}, clerk(TOWNSHIP))
        assert "no_right" == refusal.value.code
        assert "本站对这个事项没有" in refusal.value.sentence


def test_rights_end_with_their_dates() -> None:
    """Rights are those of the day the act is written."""
    world = World()
    take_in(world)
    world.today = date(2025, 12, 31)
    assert "no_right" == refused(world, VILLAGE, e.DEFECTS_TOLD, defects=[{"problem": "演示"}])


def test_only_a_station_above_the_holder_takes_over() -> None:
    """A neighbour cannot take over; a superior the case was offered to need not."""
    world = World()
    take_in(world, VILLAGE, "M100", "M2")
    world.settle()
    assert "no_higher_tier" == refused(world, TOWNSHIP_2, e.TAKEN_OVER, reason="演示")
    world.act(VILLAGE, e.HANDED_OVER, to=DISTRICT)
    world.share()
    assert "offered_away" == refused(world, TOWNSHIP, e.TAKEN_OVER, reason="演示")
    assert "offered_away" == refused(world, DISTRICT, e.TAKEN_OVER, reason="演示")


def test_taker_over_draws_its_line_at_what_it_saw() -> None:
    """The takeover names the last event of the holder it knows."""
    world = World()
    take_in(world, VILLAGE, "M100", "M2")
    world.settle()
    told = world.act(VILLAGE, e.DEFECTS_TOLD, defects=[{"problem": "演示"}])
    world.share()
    taken = world.act(TOWNSHIP, e.TAKEN_OVER, reason="演示")
    assert told.name == (taken.body or {})["seen"]
    world.share()
    assert () == world.case(VILLAGE).superseded


def test_acceptance_needs_its_materials() -> None:
    """普通 needs all, 容缺 only 必要; the refusal names what is lacking."""
    world = World()
    take_in(world, VILLAGE, "M100", "M1")
    world.settle()
    case = world.case(TOWNSHIP)
    with pytest.raises(DomainRefusal) as refusal:
        draft(world.context(TOWNSHIP), case, e.ACCEPTED, {}, clerk(TOWNSHIP))
    assert "户口簿" in refusal.value.sentence
    world.act(TOWNSHIP, e.ACCEPTED, kind="容缺")
    assert "容缺" in world.case(TOWNSHIP).flags


def test_acceptance_on_receipt_only_where_the_matter_says_so() -> None:
    """收件即受理 is a property of the matter; 视为 is the node's."""
    world = World()
    take_in(world)
    world.settle()
    assert "field_invalid" == refused(world, TOWNSHIP, e.ACCEPTED, kind="收件即受理")
    assert "field_invalid" == refused(world, TOWNSHIP, e.ACCEPTED, kind="视为")


def test_second_notice_of_defects_needs_a_reason() -> None:
    """All defects are told at once; telling again has to be justified."""
    world = World()
    take_in(world, VILLAGE, "M100", "M2")
    assert "field_missing" == refused(world, VILLAGE, e.DEFECTS_TOLD, defects=[])
    world.act(VILLAGE, e.DEFECTS_TOLD, defects=[{"material": "M1", "problem": "演示"}])
    assert "materials_missing" == refused(world, VILLAGE, e.SUPPLEMENT_COMPLETE)
    world.act(VILLAGE, e.SUPPLEMENT_RECEIVED, materials=[{"code": "M1"}])
    world.act(VILLAGE, e.SUPPLEMENT_COMPLETE)
    again: dict[str, Any] = {"defects": [{"problem": "演示"}]}
    assert "field_missing" == refused(world, VILLAGE, e.DEFECTS_TOLD, **again)
    world.act(VILLAGE, e.DEFECTS_TOLD, reason="演示", **again)


def test_clock_counts_from_the_last_paper() -> None:
    """补齐 takes the day of the last supplement, and no day in the future."""
    world = World()
    take_in(world, VILLAGE, "M100", "M2")
    world.act(VILLAGE, e.DEFECTS_TOLD, defects=[{"material": "M1", "problem": "演示"}])
    world.today += timedelta(days=1)
    world.act(VILLAGE, e.SUPPLEMENT_RECEIVED, materials=[{"code": "M1"}])
    world.today += timedelta(days=3)
    tomorrow = (world.today + timedelta(days=1)).isoformat()
    assert "field_invalid" == refused(world, VILLAGE, e.SUPPLEMENT_COMPLETE, papers_in=tomorrow)
    world.act(VILLAGE, e.SUPPLEMENT_COMPLETE)
    assert "2026-11-24" == world.case(VILLAGE).days.papers_in


def test_case_is_not_sent_back_before_its_day() -> None:
    """退件 is a person's act after the day in the notice, never earlier."""
    world = World()
    take_in(world)
    world.settle()
    world.act(TOWNSHIP, e.DEFECTS_TOLD, defects=[{"problem": "演示"}])
    assert "not_yet_due" == refused(world, TOWNSHIP, e.OVERDUE, reason="演示")
    world.today = date(2026, 12, 8)
    world.act(TOWNSHIP, e.OVERDUE, reason="演示")


def test_decision_waits_for_its_stage() -> None:
    """Deciding before the stages are done, or a step in the deciding stage, is refused."""
    world = World()
    take_in(world)
    world.settle()
    world.act(TOWNSHIP, e.ACCEPTED)
    world.share()
    world.act(DISTRICT, e.TAKEN_OVER, reason="演示")
    assert "stage_forbids" == refused(world, DISTRICT, e.DECIDED, result="准予")
    world.act(DISTRICT, e.STEP_DONE, result="通过")
    assert "stage_forbids" == refused(world, DISTRICT, e.STEP_DONE, result="通过")
    assert "field_missing" == refused(world, DISTRICT, e.DECIDED, result="不予")
    assert "field_invalid" == refused(world, DISTRICT, e.DECIDED, result="也许")
    offered = acts_offered(world.context(DISTRICT), world.case(DISTRICT), clerk(DISTRICT))
    assert e.DECIDED in offered
    assert e.STEP_DONE not in offered


def test_task_is_reported_once_and_only_by_its_station() -> None:
    """A report by another station, twice, or after withdrawal is refused."""
    world = World()
    take_in(world, VILLAGE, "M300")
    world.settle()
    world.act(TOWNSHIP, e.ACCEPTED)
    world.settle()
    task = world.case(VILLAGE).tasks[0].name
    assert "no_such_task" == refused(world, DISTRICT, e.TASK_REPORTED, task=task, result="属实")
    assert "no_such_task" == refused(world, VILLAGE, e.TASK_REPORTED, task="X/1/1", result="属实")
    world.act(VILLAGE, e.TASK_REPORTED, task=task, result="属实")
    assert "no_such_task" == refused(world, VILLAGE, e.TASK_REPORTED, task=task, result="属实")


def test_report_of_a_withdrawn_task_is_superseded_whichever_came_first() -> None:
    """A task withdrawn on the winning chain takes its report with it."""
    world = World()
    take_in(world, VILLAGE, "M300")
    world.settle()
    world.act(TOWNSHIP, e.ACCEPTED)
    world.settle()
    task = world.case(VILLAGE).tasks[0].name
    report = world.act(VILLAGE, e.TASK_REPORTED, task=task, result="属实")
    world.act(TOWNSHIP, e.TASK_WITHDRAWN, task=task, reason="演示")
    world.share()
    case = world.case(DISTRICT)
    assert [(report.name, "task")] == [(item.name, item.why) for item in case.superseded]
    assert case.tasks[0].report is None


def test_missing_matter_version_shows_but_does_not_advance() -> None:
    """A node without the pinned version refuses to act and says why."""
    world = World()
    take_in(world)
    world.settle()
    bare = replace(world.context(TOWNSHIP), matter=lambda _: None, matter_by_hash=lambda _: None)
    with pytest.raises(DomainRefusal) as refusal:
        draft(bare, world.case(TOWNSHIP), e.ACCEPTED, {}, clerk(TOWNSHIP))
    assert "matter_version_missing" == refusal.value.code


def test_station_without_its_register_takes_no_custody() -> None:
    """Before the stations register is here a station's depth is unknown: no intake, no rule."""
    world = World()
    bare = replace(world.context(VILLAGE), tree=StationTree([], world.today))
    with pytest.raises(DomainRefusal) as refusal:
        draft(bare, None, e.RECEIVED, intake(), clerk(VILLAGE))
    assert "station_unknown" == refusal.value.code
    take_in(world)
    assert [] == due_by_rule(bare, world.case(VILLAGE))


def test_case_with_cleared_bodies_is_not_advanced() -> None:
    """Where contents were cleared, custody acts are refused at every station."""
    world = World()
    take_in(world)
    world.settle()
    held = cleared(world.events(), [world.stream])
    world.held[TOWNSHIP] = {item.name: item for item in held}
    assert "body_cleared" == refused(world, TOWNSHIP, e.ACCEPTED)


def test_correction_keeps_old_and_new_value() -> None:
    """更正 is possible for the applicant's fields at once, and shows both values."""
    world = World()
    take_in(world)
    world.settle()
    event = world.act(VILLAGE, e.CORRECTED, field="applicant.phone", new="111", reason="演示")
    assert ("000", "111") == ((event.body or {})["old"], (event.body or {})["new"])
    assert "111" == world.case(VILLAGE).applicant["phone"]
    assert "field_invalid" == refused(world, VILLAGE, e.CORRECTED, field="status", new="办结")


def test_node_writes_only_what_the_table_allows_it() -> None:
    """No rule can decide or refuse."""
    world = World()
    take_in(world)
    for act in (e.DECIDED, e.NOT_ACCEPTED, e.DEFECTS_TOLD, e.TAKEN_OVER):
        with pytest.raises(DomainRefusal):
            draft_by_rule(world.context(VILLAGE), world.case(VILLAGE), act, {})


def test_station_not_concerned_writes_nothing() -> None:
    """Only the audience and its superiors may write to a case."""
    world = World()
    take_in(world)
    world.share()
    assert "not_concerned" == refused(
        world, VILLAGE_2, e.SUPPLEMENT_RECEIVED, materials=[{"code": "M1"}]
    )
    assert "not_concerned" == refused(world, TOWNSHIP, e.VOID_REQUESTED, reason="演示")
