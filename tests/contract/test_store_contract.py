"""What every store promises about transactions, logs and events, whatever it is made of."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from sync.protocol.envelope import Event
from sync.protocol.errors import StorageError
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import (
    GOOD,
    INCOMPLETE,
    RECOVERED,
    SET_ASIDE,
    ChildLink,
    LogState,
    ParentLink,
    Refused,
    Store,
    Transaction,
)
from sync.protocol.registers import Entry, Shelf
from tests.fakes.sample_events import EPOCH, sample_event

LOG = LogName("CG0111", EPOCH)
OTHER = LogName("CG0112", EPOCH)


class InterruptedByTestError(Exception):
    """What a test raises inside a block."""


def interrupt(store: Store, act: Callable[[Transaction], object]) -> None:
    """Do something in a write that then raises."""

    def act_and_raise(t: Transaction) -> None:
        act(t)
        raise InterruptedByTestError

    with pytest.raises(InterruptedByTestError), store.write() as t:
        act_and_raise(t)


def log_state(name: LogName = LOG, *, position: int = 0, parent_position: int = 0) -> LogState:
    return LogState(name=name, position=position, chain=b"c" * 16, parent_position=parent_position)


def fill_everything(t: Transaction) -> None:
    """Write once through every method that writes."""
    t.set_meta("name", "new")
    t.put_certificate(LOG, b"new")
    t.put_log(log_state(position=9))
    t.refuse(Refused(LOG, 3, "bad_signature", b"h"))
    t.doubt(EventName(*LOG, 4))
    t.put_event(sample_event(2, stream="A"))
    t.put_event(sample_event(1, stream="B", standing=RECOVERED))
    t.add_audience("A", ["CG0112"])
    t.put_child_link(ChildLink("CG0111", EPOCH, "i"))
    t.put_parent_link(ParentLink("CG0101"))
    t.add_route("A", "CG0111")
    t.enqueue("CG0111", "event", "new")
    t.put_statement("receipt", "r", b"new")
    t.replace_shelf(Shelf("matters", "530114000000", "village"), 7, [Entry("k", b"new")])


def overwrite_everything(t: Transaction) -> None:
    """Change, move or delete what `fill_everything` wrote."""
    t.set_meta("name", "other")
    t.put_log(log_state(position=12))
    t.doubt(EventName(*LOG, 4))
    t.put_event(sample_event(5, stream="A"))
    t.set_standing(EventName(*LOG, 2), SET_ASIDE, "x")
    t.drop_route("A", "CG0111")
    t.enqueue("CG0111", "event", "new")
    t.acknowledge("CG0111", 9)
    t.put_statement("receipt", "r", b"other")


def everything(t: Transaction) -> list[object]:
    """Read once through every method that reads."""
    return [
        t.meta("name"),
        t.certificate(LOG),
        t.log(LOG),
        t.logs(),
        t.logs_unsent(),
        t.refusals(LOG),
        t.doubts(EventName(*LOG, 4)),
        t.event(EventName(*LOG, 2)),
        t.recovered(EventName(*LOG, 1)),
        t.log_events(LOG, 0, 9),
        t.stream_events("A"),
        t.events_after(0, 9),
        t.events_standing(GOOD, 9),
        t.event_count(),
        t.audience("A"),
        t.streams_of(["CG0112"]),
        t.child_link("CG0111"),
        t.child_links(),
        t.parent_link(),
        t.routes("A"),
        t.streams_routed("CG0111"),
        t.outbox("CG0111", 0, 9),
        t.outbox_count("CG0111"),
        t.last_sequence("CG0111"),
        t.statement("receipt", "r"),
        t.statements("receipt"),
        t.editions(),
        t.entries("matters"),
        t.entry("matters", "k"),
    ]


# Transactions


def test_a_committed_block_is_seen_by_the_next_reader(store: Store) -> None:
    """What a block wrote through every method is there afterwards."""
    with store.read() as t:
        before = everything(t)
    with store.write() as t:
        fill_everything(t)
        inside = everything(t)
    with store.read() as t:
        after = everything(t)
    assert inside == after
    assert not [i for i, value in enumerate(after) if value == before[i]]


def test_a_block_that_raises_leaves_nothing_behind(store: Store) -> None:
    """On an empty store a rolled-back block changes no answer of any reading method."""
    with store.read() as t:
        before = everything(t)
    interrupt(store, fill_everything)
    with store.read() as t:
        assert before == everything(t)


def test_a_block_that_raises_restores_what_was_there(store: Store) -> None:
    """On a filled store a rolled-back block restores overwritten, moved and deleted rows."""
    with store.write() as t:
        fill_everything(t)
        t.enqueue("CG0111", "event", "second")
        before = everything(t)
    interrupt(store, overwrite_everything)
    with store.read() as t:
        assert before == everything(t)


def test_the_store_goes_on_after_a_rolled_back_block(store: Store) -> None:
    """A rolled-back event leaves its name and its arrival number free."""
    interrupt(store, lambda t: t.put_event(sample_event(1)))
    with store.write() as t:
        assert t.put_event(sample_event(1)).arrival == 1


def test_a_reader_cannot_write(store: Store) -> None:
    """A read block refuses to write and changes nothing."""
    with pytest.raises(StorageError), store.read() as t:
        t.set_meta("name", "value")
    with store.read() as t:
        assert t.meta("name") is None


def test_a_write_inside_a_write_is_refused_at_once(store: Store) -> None:
    """A nested write of the same thread is a bug of ours and must not wait for itself."""

    def nest(t: Transaction) -> None:
        t.set_meta("name", "value")
        with store.write():
            pass

    with pytest.raises(RuntimeError), store.write() as t:
        nest(t)
    with store.write() as t:
        assert t.meta("name") is None


# Settings


def test_settings_are_kept_and_replaced(store: Store) -> None:
    """A setting is None before it is set, then its newest value."""
    with store.write() as t:
        assert t.meta("机构") is None
        t.set_meta("机构", "一")
        t.set_meta("机构", "二")
        assert t.meta("机构") == "二"


# Logs


def test_certificates_are_kept_per_log(store: Store) -> None:
    """A certificate belongs to one station and one epoch."""
    with store.write() as t:
        t.put_certificate(LOG, b"one")
        t.put_certificate(LogName("CG0111", EPOCH + 1), b"two")
        assert t.certificate(LOG) == b"one"
        assert t.certificate(OTHER) is None


def test_log_states_come_back_whole_and_in_order(store: Store) -> None:
    """Every field of a log survives, a second put replaces, and logs come in name order."""
    whole = LogState(LOG, 9, b"\0" * 16, "CG0111", 7, 5, 3, "fork")
    with store.write() as t:
        t.put_log(log_state(OTHER))
        t.put_log(log_state(LOG))
        t.put_log(whole)
        assert whole == t.log(LOG)
        assert [state.name for state in t.logs()] == [LOG, OTHER]
        assert t.log(LogName("CG0111", 1)) is None


def test_unsent_logs_come_with_the_oldest_unsent_arrival_first(store: Store) -> None:
    """Order is by the arrival of what is unsent; logs without any held event come last."""
    third = LogName("CG0211", EPOCH)
    with store.write() as t:
        t.put_event(sample_event(1, station="CG0111"))
        t.put_event(sample_event(1, station="CG0112"))
        t.put_event(sample_event(2, station="CG0111"))
        t.put_log(log_state(LOG, position=2, parent_position=1))
        t.put_log(log_state(OTHER, position=1))
        t.put_log(log_state(third, position=1))
        t.put_log(log_state(LogName("AAAA", EPOCH), position=4, parent_position=4))
        assert [OTHER, LOG, third] == [state.name for state in t.logs_unsent()]


def test_unsent_order_passes_over_holes(store: Store) -> None:
    """Where the first unsent position is a hole, the next held event gives the log its place."""
    with store.write() as t:
        t.put_event(sample_event(1, station="CG0112"))
        t.put_event(sample_event(3, station="CG0111"))
        t.put_log(log_state(LOG, position=3, parent_position=1))
        t.put_log(log_state(OTHER, position=1))
        assert [state.name for state in t.logs_unsent()] == [OTHER, LOG]


def test_refusals_are_listed_by_position_and_replaced(store: Store) -> None:
    """Holes come in position order; the same position keeps its newest reason."""
    with store.write() as t:
        t.refuse(Refused(LOG, 12, "malformed", b"h12"))
        t.refuse(Refused(LOG, 3, "lost", b""))
        t.refuse(Refused(LOG, 3, "bad_signature", b"h3"))
        t.refuse(Refused(OTHER, 1, "malformed", b"x"))
        expected = [Refused(LOG, 3, "bad_signature", b"h3"), Refused(LOG, 12, "malformed", b"h12")]
        assert expected == list(t.refusals(LOG))
        assert list(t.refusals(LogName("CG0211", EPOCH))) == []


def test_doubts_are_counted_per_position(store: Store) -> None:
    """A doubt is counted for its own position only."""
    name = EventName(*LOG, 5)
    with store.write() as t:
        t.doubt(name)
        t.doubt(name)
        assert t.doubts(name) == 2
        assert t.doubts(EventName(*LOG, 6)) == 0


# Events


def test_an_event_comes_back_as_it_went_in(store: Store) -> None:
    """Every field and every byte survives; arrival is given by the store."""
    stored = sample_event(7, standing=INCOMPLETE)
    with store.write() as t:
        given = t.put_event(stored)
        assert given.arrival == 1
        assert given == t.event(stored.name)
        assert stored.event == given.event
        assert t.event(EventName(*LOG, 8)) is None


def test_an_event_without_body_or_audience_is_kept(store: Store) -> None:
    """A pruned body stays None and an empty audience stays empty."""
    with store.write() as t:
        t.put_event(sample_event(1, body=None, audience=()))
    with store.read() as t:
        held = t.event(EventName(*LOG, 1))
    assert held is not None
    assert held.event.body is None
    assert held.audience == ()


def test_bytes_are_not_interpreted(store: Store) -> None:
    """Envelope, signature, salt and body come back byte for byte, whatever they are."""
    odd = Event(b"\0\xff", b"", bytes(range(256)), b"\xed\xa0\x80")
    with store.write() as t:
        t.put_event(msgspec.structs.replace(sample_event(1), event=odd))
        held = t.event(EventName(*LOG, 1))
    assert held is not None
    assert odd == held.event


def test_a_name_can_be_stored_once(store: Store) -> None:
    """A second event of the same name is refused, and the first stays."""
    with store.write() as t:
        first = t.put_event(sample_event(1))
        with pytest.raises(ValueError, match="CG0111"):
            t.put_event(sample_event(1, body=b"other"))
        assert first == t.event(first.name)
        assert t.event_count() == 1


def test_a_recovered_event_leaves_its_name_to_another(store: Store) -> None:
    """Made recovered, it stays in its stream and is listed; the name is free, even repeatedly."""
    rival = sample_event(2, stream="B")
    with store.write() as t:
        first = t.put_event(sample_event(2, stream="A"))
        t.set_standing(first.name, RECOVERED, "recovered")
        second = t.put_event(rival)
        t.put_event(sample_event(2, stream="C", standing=RECOVERED))
    with store.read() as t:
        assert second == t.event(first.name)
        assert [first.event] == [one.event for one in t.stream_events("A")]
        assert [1, 3] == [one.arrival for one in t.recovered(first.name)]
        assert [1, 3] == [one.arrival for one in t.events_standing(RECOVERED, 9)]
        assert [second] == list(t.log_events(first.name.log, 0, 9))
        assert [1, 2, 3] == [one.arrival for one in t.events_after(0, 9)]
        assert 3 == t.event_count()


def test_logs_of_one_child_are_found_and_its_frozen_ones(store: Store) -> None:
    """A round asks for those alone, however many logs are held."""
    names = [LogName(f"CG011{n}", EPOCH) for n in range(4)]
    sources = ("CG0110", "CG0101", "CG0101", "CG0102")
    with store.write() as t:
        for name, source in zip(names, sources, strict=True):
            t.put_log(msgspec.structs.replace(log_state(name), source=source))
        t.put_log(msgspec.structs.replace(log_state(names[2]), source="CG0101", frozen="fork"))
        t.put_log(msgspec.structs.replace(log_state(names[3]), source="CG0102", frozen="fork"))
        assert [log.name for log in t.logs(source="CG0101")] == names[1:3]
        assert [log.name for log in t.logs(source="CG0101", frozen=True)] == names[2:3]
    with store.read() as t:
        assert [log.name for log in t.logs()] == names
        assert [log.name for log in t.logs(source="CG0102", frozen=True)] == names[3:]
        assert not t.logs(source="CG0110", frozen=True)
        assert not t.logs(source="CG0199")


def test_being_told_ahead_changes_no_answer(store: Store) -> None:
    """What a frame is about to ask for may be read at once; what was just written is in it."""
    with store.write() as t:
        held = t.put_event(sample_event(1, stream="A"))
        t.add_audience("A", ["CG0111"])
        t.add_route("A", "CG0111")
    with store.write() as t:
        fresh = t.put_event(sample_event(2, stream="A"))
        t.add_audience("B", ["CG0112"])
        t.add_route("B", "CG0112")
        t.foresee([held.name, EventName(*LOG, 3)], ["A", "B", "C"])
        assert list(t.stream_events("A")) == [held, fresh]
        assert list(t.stream_events("C")) == []
        assert [t.event(EventName(*LOG, n)) for n in (1, 2, 3)] == [held, fresh, None]
        assert [t.audience(s) for s in "ABC"] == [{"CG0111"}, {"CG0112"}, frozenset()]
        assert [t.routes(s) for s in "ABC"] == [{"CG0111"}, {"CG0112"}, frozenset()]
        t.foresee([], [])


def test_a_standing_is_changed_with_its_reason(store: Store) -> None:
    """Only standing and reason change; an unknown name is an error of ours."""
    with store.write() as t:
        before = t.put_event(sample_event(1, standing=INCOMPLETE))
        t.set_standing(before.name, GOOD, "")
        after = t.event(before.name)
        assert after is not None
        assert (after.standing, after.reason) == (GOOD, "")
        assert before.event == after.event
        with pytest.raises(LookupError):
            t.set_standing(EventName(*LOG, 99), GOOD, "")


def test_log_events_come_in_position_order_whatever_the_arrival(store: Store) -> None:
    """A log is read by position, from `after` exclusive, at most `limit`."""
    with store.write() as t:
        for position in (10, 2, 9, 1):
            t.put_event(sample_event(position))
        t.put_event(sample_event(3, station="CG0112"))
        assert [e.name.position for e in t.log_events(LOG, 0, 9)] == [1, 2, 9, 10]
        assert [e.name.position for e in t.log_events(LOG, 2, 1)] == [9]
        assert list(t.log_events(LogName("CG0111", EPOCH + 1), 0, 9)) == []


def test_stream_events_come_in_arrival_order_with_any_standing(store: Store) -> None:
    """A stream gives all its events, those set aside included."""
    with store.write() as t:
        t.put_event(sample_event(2, stream="A", standing=SET_ASIDE))
        t.put_event(sample_event(1, stream="B"))
        t.put_event(sample_event(1, station="CG0112", stream="A"))
        assert [e.arrival for e in t.stream_events("A")] == [1, 3]
        assert list(t.stream_events("C")) == []


def test_events_after_an_arrival_come_in_order(store: Store) -> None:
    """A projection's cursor moves over every event once."""
    with store.write() as t:
        for position in (3, 1, 2):
            t.put_event(sample_event(position))
        assert [e.name.position for e in t.events_after(0, 9)] == [3, 1, 2]
        assert [e.arrival for e in t.events_after(1, 9)] == [2, 3]
        assert [e.arrival for e in t.events_after(0, 1)] == [1]
        assert list(t.events_after(3, 9)) == []
        assert t.event_count() == 3


def test_events_of_a_standing_come_in_arrival_order(store: Store) -> None:
    """Waiting and set-aside events are found without the others."""
    with store.write() as t:
        standings = [SET_ASIDE, GOOD, INCOMPLETE, SET_ASIDE, GOOD]
        for position, standing in enumerate(standings, 1):
            t.put_event(sample_event(position, standing=standing))
        assert [e.arrival for e in t.events_standing(SET_ASIDE, 9)] == [1, 4]
        assert [e.arrival for e in t.events_standing(SET_ASIDE, 1)] == [1]
        assert [e.arrival for e in t.events_standing(INCOMPLETE, 9)] == [3]
        assert [e.arrival for e in t.events_standing(GOOD, 9)] == [2, 5]


def test_an_audience_only_grows(store: Store) -> None:
    """Adding a station twice changes nothing; an unknown stream has nobody."""
    with store.write() as t:
        t.add_audience("A", ["CG0111", "CG0101"])
        t.add_audience("A", ["CG0101"])
        t.add_audience("A", [])
        assert frozenset({"CG0111", "CG0101"}) == t.audience("A")
        assert frozenset() == t.audience("B")


def test_streams_of_stations_come_once_and_in_name_order(store: Store) -> None:
    """A stream that several of the stations are in is listed once."""
    with store.write() as t:
        t.add_audience("B", ["CG0111", "CG0112"])
        t.add_audience("A", ["CG0112"])
        t.add_audience("C", ["CG0211"])
        assert list(t.streams_of(["CG0112", "CG0111"])) == ["A", "B"]
        assert list(t.streams_of([])) == []
        assert list(t.streams_of(f"CG{n:04}" for n in range(16000))) == ["A", "B", "C"]
