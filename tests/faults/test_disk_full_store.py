"""A full disk: a plain refusal, nothing acknowledged lost, work again once it is freed."""

from __future__ import annotations

import itertools
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from sync.protocol.errors import DiskFull
from sync.store.blobs import SqliteBlobStore
from sync.store.database import Database
from tests.fakes.sample_events import SAMPLE_KEY, sample_event

BODY = b"b" * 20_000


def fill_up(path: Path) -> None:
    """Take every byte that is left on the disk."""
    with path.open("wb", buffering=0) as filler:
        for size in (65536, 4096, 512, 1):
            with suppress(OSError):
                while True:
                    filler.write(b"\0" * size)
    assert shutil.disk_usage(path.parent).free < 4096


def store_event(database: Database, position: int, *, copies: int = 1) -> None:
    database.run(lambda t: t.put_event(sample_event(position, stream="A", body=BODY * copies)))


def store_until_full(database: Database) -> int:
    """Store events until the disk refuses and return how many were acknowledged."""
    for position in itertools.count(database.run(lambda t: t.event_count()) + 1):
        try:
            store_event(database, position)
        except DiskFull:
            return position - 1
    raise AssertionError


def test_a_full_disk_refuses_and_keeps_what_was_stored(small_disk: Path) -> None:
    """Every acknowledged event survives, at once, after a restart, and after more attempts."""
    path = small_disk / "node.db"
    with Database(path, SAMPLE_KEY) as database:
        stored = store_until_full(database)
        assert stored > 20
        for _ in range(3):
            with pytest.raises(DiskFull):
                store_event(database, stored + 1, copies=100)
        with database.read() as t:
            assert stored == t.event_count()
            assert t.events_after(stored - 1, 1)[0].event.body == BODY
    with Database(path, SAMPLE_KEY, must_exist=True) as database, database.read() as t:
        assert [*range(1, stored + 1)] == [e.name.position for e in t.events_after(0, 10**6)]


def test_work_goes_on_when_space_returns(small_disk: Path) -> None:
    """Nobody has to restart the program after the disk was freed."""
    filler = small_disk / "filler"
    with Database(small_disk / "node.db", SAMPLE_KEY) as database:
        database.run(lambda t: t.set_meta("before", "value"))
        fill_up(filler)
        with pytest.raises(DiskFull):
            store_event(database, 1, copies=10)
        filler.unlink()
        store_event(database, 1, copies=10)
        with database.read() as t:
            assert t.meta("before") == "value"
            assert t.event_count() == 1


def test_a_new_database_on_a_full_disk_is_refused(small_disk: Path) -> None:
    """A start that cannot create its file says that the disk is full and works later."""
    filler = small_disk / "filler"
    fill_up(filler)
    with pytest.raises(DiskFull):
        Database(small_disk / "node.db", SAMPLE_KEY)
    filler.unlink()
    with Database(small_disk / "node.db", SAMPLE_KEY) as database:
        store_event(database, 1)


def test_a_scan_that_does_not_fit_harms_nothing(small_disk: Path) -> None:
    """A blob too large for the disk is refused; smaller ones go on."""
    blobs = SqliteBlobStore(small_disk / "blobs.db", SAMPLE_KEY)
    name = blobs.put(b"small")
    with pytest.raises(DiskFull):
        blobs.put(b"x" * 6_000_000)
    assert blobs.read(name, 0, 10) == b"small"
    other = blobs.put(b"other")
    assert blobs.read(other, 0, 10) == b"other"
    blobs.close()
