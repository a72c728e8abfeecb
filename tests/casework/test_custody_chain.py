"""The chain of custody: who holds the case, whatever order the events came in."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from casework.case import state_hash
from casework.custody import chain
from casework.events import CaseEvent
from casework.fold import fold

EPOCH = 1_795_000_000_000
V, T, D, K, X = "CG0111", "CG0101", "CG0001", "KM0000", "CG0112"
DEPTHS = {K: 0, D: 1, T: 2, V: 3, X: 3}
LINES = {V: (V, T, D, K), X: (X, T, D, K), T: (T, D, K), D: (D, K), K: ()}
"""What a warrant proves of each station: itself and those above it."""
ROOT = f"{V}/{EPOCH}/1"


def name(station: str, position: int, epoch: int = EPOCH) -> str:
    """An event's name."""
    return f"{station}/{epoch}/{position}"


def event(
    station: str, position: int, kind: str, /, *, epoch: int = EPOCH, hlc: int = 0, **body: Any
) -> CaseEvent:
    """An event of the stream, with the custody members of a custody event filled in.

    A takeover comes with a true warrant of the station it relieves.
    """
    if kind in ("received", "accepted_custody", "taken_over", "signed_for"):
        body = {"follows": "", "holder": station, "depth": DEPTHS[station], **body}
    return CaseEvent(
        name(station, position, epoch), station, epoch, position, hlc or position * 1024,
        ROOT, kind, "W1", (), {"at_ms": epoch, "day": "2026-11-23", **body},
        line=LINES[str(body["follows"]).partition("/")[0]] if kind == "taken_over" else (),
    )  # fmt: skip


def opened() -> CaseEvent:
    """The case taken in at the village."""
    return event(V, 1, "received", mode="代收")


def offer(station: str, position: int, custody: str, to: str, **more: Any) -> CaseEvent:
    """An offer of custody."""
    return event(station, position, "handed_over", custody=custody, to=to, **more)


def take(station: str, position: int, follows: str, **more: Any) -> CaseEvent:
    """An acceptance of custody."""
    return event(station, position, "accepted_custody", follows=follows, **more)


def seize(station: str, position: int, follows: str, seen: str = "") -> CaseEvent:
    """A takeover."""
    return event(station, position, "taken_over", follows=follows, seen=seen)


def reasons(events: list[CaseEvent]) -> dict[str, str]:
    """What is superseded and why."""
    return {item.name: item.why for item in fold(events).superseded}


def test_opening_station_holds_the_case() -> None:
    """The first event is the root of the chain."""
    case = fold([opened()])
    assert (V, 1, ROOT, "") == (case.holder, case.term, case.custody, case.offered_to)


def test_acceptance_answers_an_offer() -> None:
    """Custody moves when the station offered to accepts."""
    events = [opened(), offer(V, 2, ROOT, T), take(T, 1, ROOT)]
    case = fold(events)
    assert (T, 2, V, {}) == (case.holder, case.term, case.previous_holder, reasons(events))


def test_offer_alone_moves_nothing() -> None:
    """Until the answer comes the sender still holds the case, and it is shown as offered."""
    case = fold([opened(), offer(V, 2, ROOT, T)])
    assert (V, T) == (case.holder, case.offered_to)


def test_acceptance_without_an_offer_to_its_author_is_superseded() -> None:
    """Nobody helps himself to a case."""
    events = [opened(), offer(V, 2, ROOT, T), take(X, 1, ROOT)]
    assert (V, {name(X, 1): "losing_branch"}) == (fold(events).holder, reasons(events))


def test_second_offer_does_not_count() -> None:
    """Only the first offer of a custody stands, so only one station can accept."""
    events = [opened(), offer(V, 2, ROOT, T), offer(V, 3, ROOT, X), take(X, 1, ROOT)]
    assert {name(V, 3): "after_offer", name(X, 1): "losing_branch"} == reasons(events)


def test_no_clock_decides_which_offer_came_first() -> None:
    """A log's positions order its author's offers, whatever its clock said."""
    events = [opened(), offer(V, 2, ROOT, T, hlc=9_000), offer(V, 3, ROOT, X, hlc=8_000)]
    assert T == fold(events).offered_to


def test_custody_written_for_another_station_is_superseded() -> None:
    """A custody event gives custody to its author only."""
    forged = event(X, 1, "taken_over", follows=ROOT, holder=T, depth=0)
    assert V == fold([opened(), forged]).holder


def test_takeover_beats_an_acceptance() -> None:
    """Where a takeover and an acceptance follow the same custody, the takeover wins."""
    accepted = [opened(), offer(V, 2, ROOT, T), take(T, 1, ROOT)]
    events = [*accepted, seize(D, 1, ROOT, seen=name(V, 2))]
    assert (D, {name(T, 1): "losing_branch"}) == (fold(events).holder, reasons(events))


def test_takeover_of_the_highest_tier_wins() -> None:
    """Of two takeovers the one nearer to the root wins."""
    events = [opened(), seize(T, 1, ROOT), seize(D, 1, ROOT), seize(K, 1, ROOT)]
    assert K == fold(events).holder
    assert {name(T, 1), name(D, 1)} == reasons(events).keys()


def test_takeovers_of_one_tier_are_settled_by_code_then_name() -> None:
    """Equal depth: the smaller station code, then the smaller name, positions as numbers."""
    other = replace(seize(D, 1, ROOT), station="CG0000", name="CG0000/5/1", epoch=5)
    body = {**(other.body or {}), "holder": "CG0000"}
    other = replace(other, body=body, line=(V, T, "CG0000", K))
    assert "CG0000" == fold([opened(), seize(D, 1, ROOT), other]).holder
    assert name(D, 9) == fold([opened(), seize(D, 9, ROOT), seize(D, 10, ROOT)]).custody


def test_takeover_by_a_lower_tier_is_superseded() -> None:
    """Only a station above the holder can relieve it."""
    events = [opened(), seize(D, 1, ROOT), seize(T, 1, name(D, 1))]
    assert (D, {name(T, 1): "no_right"}) == (fold(events).holder, reasons(events))


def test_takeover_by_a_neighbour_is_superseded() -> None:
    """A station of the same tier as the holder cannot relieve it."""
    events = [opened(), seize(X, 1, ROOT)]
    assert (V, {name(X, 1): "no_right"}) == (fold(events).holder, reasons(events))


def test_a_depth_is_never_believed() -> None:
    """A station that claims the depth of the root has no right by it, nor protection from above."""
    claimed = event(X, 1, "taken_over", follows=ROOT, depth=0)
    beyond = event(V, 1, "received", mode="代收", depth=0)
    events = [beyond, claimed, seize(T, 1, ROOT)]
    assert (T, {name(X, 1): "no_right"}) == (fold(events).holder, reasons(events))


def test_a_takeover_needs_the_warrant_of_the_very_station_it_relieves() -> None:
    """Neither none, nor another station's, nor one that does not name its author gives a right."""
    for line in ((), (X, T, D, K), (T, D, K), (V, D, K), (V, K)):
        events = [opened(), replace(seize(T, 1, ROOT), line=line)]
        assert (V, {name(T, 1): "no_right"}) == (fold(events).holder, reasons(events))


def test_who_does_not_hold_the_custody_he_names_has_no_right_before_it_is_here() -> None:
    """The name of a custody event says who holds it: nothing has to be waited for."""
    forged = event(X, 1, "decided", custody=name(T, 1), result="准予")
    assert {name(X, 1): "not_holder"} == reasons([opened(), forged])


def test_everything_on_a_losing_branch_is_superseded() -> None:
    """Acts and further custody that rest on a losing branch fall with it."""
    events = [
        opened(),
        offer(V, 2, ROOT, T),
        take(T, 1, ROOT),
        event(T, 2, "accepted", custody=name(T, 1), kind="普通"),
        offer(T, 3, name(T, 1), D),
        take(D, 1, name(T, 1)),
        event(D, 2, "decided", custody=name(D, 1), result="准予"),
        seize(K, 1, ROOT, seen=name(V, 2)),
    ]
    case = fold(events)
    assert (K, "已收件") == (case.holder, case.status.value)
    lost = {name(T, 1), name(T, 2), name(T, 3), name(D, 1), name(D, 2)}
    assert dict.fromkeys(lost, "losing_branch") == reasons(events)


def test_acts_after_ones_own_offer_are_superseded() -> None:
    """What a holder writes after its offer does not count, in a later epoch neither."""
    events = [
        opened(),
        event(V, 2, "defects_told", custody=ROOT),
        offer(V, 3, ROOT, T),
        event(V, 4, "supplement_complete", custody=ROOT),
        event(V, 1, "withdrawn", custody=ROOT, epoch=EPOCH + 1),
    ]
    assert "待补正" == fold(events).status.value
    late = {name(V, 4): "after_offer", name(V, 1, EPOCH + 1): "after_offer"}
    assert late == reasons(events)


def test_acts_by_others_under_a_custody_are_superseded() -> None:
    """Only the holder of the custody named may advance the case."""
    events = [opened(), event(T, 1, "accepted", custody=ROOT)]
    assert {name(T, 1): "not_holder"} == reasons(events)


def test_act_under_an_unknown_custody_waits() -> None:
    """An act whose custody event is not here yet is listed as waiting, then applied."""
    act = event(T, 2, "accepted", custody=name(T, 1), kind="普通")
    assert {name(T, 2): "custody_unknown"} == reasons([opened(), act])
    full = [opened(), act, offer(V, 2, ROOT, T), take(T, 1, ROOT)]
    assert ("已受理", {}) == (fold(full).status.value, reasons(full))


def test_takeover_keeps_what_it_had_seen_and_nothing_later() -> None:
    """The line drawn by `seen` divides the former holder's acts, whatever arrives when."""
    events = [
        opened(),
        event(V, 2, "defects_told", custody=ROOT),
        event(V, 3, "supplement_complete", custody=ROOT),
        seize(D, 1, ROOT, seen=name(V, 2)),
    ]
    assert "待补正" == fold(events).status.value
    assert {name(V, 3): "after_takeover"} == reasons(events)


def test_takeover_that_saw_nothing_keeps_nothing() -> None:
    """Without a usable `seen` no act of the former holder counts."""
    for seen in ("", "nonsense", name(T, 9)):
        events = [opened(), event(V, 2, "defects_told", custody=ROOT), seize(D, 1, ROOT, seen)]
        assert {name(V, 2): "after_takeover"} == reasons(events)


def test_hand_back_opens_a_new_custody_of_the_former_holder() -> None:
    """The holder offers the case back; the answer of the former holder is a new link."""
    events = [
        opened(),
        offer(V, 2, ROOT, T),
        take(T, 1, ROOT),
        event(T, 2, "handed_back", custody=name(T, 1), to=V, reason="不全"),
        take(V, 3, name(T, 1)),
        event(V, 4, "defects_told", custody=name(V, 3)),
    ]
    case = fold(events)
    assert (V, 3, True) == (case.holder, case.term, case.custody_handed_back)
    assert ("待补正", {}) == (case.status.value, reasons(events))


def test_declined_offer_returns_to_the_sender() -> None:
    """The station offered to declines; the sender answers itself and goes on."""
    declined = [
        opened(),
        offer(V, 2, ROOT, T),
        event(T, 1, "handed_back", custody=ROOT, to=V, reason="不归我办"),
    ]
    assert (V, V) == (fold(declined).holder, fold(declined).offered_to)
    events = [*declined, take(V, 3, ROOT), event(V, 4, "defects_told", custody=name(V, 3))]
    assert ("待补正", {}) == (fold(events).status.value, reasons(events))


def test_sender_cannot_take_its_offer_back_alone() -> None:
    """Without a refusal the sender's own acceptance does not count."""
    events = [opened(), offer(V, 2, ROOT, T), take(V, 3, ROOT)]
    assert {name(V, 3): "losing_branch"} == reasons(events)


def test_custody_that_follows_itself_harms_only_itself() -> None:
    """A loop in what events claim to follow never hangs the fold."""
    loop = [seize(D, 1, name(K, 1)), seize(K, 1, name(D, 1)), seize(T, 1, name(T, 1))]
    case = fold([opened(), *loop])
    assert (V, 3) == (case.holder, len(case.superseded))


KINDS = ("accepted_custody", "taken_over", "handed_over", "handed_back", "defects_told",
         "supplement_complete", "accepted", "task_given")  # fmt: skip


@st.composite
def tangles(draw: st.DrawFn) -> list[CaseEvent]:
    """Arbitrary events that refer to each other at random, right or wrong."""
    events = [opened()]
    used = {V: 1}
    for _ in range(draw(st.integers(1, 9))):
        station = draw(st.sampled_from((V, T, D, K, X)))
        used[station] = used.get(station, 0) + 1
        target = draw(st.sampled_from([item.name for item in events]))
        kind = draw(st.sampled_from(KINDS))
        made = event(
            station,
            used[station],
            kind,
            hlc=draw(st.integers(1, 9)) * 1024,
            follows=target,
            custody=target,
            to=draw(st.sampled_from((V, T, D, K, X))),
            seen=draw(st.sampled_from([item.name for item in events])),
        )
        cleared = draw(st.integers(0, 9)) == 0
        events.append(replace(made, body=None) if cleared else made)
    return events


@settings(max_examples=150, deadline=None)
@given(tangles(), st.randoms(use_true_random=False))
def test_chain_does_not_depend_on_the_order_of_arrival(events: list[CaseEvent], rng: Any) -> None:
    """Any order and any doubling of any tangle of events gives the same case."""
    expected = state_hash(fold(events))
    shuffled = [*events, *events[:3]]
    rng.shuffle(shuffled)
    assert expected == state_hash(fold(shuffled))


@settings(max_examples=150, deadline=None)
@given(tangles())
def test_every_custody_matter_is_applied_or_superseded(events: list[CaseEvent]) -> None:
    """Nothing is dropped: each event stands on the chain or is listed with its reason."""
    links = chain(events, events[0])
    for item in events:
        assert (item.name in links.standing) != (item.name in links.superseded)
    case = fold(events)
    assert len(events) == len(case.timeline)


@settings(max_examples=100, deadline=None)
@given(tangles())
def test_each_link_is_held_by_its_author(events: list[CaseEvent]) -> None:
    """No chain ever gives custody to a station that did not write for it."""
    links = chain(events, events[0]).links
    assert all(link.holder == link.event.station for link in links)
    for before, link in pairwise(links):
        if link.event.type == "taken_over" and link.event.body is not None:
            assert link.holder in LINES[before.holder][1:]
