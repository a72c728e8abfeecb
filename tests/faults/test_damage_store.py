"""Damage on the disk: found or harmless, never wrong bytes (research: reliability T11, R7)."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from sync.protocol.errors import DatabaseCorrupt
from sync.protocol.ports import StoredEvent
from sync.store.database import Database
from tests.fakes.sample_events import SAMPLE_KEY, sample_event
from tests.faults.scale import size

EVENTS = 60
SEEDS = range(size(40, 2500))


def events_in(path: Path) -> list[StoredEvent]:
    with Database(path, SAMPLE_KEY, must_exist=True) as database, database.read() as t:
        return list(t.events_after(0, 10**6))


def store_events(database: Database, positions: Iterable[int]) -> None:
    for position in positions:
        with database.write() as t:
            t.put_event(sample_event(position, body=b"b" * 900))


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, list[StoredEvent]]:
    """Bytes of a file with half its events and of a WAL with the other half, and the events."""
    path = tmp_path_factory.mktemp("healthy") / "node.db"
    with Database(path, SAMPLE_KEY) as database:
        store_events(database, range(1, EVENTS // 2))
    with Database(path, SAMPLE_KEY) as database:
        store_events(database, range(EVENTS // 2, EVENTS + 1))
        wal = path.with_name("node.db-wal").read_bytes()
        held = path.read_bytes()
        with database.read() as t:
            return held, wal, list(t.events_after(0, 10**6))


def lay_out(folder: Path, held: bytes, wal: bytes) -> Path:
    path = folder / "node.db"
    path.write_bytes(held)
    path.with_name("node.db-wal").write_bytes(wal)
    return path


def test_the_undamaged_files_give_everything(
    tmp_path: Path, healthy: tuple[bytes, bytes, list[StoredEvent]]
) -> None:
    """The fixture is what it should be: half of the events are in the WAL alone."""
    held, wal, events = healthy
    assert len(events) == EVENTS
    assert events == events_in(lay_out(tmp_path, held, wal))
    assert len(events) > len(events_in(lay_out(tmp_path, held, b"")))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_flipped_bit_in_the_file_is_found_or_harmless(
    tmp_path: Path, healthy: tuple[bytes, bytes, list[StoredEvent]], seed: int
) -> None:
    """Either the program does not start, or every event is there exactly."""
    held, wal, events = healthy
    chance = random.Random(seed)
    damaged = bytearray(held)
    damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    path = lay_out(tmp_path, bytes(damaged), wal)
    try:
        found = events_in(path)
    except DatabaseCorrupt:
        assert bytes(damaged) == path.read_bytes()
    else:
        assert events == found


@pytest.mark.parametrize("seed", SEEDS)
def test_a_damaged_wal_never_gives_wrong_events(
    tmp_path: Path, healthy: tuple[bytes, bytes, list[StoredEvent]], seed: int
) -> None:
    """A flipped bit or a cut in the WAL may end it early, which neighbours notice; no more.

    SQLite takes the WAL up to the first bad frame without a word. What is missing then is found
    by the receipts of the neighbours (DESIGN 7), not here.
    """
    held, wal, events = healthy
    chance = random.Random(seed)
    damaged = bytearray(wal)
    at = chance.randrange(len(damaged))
    if chance.random() < 0.5:
        damaged[at] ^= 1 << chance.randrange(8)
    else:
        del damaged[at:]
    path = lay_out(tmp_path, held, bytes(damaged))
    try:
        found = events_in(path)
    except DatabaseCorrupt:
        return
    assert events[: len(found)] == found
    assert len(found) >= EVENTS // 2 - 1
