"""What only the SQLite store promises: durable settings, encryption, group commit, append-only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from sync.protocol.errors import DatabaseBusy, DatabaseCorrupt, StorageError
from sync.protocol.names import EventName
from sync.store import connections
from sync.store.database import Database
from sync.store.sql_transaction import SqlTransaction
from tests.fakes.sample_events import EPOCH, sample_event
from tests.fakes.sample_events import SAMPLE_KEY as KEY

WAIT_S = 20
CANARY = "秘密CANARY990101199001010017"


def pragma(t: SqlTransaction, name: str) -> object:
    return t.connection.execute(f"PRAGMA {name}").fetchone()[0]


# Settings


def test_the_writer_is_durable(database: Database) -> None:
    """WAL and synchronous=FULL on the connection that commits, as G1 needs."""
    with database.write() as t:
        assert pragma(t, "journal_mode") == "wal"
        assert pragma(t, "synchronous") == 2
        assert pragma(t, "foreign_keys") == 1
        assert pragma(t, "secure_delete") == 1
        assert pragma(t, "recursive_triggers") == 1
        assert pragma(t, "mmap_size") == 0
        assert pragma(t, "cache_size") == -connections.CACHE_KIB_WRITER


def test_a_file_is_for_its_owner_only(database: Database) -> None:
    """Database and WAL cannot be read by other accounts of the machine."""
    for path in (database.path, database.path.with_name("node.db-wal")):
        assert path.stat().st_mode & 0o077 == 0


# Encryption


def test_nothing_is_on_the_disk_in_plain_text(tmp_path: Path) -> None:
    """A canary is in no file, neither while the node runs nor after it stopped."""
    database = Database(tmp_path / "node.db", KEY)
    with database.write() as t:
        t.set_meta(CANARY, CANARY)
        t.put_event(sample_event(1, body=CANARY.encode()))

    def check_disk() -> None:
        names = {path.name for path in tmp_path.iterdir()}
        assert "node.db" in names
        for path in tmp_path.iterdir():
            held = path.read_bytes()
            assert b"CANARY" not in held
            assert b"990101199001010017" not in held
            assert b"SQLite format" not in held
            assert b"CREATE TABLE" not in held

    assert (tmp_path / "node.db-wal").stat().st_size > 0
    check_disk()
    database.close()
    check_disk()


def test_a_wrong_key_is_refused_and_changes_no_byte(tmp_path: Path) -> None:
    """Neither the file nor a WAL left by a crash is touched by an opening with a wrong key."""
    path = tmp_path / "node.db"
    crashed = Database(path, KEY)
    crashed.run(lambda t: t.set_meta("name", "value"))
    copy = tmp_path / "copy.db"
    for suffix in ("", "-wal"):
        (tmp_path / f"copy.db{suffix}").write_bytes((tmp_path / f"node.db{suffix}").read_bytes())
    crashed.close()
    before = [(tmp_path / name).read_bytes() for name in ("copy.db", "copy.db-wal")]
    with pytest.raises(DatabaseCorrupt):
        Database(copy, b"\xff" * 32)
    assert before == [(tmp_path / name).read_bytes() for name in ("copy.db", "copy.db-wal")]
    with Database(copy, KEY) as recovered, recovered.read() as t:
        assert t.meta("name") == "value"


def test_a_key_of_the_wrong_length_is_an_error_of_ours(tmp_path: Path) -> None:
    """A key that is no key is refused before a file appears."""
    with pytest.raises(ValueError, match="32"):
        Database(tmp_path / "node.db", b"short")


# Damage


def test_a_flipped_bit_is_found_at_the_start_and_nothing_is_changed(tmp_path: Path) -> None:
    """A damaged page means no start, and the file stays as it is for the rescuer."""
    path = tmp_path / "node.db"
    with Database(path, KEY) as database, database.write() as t:
        for position in range(1, 200):
            t.put_event(sample_event(position))
    held = bytearray(path.read_bytes())
    held[len(held) // 2] ^= 1
    path.write_bytes(held)
    with pytest.raises(DatabaseCorrupt):
        Database(path, KEY)
    assert bytes(held) == path.read_bytes()


def test_a_file_that_is_no_database_is_refused_unchanged(tmp_path: Path) -> None:
    """Foreign bytes are not overwritten by an empty database."""
    path = tmp_path / "node.db"
    path.write_bytes(b"not ours " * 1000)
    with pytest.raises(DatabaseCorrupt):
        Database(path, KEY)
    assert path.read_bytes() == b"not ours " * 1000


@pytest.mark.parametrize("left", [None, b""])
def test_a_lost_file_is_not_replaced_by_an_empty_one(tmp_path: Path, left: bytes | None) -> None:
    """A station that had a database says so when it is gone or emptied."""
    path = tmp_path / "node.db"
    if left is not None:
        path.write_bytes(left)
    with pytest.raises(DatabaseCorrupt):
        Database(path, KEY, must_exist=True)
    assert (left is not None) is path.exists()


# Append-only


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM events",
        "UPDATE events SET envelope = x'00'",
        "UPDATE events SET signature = x'00'",
        "UPDATE events SET position = 9",
        "UPDATE events SET audience = 'CG0211'",
        "UPDATE events SET received_ms = 1",
        "UPDATE events SET body = x'00'",
        "UPDATE events SET salt = x'00'",
        "UPDATE events SET standing = 'other'",
        "REPLACE INTO events SELECT * FROM events",
        "DELETE FROM audiences",
        "UPDATE audiences SET station = 'CG0211'",
    ],
)
def test_what_was_recorded_cannot_be_changed(database: Database, sql: str) -> None:
    """Events and audiences are append-only in the database itself, not only in our code."""

    def record(t: SqlTransaction) -> None:
        t.put_event(sample_event(1, stream="A"))
        t.add_audience("A", ["CG0111"])

    database.run(record)
    with pytest.raises(StorageError):
        database.run(lambda t: t.connection.execute(sql))
    with database.read() as t:
        assert sample_event(1, stream="A").event == t.stream_events("A")[0].event
        assert frozenset({"CG0111"}) == t.audience("A")


def test_a_body_can_be_dropped_and_fetched_again(database: Database) -> None:
    """Pruning drops a body, fetching restores it, purging drops its salt too."""
    stored = sample_event(1)
    database.run(lambda t: t.put_event(stored))

    def change(sql: str) -> tuple[bytes | None, bytes]:
        database.run(lambda t: t.connection.execute(sql))
        with database.read() as t:
            held = t.event(stored.name)
        assert held is not None
        return held.event.body, held.event.salt

    salt = stored.event.salt
    assert (None, salt) == change("UPDATE events SET body = NULL")
    assert (b"again", salt) == change("UPDATE events SET body = CAST('again' AS BLOB)")
    assert change("UPDATE events SET body = NULL, salt = x''") == (None, b"")


# Snapshots


def test_readers_do_not_see_what_is_not_committed(database: Database) -> None:
    """While a write is open, readers see the state before it."""
    with database.write() as t:
        t.set_meta("name", "value")
        with database.read() as r:
            assert r.meta("name") is None
    with database.read() as r:
        assert r.meta("name") == "value"


def test_a_reader_keeps_its_snapshot(database: Database) -> None:
    """What is committed after a reader began is not seen by it, not even on its first look."""
    with database.read() as early:
        database.run(lambda t: t.set_meta("name", "value"))
        assert early.meta("name") is None
        with database.read() as late:
            assert late.meta("name") == "value"


def test_many_readers_do_not_wait_for_each_other(database: Database) -> None:
    """More readers than idle connections can be open at once."""
    database.run(lambda t: t.set_meta("name", "value"))
    barrier = threading.Barrier(8, timeout=WAIT_S)

    def look(_: int) -> str | None:
        with database.read() as t:
            barrier.wait()
            return t.meta("name")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(look, range(8))) == ["value"] * 8


# Group commit


@contextmanager
def held_open(database: Database) -> Iterator[Future[None]]:
    """Keep a first write open while the block queues others behind it; yields its outcome."""
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with database.write() as t:
            t.set_meta("first", "value")
            entered.set()
            assert leave.wait(WAIT_S)

    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(hold)
        try:
            assert entered.wait(WAIT_S)
            yield outcome
        finally:
            leave.set()


def wait_until_queued(database: Database, count: int) -> None:
    pause = threading.Event()
    for _ in range(2000):
        if database.waiting == count:
            return
        pause.wait(0.01)
    raise AssertionError(f"{database.waiting} of {count} turns queued")


def test_writes_that_queue_up_share_one_commit(database: Database) -> None:
    """Twenty waiting writes become durable with the open one, all at once."""
    before = database.commits

    def put(number: int) -> None:
        database.run(lambda t: t.set_meta(f"{number}", "value"))

    with ThreadPoolExecutor(20) as pool:
        with held_open(database):
            waiting = [pool.submit(put, number) for number in range(20)]
            wait_until_queued(database, 20)
        for future in waiting:
            future.result(WAIT_S)
    assert database.commits - before == 1
    with database.read() as t:
        assert all(t.meta(f"{number}") == "value" for number in range(20))


def test_a_failing_write_does_not_harm_the_others_of_its_group(database: Database) -> None:
    """Every third write of a group raises; the others are stored, it leaves nothing."""

    def put(number: int) -> None:
        with database.write() as t:
            t.set_meta(f"{number}", "value")
            if number % 3 == 0:
                t.connection.execute("INSERT INTO no_such_table VALUES (1)")
            if number % 3 == 1:
                raise ZeroDivisionError

    with ThreadPoolExecutor(12) as pool:
        with held_open(database):
            waiting = [pool.submit(put, number) for number in range(12)]
            wait_until_queued(database, 12)
        raised = [type(future.exception(WAIT_S)) for future in waiting]
    assert [StorageError, ZeroDivisionError, type(None)] * 4 == raised
    with database.read() as t:
        assert t.meta("first") == "value"
        stored = [number for number in range(12) if t.meta(f"{number}") is not None]
    assert stored == [2, 5, 8, 11]


def test_a_failing_first_write_does_not_harm_those_behind_it(database: Database) -> None:
    """The first of a group has no savepoint of its own; its failure is undone all the same."""
    waiting: list[Future[None]] = []

    def fail_before_another(t: SqlTransaction, pool: ThreadPoolExecutor) -> None:
        waiting.append(pool.submit(database.run, lambda t: t.set_meta("second", "value")))
        wait_until_queued(database, 1)
        t.set_meta("first", "value")
        raise ZeroDivisionError

    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(ZeroDivisionError):
            database.run(lambda t: fail_before_another(t, pool))
        waiting[0].result(WAIT_S)
    with database.read() as t:
        assert t.meta("first") is None
        assert t.meta("second") == "value"


def test_a_transaction_lost_to_sqlite_fails_every_write_of_its_group(database: Database) -> None:
    """When SQLite itself gives the transaction up, no write of the group claims to be stored."""
    with ThreadPoolExecutor(2) as pool:
        with held_open(database) as first:
            lost = pool.submit(database.run, lambda t: t.connection.execute("ROLLBACK"))
            wait_until_queued(database, 1)
            behind = pool.submit(database.run, lambda t: t.set_meta("behind", "value"))
            wait_until_queued(database, 2)
        assert isinstance(first.exception(WAIT_S), StorageError)
        assert isinstance(lost.exception(WAIT_S), StorageError)
        behind.result(WAIT_S)
    with database.read() as t:
        assert t.meta("first") is None
        assert t.meta("behind") == "value"


def test_savepoints_undo_their_own_block_only(database: Database) -> None:
    """A projection that fails inside a write takes back its rows and no others."""

    def fail_inside(t: SqlTransaction) -> None:
        with t.savepoint():
            t.set_meta("inside", "value")
            raise ZeroDivisionError

    with database.write() as t:
        t.set_meta("before", "value")
        with pytest.raises(ZeroDivisionError):
            fail_inside(t)
        with t.savepoint(), t.savepoint():
            t.set_meta("after", "value")
    with database.read() as t:
        assert [t.meta(k) for k in ("before", "inside", "after")] == ["value", None, "value"]


# The end


def test_closing_moves_the_wal_into_the_file(tmp_path: Path) -> None:
    """After a clean stop one file holds everything."""
    path = tmp_path / "node.db"
    with Database(path, KEY) as database:
        database.run(lambda t: t.put_event(sample_event(1)))
    assert [entry.name for entry in tmp_path.iterdir()] == ["node.db"]
    with Database(path, KEY, must_exist=True) as database, database.read() as t:
        assert t.event(EventName("CG0111", EPOCH, 1)) is not None


def test_a_closed_database_says_that_nothing_was_stored(tmp_path: Path) -> None:
    """Closing twice is allowed; a late write or read is refused with the busy sentence."""
    database = Database(tmp_path / "node.db", KEY)
    database.close()
    database.close()
    with pytest.raises(DatabaseBusy):
        database.run(lambda t: t.set_meta("name", "value"))
    with pytest.raises(DatabaseBusy), database.read():
        pass


def test_a_second_writer_of_the_same_file_is_busy(database: Database) -> None:
    """Another process that holds the file makes a write fail instead of hanging."""
    with Database(database.path, KEY, busy_ms=50) as other, database.write() as t:
        t.set_meta("name", "ours")
        with pytest.raises(DatabaseBusy):
            other.run(lambda t: t.set_meta("name", "theirs"))
