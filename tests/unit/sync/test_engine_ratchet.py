"""The ratchet: lost answers and late doubles harm nobody, a second copy is marked."""

from __future__ import annotations

import pytest

from sync.engine import halt, ratchet
from sync.protocol import frames, lives, rounds
from sync.protocol.errors import LogStopped
from tests.unit.sync.harness import Node, World, frame_types, verdict_of


def suspect(world: World, station: str) -> str:
    with world.nodes["CG0101"].store.read() as transaction:
        link = transaction.child_link(station)
    assert link is not None
    return link.suspect


def twin(world: World, node: Node) -> Node:
    """Return a second machine with a copy of a node's disk and keys."""
    other = Node(world.clock, node.code, node.core.parent, epoch=node.core.epoch)
    other.put_back(node.disk())
    return other


def test_each_answer_carries_a_fresh_token(world: World) -> None:
    """A token confirmed by the next contact is spent."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    answers = []
    for _ in range(3):
        answers.append(township.serve(village.begin()))
        village.take(answers[-1])
    assert 3 == len({verdict_of(answer).token for answer in answers})


def test_the_pair_stays_in_step_however_often_an_answer_is_lost(world: World) -> None:
    """Each answer has a token of its own; the last that came through counts, and a later one."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    tokens = {verdict_of(township.serve(village.begin())).token for _ in range(3)}
    assert 3 == len(tokens)
    request = village.begin()
    first, second = township.serve(request), township.serve(request)  # it came twice
    assert verdict_of(first).token != verdict_of(second).token
    village.take(first)
    answer = township.serve(village.begin())
    assert rounds.OK == verdict_of(answer).verdict
    village.take(answer)
    assert rounds.OK == verdict_of(township.serve(village.begin())).verdict


def test_an_answer_repeated_after_an_image_was_taken_proves_that_it_was_put_back(
    world: World,
) -> None:
    """The same round again brought more: the token of its answer was not given before."""
    township, village = world.nodes["CG0101"], world.nodes["CG0111"]
    case = village.record(added=["CG0112"])
    world.settle()
    township.serve(village.begin())  # its answer is lost
    disk = township.disk()
    written = township.record(stream=str(case.name))
    village.sync(township)
    assert village.holds(written)
    township.put_back(disk)
    village.round(township)
    with pytest.raises(LogStopped):
        township.record(stream=str(case.name))


def test_the_round_after_an_unanswered_one_asks_for_the_receipt_and_sends_no_events(
    world: World,
) -> None:
    """What may have arrived is not sent again before the receipt says that it did not."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    stored = village.record()
    township.serve(village.begin())  # its answer is lost
    assert township.holds(stored)
    again = village.begin()
    assert frames.EVENTS not in frame_types(again)
    village.take(township.serve(again))
    assert stored.name.position == village.log().parent_position


def test_a_delayed_double_is_asked_to_prove_itself_and_is_handed_nothing(world: World) -> None:
    """Old bytes carry no event in, and get none of the station's events out."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    village.record()
    delayed = village.begin()
    village.take(township.serve(delayed))
    village.sync(township)
    world.nodes["CG0112"].record(added=["CG0111"])
    world.nodes["CG0112"].sync(township)
    before = township.disk()
    answer = township.serve(delayed)
    assert rounds.PROVE == verdict_of(answer).verdict
    assert [frames.ANSWER] == frame_types(answer)
    assert b"" == verdict_of(answer).token
    assert [] == verdict_of(answer).receipts
    assert before.events.keys() == township.disk().events.keys()
    assert before.outbox == township.disk().outbox


def test_a_delayed_double_does_not_get_in_the_way_of_the_station(world: World) -> None:
    """The station's own next round is accepted at once."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    delayed = village.begin()
    village.take(township.serve(delayed))
    village.sync(township)
    township.serve(delayed)
    assert rounds.OK == verdict_of(township.serve(village.begin())).verdict
    assert "" == suspect(world, "CG0111")


def test_a_second_copy_that_quotes_the_nonce_is_marked(world: World) -> None:
    """Alive, and without the token: two machines have been this station."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    copy = twin(world, village)
    village.sync(township)
    village.sync(township)
    first = township.serve(copy.begin())
    assert rounds.PROVE == verdict_of(first).verdict
    assert "" == suspect(world, "CG0111")
    copy.take(first)
    second = verdict_of(township.serve(copy.begin()))
    assert (rounds.FORK, ratchet.SECOND_COPY) == (second.verdict, second.reason)
    assert ratchet.SECOND_COPY == township.log(village.core.log).frozen
    assert ratchet.SECOND_COPY == suspect(world, "CG0111")
    assert 1 == township.count("second_copies")


def test_nothing_a_second_copy_sends_is_taken(world: World) -> None:
    """While the verdict is `prove`, its events stay outside."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    copy = twin(world, village)
    village.sync(township)
    village.sync(township)
    stored = copy.record()
    before = township.events()
    for _ in range(3):
        copy.round(township)
    assert before == township.events()
    assert not township.holds(stored)


def test_a_restored_station_of_a_new_incarnation_is_not_a_second_copy(world: World) -> None:
    """Ratchets belong to an incarnation: a restore starts a fresh one."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    village.sync(township)
    village.new_life(2)
    assert rounds.OK == verdict_of(township.serve(village.begin())).verdict


def test_a_node_of_an_earlier_incarnation_is_taken_for_a_second_copy(world: World) -> None:
    """The machine that was replaced comes back to life: asked for a live proof, it has none."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    old = twin(world, village)
    village.new_life(2)
    village.sync(township)
    first = township.serve(old.begin())
    assert (rounds.PROVE, "") == (verdict_of(first).verdict, verdict_of(first).reason)
    old.take(first)
    second = verdict_of(township.serve(old.begin()))
    assert (rounds.FORK, ratchet.SECOND_COPY) == (second.verdict, second.reason)
    assert rounds.FORK == verdict_of(township.serve(village.begin())).verdict


def test_a_rolled_back_station_is_told_to_rewind(world: World) -> None:
    """A parent that holds more of a log than its author says so at once."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    disk = village.disk()
    village.record()
    village.sync(township)
    village.put_back(disk)
    village.new_life(2)
    answer = verdict_of(township.serve(village.begin()))
    assert rounds.REWIND == answer.verdict


def test_a_log_with_another_content_at_its_head_is_a_fork(world: World) -> None:
    """Same length, other chain: the log is frozen, with a word for it."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    disk = village.disk()
    village.record(body={"at_ms": 1})
    village.sync(township)
    village.put_back(disk)
    village.new_life(2)
    village.record(body={"at_ms": 2})
    assert rounds.FORK == verdict_of(township.serve(village.begin())).verdict
    assert "fork" == township.log(village.core.log).frozen


def test_who_holds_less_than_it_announced_was_put_back(world: World) -> None:
    """Found by seed 11: the line broke behind the hello, then the disk was old: lost by number."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    village.sync(township)
    before = village.disk()
    village.record()
    *ahead, events = frames.decode_stream(village.begin())
    assert events.type == frames.EVENTS
    township.serve(frames.encode_stream(ahead))
    village.put_back(before)
    village.round(township)
    with village.store.read() as transaction:
        stopped = halt.halted(transaction)
    assert stopped is not None
    assert lives.REWIND == stopped.reason
    assert village.log().position + 1 == stopped.heads[0].heard
