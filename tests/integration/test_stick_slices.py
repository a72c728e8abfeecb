"""A large bundle is taken in slice by slice: few commits, signatures before them, cut anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node import enrolment
from sync import signing
from sync.engine import file_make, file_take, parent, record
from sync.protocol import frames
from sync.protocol.errors import DiskFull, FrameDamaged, PeerProtocolError
from sync.protocol.frames import Frame
from sync.protocol.names import EventName
from tests.integration.stick_world import Sticks
from tests.integration.tree_world import CENTRAL, TOWNSHIP, VILLAGE, VILLAGE_2, Tree

EVENTS = 60
FRAME_BYTES = 2000
SLICE_BYTES = 4 * FRAME_BYTES


@pytest.fixture
def sticks(tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sticks:
    """Small frames, so that a few dozen events are many of them."""
    monkeypatch.setattr(file_make, "FRAME_PLAIN_BYTES_TARGET", FRAME_BYTES)
    monkeypatch.setattr(file_take, "SLICE_BYTES", SLICE_BYTES)
    return Sticks(tree, tmp_path / "sticks")


def write_down(tree: Tree, station: str) -> None:
    node = tree.nodes[station]
    with node.database.write() as transaction:
        for number in range(EVENTS):
            record.record(
                node.core, transaction, tree.now_ms, stream=None, kind="test.noted", actor="S1",
                added=[station], body={"note": f"演示{number}"},
            )  # fmt: skip


def events_frames(count: int, size: int = FRAME_BYTES) -> Iterator[Frame]:
    for number in range(count):
        yield Frame(frames.EVENTS, bytes([number]) * size)


def test_events_are_joined_and_everything_else_stands_alone() -> None:
    """In order, each slice within its bound by less than a frame, nothing left out."""
    facts, notes = Frame(frames.BUNDLE_FACTS, b"{}"), Frame(frames.STATEMENTS, b"x")
    size = file_take.SLICE_BYTES // 3 + 1
    content = [notes, notes, facts, *events_frames(7, size), notes, *events_frames(1, size)]
    found = list(file_take.slices(iter(content)))
    assert [len(some) for some in found] == [1, 1, 1, 3, 3, 1, 1, 1]
    assert [frame for some in found for frame in some] == content


def test_what_was_whole_before_damage_comes_first() -> None:
    """The reader fails in the middle of a slice: what came before is still given out."""

    def content() -> Iterator[Frame]:
        yield from events_frames(2)
        raise FrameDamaged("here")

    found: list[list[Frame]] = []
    with pytest.raises(FrameDamaged):
        found.extend(file_take.slices(content()))
    given = file_take.slices(content())
    assert next(given) == list(events_frames(2))
    with pytest.raises(PeerProtocolError):
        next(given)


def test_one_commit_serves_several_frames(sticks: Sticks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is taken, in fewer turns than there are frames, and handed on as it comes."""
    tree, taken, handed = sticks.tree, [], []
    write_down(tree, VILLAGE)
    path = sticks.up(VILLAGE)
    take_frame, files = file_take.take_frame, tree.central.files

    def counted(*words: Any) -> Any:
        taken.append(words[-1].type == frames.EVENTS)
        return take_frame(*words)

    monkeypatch.setattr(file_take, "take_frame", counted)
    after_commit = files._after_commit
    monkeypatch.setattr(
        files, "_after_commit", lambda e: (handed.append(len(e.stored)), after_commit(e))
    )
    assert sticks.take(CENTRAL, path).taken == EVENTS
    slices = [count for count in handed if count]
    assert sum(taken) >= 8
    assert 2 <= len(slices) <= sum(taken) // 2
    assert max(slices) < EVENTS, "memory does not grow with the bundle"
    assert sum(slices) == EVENTS


def test_a_full_disk_in_the_middle_loses_and_doubles_nothing(
    sticks: Sticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slices before it stay, its own is undone whole, and the same stick brings the rest."""
    tree = sticks.tree
    write_down(tree, VILLAGE)
    path = sticks.up(VILLAGE)
    take_frame, left = file_take.take_frame, 8

    def full(*words: Any) -> Any:
        nonlocal left
        left -= words[-1].type == frames.EVENTS
        if left < 0:
            raise DiskFull("test")
        return take_frame(*words)

    with monkeypatch.context() as patched:
        patched.setattr(file_take, "take_frame", full)
        with pytest.raises(DiskFull):
            sticks.take(CENTRAL, path)
    tree.reopen(CENTRAL)
    log = tree.nodes[VILLAGE].core.log
    with tree.central.database.read() as transaction:
        state = transaction.log(log)
        assert state is not None
        held = state.position
        assert len(transaction.log_events(log, 0, 10 * EVENTS)) == held
    again = sticks.take(CENTRAL, path)
    assert 0 < again.taken < EVENTS
    assert (again.taken + again.known, again.failed, again.gaps) == (EVENTS, 0, [])
    with tree.central.database.read() as transaction:
        state = transaction.log(log)
        assert state is not None
        assert (state.position, state.frozen) == (held + again.taken, "")
        assert state.position == tree.nodes[VILLAGE].situation().written
    assert sticks.take(VILLAGE, sticks.down(CENTRAL, VILLAGE)).covered == EVENTS


def test_no_signature_waits_for_the_turn_to_write(
    sticks: Sticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relay brings the logs of two villages; central was just started and knows nobody's key."""
    tree = sticks.tree
    enrolment.enrol(tree.home(VILLAGE_2), tree.sheet(VILLAGE_2), tree.now_ms)
    tree.open(VILLAGE_2)
    tree.settle()
    for village in (VILLAGE, VILLAGE_2):
        write_down(tree, village)
    tree.settle(VILLAGE, VILLAGE_2)
    path = sticks.up(TOWNSHIP)
    central = tree.reopen(CENTRAL)
    holds, turns, checked = signing._holds, [], []
    take_slice = central.files._take_slice

    def in_turn(*words: Any) -> None:
        turns.append(1)
        take_slice(*words)
        turns.pop()

    def watched(check: Any) -> bool:
        if check.message.startswith(b"yizhan/1/event\0"):
            checked.append(bool(turns))
        return holds(check)

    monkeypatch.setattr(central.files, "_take_slice", in_turn)
    monkeypatch.setattr(signing, "_holds", watched)
    done = sticks.take(CENTRAL, path)
    assert done.taken >= 2 * EVENTS
    assert len(checked) == done.taken
    assert not any(checked)


def test_an_event_of_a_stranger_is_left_to_the_turn(tree: Tree) -> None:
    """Without a certificate nothing can be checked ahead, and nothing is made of that."""
    node = tree.nodes[VILLAGE]
    with node.database.read() as transaction:
        stored = transaction.event(EventName(*node.core.log, 1))
    assert stored is not None
    event = stored.event
    stranger = event._replace(envelope=event.envelope.replace(b"CG0111", b"CG0199"))
    nameless = event._replace(envelope=b"{}")
    central = tree.reopen(CENTRAL)
    assert node.core.log not in central.core.keys
    frame = frames.encode_events(0, [stranger, nameless, event])
    parent.foresee(central.core, central.database, frame)
    assert node.core.log in central.core.keys
    assert not any(log.station == "CG0199" for log in central.core.keys)
