"""What every store promises about bodies that are dropped and put back, and about their traces."""

from __future__ import annotations

import pytest

from sync.protocol.errors import StorageError
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import REVOKED, Store
from tests.fakes.sample_events import EPOCH, sample_event

LOG = LogName("CG0111", EPOCH)
UNKNOWN = EventName(*LOG, 99)


def test_a_body_is_dropped_with_its_salt_and_put_back(store: Store) -> None:
    """The size is told; the envelope stays as it was; an unknown name is an error of ours."""
    with store.write() as t:
        before = t.put_event(sample_event(1)).event
        assert before.body is not None
        assert len(before.salt) + len(before.body) == t.drop_body(EventName(*LOG, 1))
        held = t.event(EventName(*LOG, 1))
        assert held is not None
        assert before._replace(salt=b"", body=None) == held.event
        assert 0 == t.drop_body(EventName(*LOG, 1))
        t.restore_body(EventName(*LOG, 1), before.salt, before.body)
        held = t.event(EventName(*LOG, 1))
        assert held is not None
        assert before == held.event
        with pytest.raises(LookupError):
            t.drop_body(UNKNOWN)
        with pytest.raises(LookupError):
            t.restore_body(UNKNOWN, b"", b"{}")


def test_a_body_is_not_changed_into_another(store: Store) -> None:
    """What is there can only be dropped."""
    with store.write() as t:
        t.put_event(sample_event(1))
    with pytest.raises(StorageError), store.write() as t:
        t.restore_body(EventName(*LOG, 1), bytes(16), b'{"other":1}')


def test_epochs_of_a_station_are_those_with_events(store: Store) -> None:
    """In order, of this station alone."""
    with store.write() as t:
        t.put_event(sample_event(1, epoch=EPOCH + 5))
        t.put_event(sample_event(1))
        t.put_event(sample_event(2))
        t.put_event(sample_event(1, station="CG0112"))
        assert [EPOCH, EPOCH + 5] == list(t.epochs("CG0111"))
        assert [] == list(t.epochs("CG0199"))


def test_an_event_may_stand_as_revoked(store: Store) -> None:
    """It is found among those that do not count."""
    with store.write() as t:
        t.put_event(sample_event(1))
        t.set_standing(EventName(*LOG, 1), REVOKED, "above_cut")
        assert [1] == [e.name.position for e in t.events_standing(REVOKED, 9)]


def test_scrubbing_changes_nothing_that_counts(kept_store: Store) -> None:
    """Events keep their arrival; writing and reading go on."""
    with kept_store.write() as t:
        for position in range(1, 40):
            t.put_event(sample_event(position))
        for position in range(1, 40, 2):
            t.drop_body(EventName(*LOG, position))
        before = t.events_after(0, 99)
    kept_store.scrub()
    with kept_store.write() as t:
        assert before == t.events_after(0, 99)
        assert 40 == t.put_event(sample_event(40)).arrival
