"""Which versions talk to each other, and what is said when they cannot."""

from __future__ import annotations

import pytest

from sync.engine import child
from sync.protocol import compression, frames, rounds, versions
from sync.protocol.errors import PeerTooOld, UnsupportedVersion
from tests.unit.sync.harness import World, frame_types, verdict_of

TOWNSHIP, VILLAGE = "CG0101", "CG0111"


@pytest.fixture
def third(monkeypatch: pytest.MonkeyPatch) -> None:
    """This code as the release of version 3 would have it."""
    monkeypatch.setattr(versions, "PROTOCOL_VERSION", 3)
    monkeypatch.setattr(versions, "LAYOUT_OLDEST", 1)
    monkeypatch.setattr(versions, "LAYOUT_NEWEST", 4)


@pytest.mark.usefixtures("third")
@pytest.mark.parametrize(("heard", "spoken"), [(0, 1), (1, 1), (2, 2), (3, 3), (4, 3), (5, 3)])
def test_a_sender_speaks_the_layout_its_neighbour_reads(heard: int, spoken: int) -> None:
    """The lowest as long as it has not heard, then the newest both have."""
    assert spoken == versions.layout_for(heard)
    packing = compression.packing_for(1, 9, heard)
    assert b"YZR" + bytes([spoken]) == frames.encode_stream([], packing)


def test_the_two_ends_that_cannot_talk_each_say_which_is_older() -> None:
    """Two apart is the most; the words name whom to upgrade."""
    versions.check_neighbour(3, "round")
    with pytest.raises(UnsupportedVersion) as newer:
        versions.check_neighbour(4, "round")
    assert ("unsupported_version", "升级本站" in newer.value.sentence) == (newer.value.code, True)
    with pytest.raises(PeerTooOld) as older:
        versions.check_neighbour(0, "round")
    assert ("peer_too_old", "升级对方" in older.value.sentence) == (older.value.code, True)


def test_after_an_unanswered_round_nothing_is_taken_for_granted(world: World) -> None:
    """A parent put back to a release without dictionaries is spoken to without one, once."""
    village, township = world.nodes[VILLAGE], world.nodes[TOWNSHIP]
    village.sync(township)
    village.begin()
    plain = village.begin()
    encodings = [plain[at] for at in _frame_starts(plain)]
    assert max(encodings) <= frames.ZSTD
    answer = verdict_of(township.serve(plain))
    assert rounds.OK == answer.verdict


def _frame_starts(stream: bytes) -> list[int]:
    """Return where the encodings of a stream's frames stand."""
    found, at = [], frames.MAGIC_BYTES
    while at < len(stream):
        found.append(at + 1)
        at += 10 + int.from_bytes(stream[at + 2 : at + 6], "big")
    assert len(found) == len(frame_types(stream))
    return found


def test_one_refusal_is_no_reason_to_alarm_a_clerk(world: World) -> None:
    """The first may be a dictionary; from the second on the page says it."""
    village = world.nodes[VILLAGE]
    for expected in ("ok", rounds.APART):
        village.begin()
        village.do(child.versions_apart)
        with village.store.read() as transaction:
            link = transaction.parent_link()
        assert link is not None
        assert expected == link.verdict
    village.sync(world.nodes[TOWNSHIP])
    with village.store.read() as transaction:
        link = transaction.parent_link()
    assert link is not None
    assert rounds.OK == link.verdict
