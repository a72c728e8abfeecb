"""A database of any release is brought up by this one, with nothing in it lost."""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path

import pytest

from casework.case_table import SqlCaseTable
from casework.projection import CaseFilter
from node.schema import SCHEMA
from sync.protocol.names import LogName
from sync.store.blobs import SqliteBlobStore
from sync.store.database import Database
from tests.fakes.sample_events import EPOCH, SAMPLE_KEY
from tests.releases import stored_schema as stored

RELEASES = stored.releases()


@pytest.mark.parametrize("release", RELEASES)
def test_what_a_release_left_is_never_edited(release: str) -> None:
    """A file out there has this shape, whatever this release would like."""
    assert stored.sums(release) == stored.found(release)
    assert {"node.sql", "blobs.sql"} == set(stored.sums(release))


def test_this_release_is_among_them() -> None:
    """`python -m tests.releases.stored_schema` writes the one that is missing."""
    assert f"r{SCHEMA.release}" == RELEASES[-1]


@pytest.mark.parametrize("file", sorted(stored.SCHEMAS))
@pytest.mark.parametrize("release", RELEASES)
def test_a_file_of_any_release_comes_to_the_present_shape(
    tmp_path: Path, release: str, file: str
) -> None:
    """Columns, indexes and triggers as in a new file: a schema never changes without a step."""
    old, new, schema = tmp_path / f"{file}.db", tmp_path / "new.db", stored.SCHEMAS[file]
    stored.build(old, release)
    with (
        Database(old, SAMPLE_KEY, schema=schema, must_exist=True) as brought_up,
        Database(new, SAMPLE_KEY, schema=schema) as fresh,
        brought_up.read() as there,
        fresh.read() as here,
    ):
        assert stored.shape(here.connection) == stored.shape(there.connection)
        (found,) = there.connection.execute("PRAGMA user_version").fetchone()
        assert schema.release == found


@pytest.mark.parametrize("release", RELEASES)
def test_what_stood_in_node_db_is_read_and_written_on(tmp_path: Path, release: str) -> None:
    """Events, logs, registers, statements, settings and cases."""
    path = tmp_path / "node.db"
    stored.build(path, release)
    event = stored.EVENT
    with Database(path, SAMPLE_KEY, schema=SCHEMA, must_exist=True) as database:
        with database.read() as t:
            held = t.event(event.name)
            assert held is not None
            assert (event.event, event.hlc) == (held.event, held.hlc)
            assert [held] == list(t.stream_events(event.stream))
            log = t.log(LogName("CG0111", EPOCH))
            assert log is not None
            assert (1, event.chain) == (log.position, log.chain)
            assert set(event.audience) == t.audience(event.stream)
            assert {str(stored.SHELF): EPOCH} == t.editions()
            assert [stored.ENTRY] == list(t.shelf_entries(stored.SHELF))
            assert b"raw bytes" == t.statement("time_mark", "演示")
            assert "演示" == t.meta("release_note")
            table = SqlCaseTable(t.connection)
            assert [stored.CASE] == list(table.list(CaseFilter(concerns="CG0111"), 9))
        with database.write() as t:
            SqlCaseTable(t.connection).put(stored.CASE, "{}")


@pytest.mark.parametrize("release", RELEASES)
def test_what_stood_in_blobs_db_is_read(tmp_path: Path, release: str) -> None:
    """Bytes, what names them, and what is owed."""
    path = tmp_path / "blobs.db"
    stored.build(path, release)
    name = hashlib.sha256(stored.BLOB).hexdigest()
    with closing(SqliteBlobStore(path, SAMPLE_KEY)) as blobs:
        assert stored.BLOB == blobs.read(name, 0, len(stored.BLOB))
        assert [stored.FILE] == list(blobs.book.to_give(9))
