"""What only the PostgreSQL store promises: one writer over all processes, and nothing skipped."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec
import psycopg
import pytest

from sync.protocol.errors import (
    DatabaseBusy,
    DatabaseCorrupt,
    DatabaseUnreachable,
    SchemaTooNew,
    StorageError,
)
from sync.protocol.names import EventName
from sync.store.migrations import MigrationDatabase, Migrations
from sync.store.postgres_database import PostgresDatabase
from sync.store.postgres_definitions import definitions
from sync.store.schema_node import NODE_SCHEMA
from sync.store.sql_transaction import SqlTransaction
from tests.fakes.sample_events import EPOCH, sample_event
from tests.postgres_server import Cluster

WAIT_S = 20


@pytest.fixture
def address(cluster: Cluster) -> str:
    """Where an empty database is."""
    return cluster.database()


@pytest.fixture
def database(address: str) -> Iterator[PostgresDatabase]:
    """A store in that database."""
    with PostgresDatabase(address) as opened:
        yield opened


def asked(address: str, sql: str) -> list[tuple[object, ...]]:
    """Run one statement as somebody else would."""
    with psycopg.connect(address, autocommit=True) as connection:
        cursor = connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


def waiting_for_lock(address: str) -> bool:
    return bool(asked(address, "SELECT 1 FROM pg_locks WHERE NOT granted"))


def wait_for(other: Future[None], address: str) -> None:
    """Return once the other waits for a lock, or is through."""
    while not (other.done() or waiting_for_lock(address)):
        pass


def arrivals(database: PostgresDatabase, after: int) -> list[tuple[int, str]]:
    with database.read() as t:
        return [(e.arrival, e.name.station) for e in t.events_after(after, 9)]


# Nothing is skipped


def test_a_reader_by_arrival_never_passes_an_event_that_is_committed_late(
    address: str, database: PostgresDatabase
) -> None:
    """A writer is held, a second process writes later: the reader meets both, each once."""

    def write_later(other: PostgresDatabase) -> None:
        with other.write() as t:
            t.put_event(sample_event(1, station="CG0112"))

    with PostgresDatabase(address) as other, ThreadPoolExecutor(1) as pool:
        with database.write() as held:
            held.put_event(sample_event(1, station="CG0111"))
            later = pool.submit(write_later, other)
            wait_for(later, address)
            first = arrivals(database, 0)
        later.result(WAIT_S)
        cursor = max((arrival for arrival, _ in first), default=0)
        assert [*first, *arrivals(database, cursor)] == [(1, "CG0111"), (2, "CG0112")]


def test_an_event_from_a_writer_outside_the_lock_is_not_passed_either(
    address: str, database: PostgresDatabase
) -> None:
    """Arrival numbers are a gapless key: who writes beside us collides, and nothing is lost."""
    with database.write() as t:
        t.put_event(sample_event(1, station="CG0111"))

    def write_later() -> None:
        with database.write() as t:
            t.put_event(sample_event(1, station="CG0112"))

    with psycopg.connect(address) as outside, ThreadPoolExecutor(1) as pool:
        copied = outside.execute("SELECT * FROM events").fetchone()
        assert copied is not None
        values = ",".join(["%s"] * (len(copied) - 1))
        outside.execute(
            f"INSERT INTO events VALUES (2, {values})".encode(), ("CG0211", *copied[2:])
        )
        later = pool.submit(write_later)
        wait_for(later, address)
        assert arrivals(database, 0) == [(1, "CG0111")]
        outside.commit()
        with pytest.raises(StorageError):
            later.result(WAIT_S)
    write_later()
    assert arrivals(database, 1) == [(2, "CG0211"), (3, "CG0112")]


# One writer over all processes


def test_a_writer_waits_for_that_of_another_process_and_then_says_busy(
    address: str, database: PostgresDatabase
) -> None:
    """Nobody hangs for ever on a writer elsewhere; nothing of the refused block is stored."""
    with PostgresDatabase(address, lock_wait_ms=50) as other:
        with database.write() as t:
            t.set_meta("name", "ours")
            with pytest.raises(DatabaseBusy):
                other.run(lambda t: t.set_meta("name", "theirs"))
        with other.read() as t:
            assert t.meta("name") == "ours"


def test_a_writer_that_stands_still_is_cut_off_by_the_server(address: str) -> None:
    """After 30 s in the middle of a transaction the server ends it; the next write goes on."""
    with PostgresDatabase(address) as database:

        def stand_still(t: SqlTransaction) -> None:
            shown = t.connection.execute("SHOW idle_in_transaction_session_timeout").fetchone()
            assert shown == ("30s",)
            t.connection.execute("SET LOCAL idle_in_transaction_session_timeout = 20")
            t.set_meta("name", "never")
            while asked(address, "SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in%'"):
                pass
            t.meta("name")

        with pytest.raises(StorageError):
            database.run(stand_still)
        database.run(lambda t: t.set_meta("name", "next"))
        with database.read() as t:
            assert t.meta("name") == "next"


def test_writes_of_many_threads_share_commits(database: PostgresDatabase) -> None:
    """Group commit: all are stored, with fewer commits than writes."""

    def put(position: int) -> None:
        database.run(lambda t: t.put_event(sample_event(position)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(1, 41)))
    with database.read() as t:
        assert t.event_count() == 40
        assert [e.arrival for e in t.events_after(0, 99)] == list(range(1, 41))
    assert database.commits <= 40


# Saved is saved


def test_what_was_committed_outlives_the_death_of_the_server(
    cluster: Cluster, database: PostgresDatabase
) -> None:
    """Killed without a word right after a commit, the server has it when it is back."""
    cluster.keep_commits("on")
    for event in (sample_event(1), sample_event(2), sample_event(3)):
        with database.write() as t:
            t.put_event(event)
    cluster.kill()
    cluster.keep_commits("off")
    with database.read() as t:
        assert t.event_count() == 3
    database.run(lambda t: t.put_event(sample_event(4)))
    assert [arrival for arrival, _ in arrivals(database, 0)] == [1, 2, 3, 4]


def test_a_server_that_is_set_to_lose_commits_is_overruled(address: str) -> None:
    """Whatever the server's setting, what is called saved waited for the disk."""
    asked(address, "ALTER ROLE yizhan SET synchronous_commit = off")
    try:
        with PostgresDatabase(address) as database, database.write() as t:
            assert t.connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    finally:
        asked(address, "ALTER ROLE yizhan RESET synchronous_commit")


def test_an_error_swallowed_in_a_block_is_not_called_saved(database: PostgresDatabase) -> None:
    """The server undoes such a transaction at its COMMIT, without an error: we say so."""

    def swallow(t: SqlTransaction) -> None:
        t.set_meta("name", "value")
        with pytest.raises(psycopg.Error):
            t.connection.execute("SELECT no_such_column FROM meta")

    with pytest.raises(StorageError):
        database.run(swallow)
    with database.read() as t:
        assert t.meta("name") is None


def test_a_cut_connection_is_opened_anew(address: str, database: PostgresDatabase) -> None:
    """After the server dropped us, the next write and the next read go on."""
    with database.read() as t:
        assert t.meta("name") is None
    others = "pg_stat_activity WHERE application_name = 'yizhan-central'"
    asked(address, f"SELECT pg_terminate_backend(pid) FROM {others}")
    database.run(lambda t: t.set_meta("name", "value"))
    with database.read() as t:
        assert t.meta("name") == "value"


def test_no_server_is_told_in_its_own_words() -> None:
    """A server that is not there is another thing than a busy one."""
    with pytest.raises(DatabaseUnreachable):
        PostgresDatabase("postgresql://yizhan@127.0.0.1:1/none")


# Append-only, and texts


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM events",
        "TRUNCATE events",
        "UPDATE events SET actor = 'other'",
        "UPDATE events SET envelope = 'other'",
        "UPDATE events SET body = 'other'",
        "UPDATE events SET standing = 'nonsense'",
        "DELETE FROM audiences",
        "TRUNCATE audiences",
        "UPDATE audiences SET station = 'CG0101'",
    ],
)
def test_history_is_append_only(database: PostgresDatabase, sql: str) -> None:
    """The database itself refuses to change or drop what was stored."""
    with database.write() as t:
        before = t.put_event(sample_event(1, stream="A"))
        t.add_audience("A", ["CG0112"])
    with pytest.raises(StorageError):
        database.run(lambda t: t.connection.execute(sql))
    with database.read() as t:
        assert before == t.event(before.name)
        assert t.audience("A") == frozenset({"CG0112"})


def test_a_body_may_be_dropped(database: PostgresDatabase) -> None:
    """The triggers leave room for pruning."""
    with database.write() as t:
        t.put_event(sample_event(1))
        t.connection.execute("UPDATE events SET body = NULL, salt = ''")
        held = t.event(EventName("CG0111", EPOCH, 1))
    assert held is not None
    assert held.event.body is None


def test_a_text_this_database_cannot_hold_does_not_stop_its_event(
    database: PostgresDatabase,
) -> None:
    """A stranger's NUL is kept as the sign for it, the envelope byte for byte (G9)."""
    stored = msgspec.structs.replace(sample_event(1), actor="S\0é", type="\0")
    with database.write() as t:
        t.put_event(stored)
    with database.read() as t:
        held = t.event(stored.name)
    assert held is not None
    assert (held.actor, held.type) == ("S␀é", "␀")
    assert held.event == stored.event


# Schemas


def set_release(address: str, release: int) -> None:
    PostgresDatabase(address).close()
    asked(address, f"UPDATE schema_release SET release = {release}")


def test_a_database_one_release_newer_is_used_as_it_is(address: str) -> None:
    """After a rollback of the program, the newer database goes on working and keeps its number."""
    set_release(address, NODE_SCHEMA.release + 1)
    with PostgresDatabase(address) as database:
        database.run(lambda t: t.put_event(sample_event(1)))
    assert asked(address, "SELECT release FROM schema_release") == [(NODE_SCHEMA.release + 1,)]


def test_a_database_two_releases_newer_is_refused(address: str) -> None:
    """Nothing is written into a database whose rules this program cannot know."""
    set_release(address, NODE_SCHEMA.release + 2)
    with pytest.raises(SchemaTooNew):
        PostgresDatabase(address)


def test_an_empty_database_does_not_take_the_place_of_a_lost_one(address: str) -> None:
    """Where a database must be, an empty one is refused and stays empty."""
    with pytest.raises(DatabaseCorrupt):
        PostgresDatabase(address, must_exist=True)
    assert asked(address, "SELECT to_regclass('schema_release')::text") == [(None,)]


def test_a_migration_that_fails_leaves_the_database_as_it_was(address: str) -> None:
    """Half a migration is none; and a later one is applied to a filled database."""
    extra = Migrations("casework")

    @extra()
    def m0001_cases(database: MigrationDatabase) -> None:
        database.execute("CREATE TABLE cases (n INTEGER NOT NULL PRIMARY KEY) STRICT")

    broken = Migrations("broken")

    @broken()
    def m0001_broken(database: MigrationDatabase) -> None:
        database.execute("CREATE INDEX nothing ON nowhere (n)")

    with PostgresDatabase(address) as database:
        database.run(lambda t: t.put_event(sample_event(1)))
    with pytest.raises(StorageError):
        PostgresDatabase(address, schema=NODE_SCHEMA.extended(extra, broken, release=2))
    assert asked(address, "SELECT to_regclass('cases')::text") == [(None,)]
    schema = NODE_SCHEMA.extended(extra, release=2)
    for _ in range(2):
        with (
            PostgresDatabase(address, schema=schema, must_exist=True) as database,
            database.read() as t,
        ):
            assert t.event_count() == 1
            assert t.connection.execute("SELECT n FROM cases").fetchall() == []


def test_a_statement_nobody_translated_is_refused() -> None:
    """A migration is never left out silently on one of the two databases."""
    odd = Migrations("odd")

    @odd()
    def m0001_view(database: MigrationDatabase) -> None:
        database.execute("CREATE VIEW heads AS SELECT * FROM logs")

    with pytest.raises(ValueError, match="CREATE VIEW"):
        definitions(NODE_SCHEMA.extended(odd, release=2))
