"""Old packs leave `blobs.db` after their time; nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.protocol.book import NamedFile
from sync.store.blob_sweep import BlobFigures, Swept
from sync.store.blobs import SqliteBlobStore
from tests.fakes.sample_events import SAMPLE_KEY

WEEK = 7 * 24 * 3600 * 1000
OLD, NEW, DELTA, SCAN = b"YZP\x02old", b"YZP\x02new", b"YZD\x01delta", b"a scan's chunk"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteBlobStore]:
    """An empty store."""
    opened = SqliteBlobStore(tmp_path / "blobs.db", SAMPLE_KEY)
    yield opened
    opened.close()


def test_a_pack_that_is_named_no_more_goes_after_its_time(store: SqliteBlobStore) -> None:
    """Seen loose, kept for the grace, then dropped with its bytes; what is named stays."""
    old, new, delta = store.put(OLD), store.put(NEW), store.put(DELTA)
    assert Swept(0, 0) == store.sweep_packs({new}, 1000, WEEK)
    assert Swept(0, 0) == store.sweep_packs({new}, 1000 + WEEK - 1, WEEK)
    assert Swept(2, len(OLD) + len(DELTA)) == store.sweep_packs({new}, 1000 + WEEK, WEEK)
    assert (None, None) == (store.size(old), store.size(delta))
    assert len(NEW) == store.size(new)


def test_a_pack_that_is_named_again_begins_anew(store: SqliteBlobStore) -> None:
    """An edition that comes back before the time is over keeps its packs, and its full grace."""
    old = store.put(OLD)
    store.sweep_packs(set(), 0, WEEK)
    store.sweep_packs({old}, WEEK - 1, WEEK)
    assert Swept(0, 0) == store.sweep_packs(set(), 2 * WEEK, WEEK)
    assert Swept(1, len(OLD)) == store.sweep_packs(set(), 3 * WEEK, WEEK)


def test_files_of_cases_and_what_is_under_way_stay(store: SqliteBlobStore) -> None:
    """Chunks never go, named or not; a file that is itself a pack stays while an event names it."""
    chunk, file = store.put(SCAN), store.put(NEW)
    store.book.name([NamedFile(file, len(NEW), len(NEW), "CG0111/1/2", "CG0111/1/1", "x")], None)
    store.put_piece("0" * 64, 100, 0, b"YZP half")
    store.sweep_packs(set(), 0, WEEK)
    assert Swept(0, 0) == store.sweep_packs(set(), 10 * WEEK, WEEK)
    assert (len(SCAN), len(NEW)) == (store.size(chunk), store.size(file))
    assert ["0" * 64] == store.partial()


def test_a_clock_set_back_drops_nothing_early(store: SqliteBlobStore) -> None:
    """The time counts anew from the earlier clock."""
    store.put(OLD)
    store.sweep_packs(set(), 10 * WEEK, WEEK)
    assert Swept(0, 0) == store.sweep_packs(set(), WEEK, WEEK)
    assert Swept(1, len(OLD)) == store.sweep_packs(set(), 2 * WEEK, WEEK)


def test_the_figures_tell_what_is_whole_and_what_waits(store: SqliteBlobStore) -> None:
    """A file waits while its manifest or one of its chunks is missing."""
    assert BlobFigures(0, 0, 0, 0, 0) == store.figures()
    manifest = store.put(b"manifest")
    store.book.name([NamedFile(manifest, 8, 500, "CG0111/1/2", "CG0111/1/1", "x")], None)
    store.book.name([NamedFile("1" * 64, 8, 70, "CG0111/1/3", "CG0111/1/1", "x")], None)
    assert BlobFigures(1, 8, 0, 1, 70) == store.figures()
    store.book.list_chunks(manifest, [("2" * 64, 500)])
    assert BlobFigures(1, 8, 0, 2, 570) == store.figures()
