"""Bringing a file to a schema: whole or not at all, one release of tolerance, never back."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.protocol.errors import SchemaTooNew, StorageError
from sync.store import schema_text
from sync.store.database import Database
from sync.store.migrations import MigrationDatabase, Migrations, Schema
from sync.store.schema_node import NODE_SCHEMA
from sync.store.sql_transaction import SqlTransaction
from tests.fakes.sample_events import SAMPLE_KEY as KEY
from tests.fakes.sample_events import sample_event


def set_release(path: Path, release: int) -> bytes:
    """Make the file look like one of another release and return its bytes."""
    with Database(path, KEY) as database:
        database.run(lambda t: t.connection.execute(f"PRAGMA user_version = {release}"))
    return path.read_bytes()


def release_of(database: Database) -> int:
    with database.read() as t:
        return int(t.connection.execute("PRAGMA user_version").fetchone()[0])


def add_cases(
    name: str = "m0001_cases", sql: str = "CREATE TABLE cases (n INTEGER) STRICT"
) -> Schema:
    """Return the node's schema with a program's own migration set after it."""
    extra = Migrations("casework")

    def migration(database: MigrationDatabase) -> None:
        for statement in sql.split(";"):
            database.execute(statement)

    extra(name=name)(migration)
    return NODE_SCHEMA.extended(extra, release=NODE_SCHEMA.release + 1)


def test_the_written_schema_is_what_the_migrations_make() -> None:
    """Both files are generated; `python -m sync.store.schema_text` writes them anew."""
    assert schema_text.WRITTEN.read_text(encoding="utf-8") == schema_text.schema_text()
    postgres = schema_text.WRITTEN_POSTGRES.read_text(encoding="utf-8")
    assert postgres == schema_text.schema_text_postgres()


def test_every_table_is_strict_and_says_what_may_be_null(tmp_path: Path) -> None:
    """Only an event's body may be missing, because it can be pruned or purged."""
    with Database(tmp_path / "node.db", KEY) as database, database.read() as t:
        loose = t.connection.execute(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
            " AND strict = 0 AND name NOT LIKE 'sqlite$_%' ESCAPE '$'"
            " AND name <> '_sqlite_migrations'"
        ).fetchall()
        nullable = t.connection.execute(
            "SELECT t.name, c.name FROM pragma_table_list AS t, pragma_table_info(t.name) AS c"
            " WHERE t.schema = 'main' AND t.strict = 1 AND c.[notnull] = 0"
        ).fetchall()
    assert loose == []
    assert nullable == [("events", "body")]


def test_a_new_file_carries_the_release(tmp_path: Path) -> None:
    """The release number stands in the file itself."""
    with Database(tmp_path / "node.db", KEY) as database:
        assert NODE_SCHEMA.release == release_of(database)


def test_opening_again_writes_nothing(tmp_path: Path) -> None:
    """A file that has every migration is not changed by a start and a stop."""
    path = tmp_path / "node.db"
    Database(path, KEY).close()
    before = path.read_bytes()
    Database(path, KEY).close()
    assert before == path.read_bytes()


def test_a_file_one_release_newer_is_used_as_it_is(tmp_path: Path) -> None:
    """After a rollback of the program, the newer file goes on working and keeps its number."""
    path = tmp_path / "node.db"
    set_release(path, NODE_SCHEMA.release + 1)
    with Database(path, KEY) as database:
        database.run(lambda t: t.put_event(sample_event(1)))
        assert NODE_SCHEMA.release + 1 == release_of(database)


def test_a_file_two_releases_newer_is_refused_unchanged(tmp_path: Path) -> None:
    """Nothing is written into a file whose rules this program cannot know."""
    path = tmp_path / "node.db"
    before = set_release(path, NODE_SCHEMA.release + 2)
    with pytest.raises(SchemaTooNew):
        Database(path, KEY)
    assert before == path.read_bytes()


def test_a_program_adds_its_own_tables_to_the_same_file(tmp_path: Path) -> None:
    """A projection's rows commit and roll back together with the event they come from."""

    def project_and_fail(t: SqlTransaction) -> None:
        t.put_event(sample_event(1))
        t.connection.execute("INSERT INTO cases VALUES (?)", (1,))
        raise ZeroDivisionError

    with Database(tmp_path / "node.db", KEY, schema=add_cases()) as database:
        with pytest.raises(ZeroDivisionError):
            database.run(project_and_fail)
        with database.write() as t:
            t.put_event(sample_event(1))
            t.connection.executemany("INSERT INTO cases VALUES (?)", [(1,), (2,)])
        with database.read() as t:
            assert t.event_count() == 1
            assert t.connection.execute("SELECT n FROM cases").fetchall() == [(1,), (2,)]


def test_a_program_can_add_its_tables_to_a_file_that_is_in_use(tmp_path: Path) -> None:
    """A later migration set is applied to a filled file and what is in it stays."""
    path = tmp_path / "node.db"
    with Database(path, KEY) as database:
        database.run(lambda t: t.put_event(sample_event(1)))
    with Database(path, KEY, schema=add_cases(), must_exist=True) as database:
        assert NODE_SCHEMA.release + 1 == release_of(database)
        with database.read() as t:
            assert t.event_count() == 1


def test_full_text_search_is_part_of_the_library(tmp_path: Path) -> None:
    """The search tables of a program can be made: FTS5 is compiled in."""
    schema = add_cases(sql="CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'unicode61')")
    with Database(tmp_path / "node.db", KEY, schema=schema) as database:
        database.run(lambda t: t.connection.execute("INSERT INTO words VALUES ('社保 保卡')"))
        with database.read() as t:
            found = t.connection.execute("SELECT text FROM words WHERE words MATCH '保卡'")
            assert found.fetchall() == [("社保 保卡",)]


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """Half a migration is none: no table, no record, no new number; the old program goes on."""
    path = tmp_path / "node.db"
    with Database(path, KEY) as database:
        database.run(lambda t: t.put_event(sample_event(1)))
    with pytest.raises(StorageError):
        Database(path, KEY, schema=add_cases(sql="CREATE TABLE cases (n); INSERT INTO nowhere"))
    with Database(path, KEY) as database, database.read() as t:
        assert NODE_SCHEMA.release == release_of(database)
        assert t.event_count() == 1
        tables = t.connection.execute("SELECT name FROM sqlite_schema").fetchall()
    assert ("cases",) not in tables
