"""Whole journeys of a case through the district, act by act, with the real rules."""

from __future__ import annotations

import pytest

from casework import events as e
from casework.errors import DomainRefusal, NotInCustody, OfferedAway
from casework.events import NODE, Draft
from casework.projection import TAB_CHECK, case_row, fits_tab
from casework.rules import due_by_rule
from casework.status import Result, Status
from tests.casework.casework_world import (
    CENTRAL,
    DISTRICT,
    TOWNSHIP,
    VILLAGE,
    VILLAGE_2,
    World,
    cleared,
    take_in,
)


def to_township(world: World, matter: str = "M100") -> None:
    """A complete case from the village, accepted in custody by the township."""
    take_in(world, VILLAGE, matter)
    world.settle()


def to_decision(world: World) -> None:
    """The case at the district, ready to be decided."""
    to_township(world)
    world.act(TOWNSHIP, e.ACCEPTED)
    world.act(TOWNSHIP, e.STEP_DONE, result="通过")
    world.settle()


def test_case_travels_from_village_to_decision_and_back() -> None:
    """A case taken in at a village is decided at the district and delivered at the village."""
    world = World(numbers_by="handling")
    to_township(world)
    assert world.case(VILLAGE).holder == TOWNSHIP
    assert world.case(VILLAGE).status is Status.RECEIVED
    world.act(TOWNSHIP, e.ACCEPTED)
    world.act(TOWNSHIP, e.REVIEW_STARTED)
    world.act(TOWNSHIP, e.STEP_DONE, result="通过", note="材料齐全")
    world.settle()
    assert world.case(VILLAGE).holder == DISTRICT
    world.act(DISTRICT, e.DECIDED, result="准予")
    world.act(DISTRICT, e.CLOSED, certificate_no="演示1")
    world.settle()
    waiting = world.case(VILLAGE)
    assert (Status.CLOSED, "待领取") == (waiting.status, case_row(waiting).tab)
    task = waiting.tasks[0]
    assert (VILLAGE, "送达") == (task.station, task.kind)
    world.act(VILLAGE, e.TASK_REPORTED, task=task.name, result="已送达", recipient="本人")
    world.settle()
    done = world.case(VILLAGE)
    assert Status.DELIVERED is done.status
    assert Result.GRANTED is done.result
    assert "2026-11-23" == done.days.delivered
    assert "演示-0001" == done.official_no
    assert () == done.superseded
    assert CENTRAL not in done.audience
    assert {VILLAGE, TOWNSHIP, DISTRICT} <= set(done.audience)


def test_incomplete_case_stays_at_the_counter() -> None:
    """A 代收 station keeps a case whose required papers are missing and tells the defects."""
    world = World()
    take_in(world, VILLAGE, "M100", "M2")
    world.settle()
    assert VILLAGE == world.case(VILLAGE).holder
    world.act(VILLAGE, e.DEFECTS_TOLD, defects=[{"material": "M1", "problem": "缺申请表"}])
    assert "2026-12-07" == world.case(VILLAGE).notices[0].reply_by
    world.act(VILLAGE, e.SUPPLEMENT_RECEIVED, materials=[{"code": "M1"}])
    assert "待核" in world.case(VILLAGE).flags
    world.act(VILLAGE, e.SUPPLEMENT_COMPLETE)
    case = world.case(VILLAGE)
    assert Status.RECEIVED is case.status
    assert "待核" not in case.flags
    world.settle()
    assert TOWNSHIP == world.case(VILLAGE).holder


def test_receiving_station_voids_through_the_holder() -> None:
    """A wrong entry that has left the village is voided by the holder's node by rule."""
    world = World()
    to_township(world)
    world.act(VILLAGE, e.VOID_REQUESTED, reason="录入错误")
    world.settle()
    case = world.case(VILLAGE)
    assert (Status.CLOSED, Result.VOID) == (case.status, case.result)
    assert () == case.tasks
    voided = [entry for entry in case.timeline if entry.type == e.VOIDED]
    assert [(TOWNSHIP, NODE)] == [(entry.station, entry.actor) for entry in voided]


def test_void_request_waits_for_a_person_once_someone_acted() -> None:
    """After the holder has acted the node does not void; the request stays visible."""
    world = World()
    to_township(world)
    world.act(TOWNSHIP, e.DEFECTS_TOLD, defects=[{"problem": "照片不清"}])
    world.share()
    world.act(VILLAGE, e.VOID_REQUESTED, reason="录入错误")
    world.settle()
    case = world.case(TOWNSHIP)
    assert (Status.SUPPLEMENT, True) == (case.status, case.void_requested)
    world.act(TOWNSHIP, e.VOIDED, reason="核实为重复录入")
    assert Result.VOID is world.case(TOWNSHIP).result


def test_case_accepted_on_receipt_can_be_voided_until_someone_acts() -> None:
    """收件即受理 with no later act may be voided; after a step it may not."""
    world = World()
    to_township(world, "M200")
    world.act(TOWNSHIP, e.ACCEPTED, kind="收件即受理")
    assert Status.ACCEPTED is world.case(TOWNSHIP).status
    world.share()
    world.act(VILLAGE, e.VOID_REQUESTED, reason="录入错误")
    world.settle(VILLAGE, TOWNSHIP)
    assert Result.VOID is world.case(VILLAGE).result


def test_ordinary_acceptance_cannot_be_voided() -> None:
    """A case accepted in the ordinary way is not voided any more."""
    world = World()
    to_township(world)
    world.act(TOWNSHIP, e.ACCEPTED)
    with pytest.raises(DomainRefusal) as refusal:
        world.act(TOWNSHIP, e.VOIDED, reason="录入错误")
    assert "status_forbids" == refusal.value.code


def test_refusal_is_delivered_like_any_result() -> None:
    """不予受理 gets a delivery task; its day is what the person entered."""
    world = World()
    to_township(world)
    world.act(TOWNSHIP, e.NOT_ACCEPTED, reason="不属于本机关职权(演示)")
    world.settle()
    task = world.case(VILLAGE).tasks[0]
    world.act(
        VILLAGE,
        e.TASK_REPORTED,
        task=task.name,
        result="已送达",
        recipient="本人",
        day="2026-11-22",
    )
    world.settle()
    assert "2026-11-22" == world.case(VILLAGE).days.delivered


def test_failed_delivery_leaves_the_case_with_a_person() -> None:
    """A report 未能送达 neither delivers nor starts a second task by rule."""
    world = World()
    to_township(world)
    world.act(TOWNSHIP, e.NOT_ACCEPTED, reason="不属于本机关职权(演示)")
    world.settle()
    world.act(VILLAGE, e.TASK_REPORTED, task=world.case(VILLAGE).tasks[0].name, result="未能送达")
    world.settle()
    case = world.case(VILLAGE)
    assert (Status.CLOSED, 1) == (case.status, len(case.tasks))


def test_entrusted_case_is_received_when_the_authority_signs() -> None:
    """In 代办 the application is received by the authority on the day it signs, not before."""
    world = World()
    take_in(world, VILLAGE_2, act=e.ENTRUSTED)
    world.settle()
    waiting = world.case(TOWNSHIP)
    assert (Status.ENTRUSTED, TOWNSHIP) == (waiting.status, waiting.offered_to)
    assert "" == waiting.days.received
    world.act(TOWNSHIP, e.SIGNED_FOR)
    case = world.case(TOWNSHIP)
    assert (Status.RECEIVED, TOWNSHIP, "2026-11-23") == (
        case.status,
        case.holder,
        case.days.received,
    )


def test_unsigned_entrusted_case_can_be_declined() -> None:
    """The authority's station hands an unsigned case back; the agent's station holds it again."""
    world = World()
    take_in(world, VILLAGE_2, act=e.ENTRUSTED)
    world.settle()
    world.act(TOWNSHIP, e.HANDED_BACK, reason="委托书未签字")
    world.settle()
    case = world.case(VILLAGE_2)
    assert (VILLAGE_2, "", 2) == (case.holder, case.offered_to, case.term)
    assert () == case.superseded


def test_handed_back_case_waits_for_a_person() -> None:
    """A case that came back is not offered again by rule, but a person may hand it over."""
    world = World()
    to_township(world)
    world.act(TOWNSHIP, e.HANDED_BACK, reason="照片不清")
    world.settle()
    case = world.case(VILLAGE)
    assert (VILLAGE, True) == (case.holder, case.custody_handed_back)
    world.act(VILLAGE, e.HANDED_OVER, to=TOWNSHIP)
    world.settle()
    assert TOWNSHIP == world.case(VILLAGE).holder


def test_shared_stage_needs_every_report() -> None:
    """A stage shared with the village is concluded only on the village's report."""
    world = World()
    to_township(world, "M300")
    world.act(TOWNSHIP, e.ACCEPTED)
    world.settle()
    task = world.case(VILLAGE).tasks[0]
    assert ("S1T2", VILLAGE) == (task.code, task.station)
    with pytest.raises(DomainRefusal) as refusal:
        world.act(TOWNSHIP, e.STEP_DONE, result="通过")
    assert "task_open" == refusal.value.code
    world.act(VILLAGE, e.TASK_REPORTED, task=task.name, result="属实")
    world.share()
    world.act(TOWNSHIP, e.STEP_DONE, result="通过")
    step = world.case(TOWNSHIP).steps[0]
    assert [("S1T1", "通过"), ("S1T2", "属实")] == [(r.task, r.result) for r in step.results]


def test_returned_case_goes_back_and_is_reviewed_again() -> None:
    """`returned` opens an earlier stage again and custody follows the stage."""
    world = World()
    to_decision(world)
    world.act(DISTRICT, e.RETURNED, reason="初审意见不全")
    world.settle()
    case = world.case(TOWNSHIP)
    assert (TOWNSHIP, 0, Status.REVIEWING) == (case.holder, case.stage_index, case.status)
    world.act(TOWNSHIP, e.STEP_DONE, result="通过")
    world.settle()
    assert DISTRICT == world.case(TOWNSHIP).holder


def test_superior_takes_over_and_goes_on() -> None:
    """After a takeover the superior does the work itself and no rule gives the case away."""
    world = World()
    to_township(world)
    world.act(DISTRICT, e.TAKEN_OVER, reason="街道停电")
    world.settle()
    assert DISTRICT == world.case(TOWNSHIP).holder
    with pytest.raises(NotInCustody):
        world.act(TOWNSHIP, e.ACCEPTED)
    world.act(DISTRICT, e.ACCEPTED)
    world.settle()
    world.act(DISTRICT, e.STEP_DONE, result="通过")
    world.settle()
    world.act(DISTRICT, e.DECIDED, result="不予", reason="不符合条件(演示)")
    world.settle()
    assert (DISTRICT, Status.DECIDED) == (world.case(VILLAGE).holder, world.case(VILLAGE).status)


def test_late_acts_of_the_former_holder_are_kept_and_listed() -> None:
    """What the relieved township wrote unseen is superseded, shown, and asks to be checked."""
    world = World()
    to_township(world)
    world.act(DISTRICT, e.TAKEN_OVER, reason="街道停电")
    late = world.act(TOWNSHIP, e.ACCEPTED)
    world.settle()
    case = world.case(DISTRICT)
    assert Status.RECEIVED is case.status
    assert [(late.name, "after_takeover")] == [(s.name, s.why) for s in case.superseded]
    assert late.name in {entry.name for entry in case.timeline if entry.superseded}
    assert fits_tab(case_row(case), TAB_CHECK)


def test_sender_advances_nothing_after_an_offer() -> None:
    """From its offer on, the sender is refused with a sentence that names the receiver."""
    world = World()
    take_in(world)
    world.rules(VILLAGE)
    with pytest.raises(OfferedAway) as refusal:
        world.act(VILLAGE, e.DEFECTS_TOLD, defects=[{"problem": "缺"}])
    assert "斗南街道便民服务中心" in refusal.value.sentence


def test_no_rule_acts_on_a_case_with_cleared_bodies() -> None:
    """A node that no longer holds all bodies writes nothing by rule."""
    world = World()
    take_in(world)
    note = world.act(VILLAGE, e.SUPPLEMENT_RECEIVED, note="演示")
    assert due_by_rule(world.context(VILLAGE), world.case(VILLAGE))
    held = cleared(world.events(), [note.name])
    world.held[VILLAGE] = {item.name: item for item in held}
    assert [] == due_by_rule(world.context(VILLAGE), world.case(VILLAGE))


def test_report_by_another_station_does_not_count() -> None:
    """Whatever reaches the fold, only the station given a task reports on it, and once."""
    world = World()
    to_township(world, "M300")
    world.act(TOWNSHIP, e.ACCEPTED)
    world.settle()
    task = world.case(VILLAGE).tasks[0].name
    body = {"at_ms": world.ms, "day": "2026-11-23", "task": task, "result": "属实"}
    draft = Draft(world.stream, e.TASK_REPORTED, "W1", (), body)
    early = world.record(VILLAGE_2, draft)
    first = world.record(VILLAGE, draft)
    second = world.record(VILLAGE, draft)
    world.share()
    case = world.case(DISTRICT)
    assert {early.name, second.name} == {item.name for item in case.superseded}
    report = case.tasks[0].report
    assert report is not None
    assert first.name == report.event


def test_stage_is_concluded_once() -> None:
    """A second conclusion of the same stage, written unseen, does not skip the next one."""
    world = World()
    to_township(world)
    world.act(TOWNSHIP, e.ACCEPTED)
    done = world.act(TOWNSHIP, e.STEP_DONE, result="通过")
    again = world.record(TOWNSHIP, Draft(world.stream, done.type, "W1", (), done.body or {}))
    case = world.case(TOWNSHIP)
    assert (1, [again.name]) == (case.stage_index, [item.name for item in case.superseded])
