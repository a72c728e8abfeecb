"""PostgreSQL as the store's driver: connections, how it begins, ends and fails.

Any number of processes may serve one database. Whoever writes holds one advisory lock from its
first statement to its commit, as a writer of an SQLite file holds that file: the engine reads,
decides and writes as the only one, and arrival numbers grow in the order of commits (docs/adr).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

import psycopg
from psycopg import errors, pq
from psycopg.abc import Buffer
from psycopg.types.array import ListBinaryDumper
from psycopg.types.numeric import Int8BinaryDumper
from psycopg.types.string import StrBinaryDumper, StrDumperUnknown

from sync.protocol.errors import (
    DatabaseBusy,
    DatabaseCorrupt,
    DatabaseUnreachable,
    DiskFull,
    StorageError,
)
from sync.store.postgres_sql import statement
from sync.store.sql import Connection, Cursor, Parameters

LOCK_WAIT_MS = 10_000
"""How long a write waits for the others before it says it is busy."""
IDLE_IN_TRANSACTION_MS = 30_000
"""A writer that stopped in the middle is cut off by the server, so that others go on."""
CONNECT_SECONDS = 10
WRITER_LOCK = 0x79697A68616E
TURNS_PER_COMMIT_MAX = 16
"""Fewer than in a file: other processes wait for the lock meanwhile."""
# A server that is set to wait for less than its disk is overruled; one that waits for more is not.
_SETTINGS = (
    "SELECT set_config('idle_in_transaction_session_timeout', $1, false),"
    " set_config('lock_timeout', $2, false),"
    " set_config('client_encoding', 'UTF8', false),"
    " set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
    " WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)"
)
_BEGIN_WRITE = f"BEGIN; SELECT pg_advisory_xact_lock({WRITER_LOCK})".encode()
_BEGIN_READ = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1"
_KINDS: dict[str, type[StorageError]] = {
    "08": DatabaseUnreachable,
    "53100": DiskFull,
    "53": DatabaseBusy,
    "55": DatabaseBusy,
    "57P": DatabaseUnreachable,  # shut down, or not yet up
    "57": DatabaseBusy,
    "40": DatabaseBusy,
    "25P03": DatabaseBusy,  # cut off, having been idle inside a transaction
    "XX001": DatabaseCorrupt,
    "XX002": DatabaseCorrupt,
}


class _Truth(Int8BinaryDumper):
    """Truth values are kept as 0 and 1, as in SQLite."""

    def dump(self, obj: Any) -> Buffer | None:
        return super().dump(int(obj))


class _Text(StrDumperUnknown):
    """PostgreSQL has no NUL in a text: a stranger's is kept as the sign for it.

    The envelope's bytes, which count, are no text and stay as they are.
    """

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(_without_nul(obj))


class _ListedText(StrBinaryDumper):
    """The same for a text in a list, which goes over as it is in memory."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(_without_nul(obj))


def _without_nul(text: str) -> str:
    return text.replace("\0", "␀") if "\0" in text else text


class PostgresConnection:
    """Implements `sql.Connection`; opens itself anew at the next beginning after it was cut."""

    def __init__(self, url: str, *, lock_wait_ms: int = LOCK_WAIT_MS) -> None:
        """Connect. Raises: psycopg.Error."""
        self._url = url
        self._lock_wait_ms = lock_wait_ms
        self._raw = _connect(url, lock_wait_ms)

    @property
    def in_transaction(self) -> bool:
        status = self._raw.info.transaction_status
        return status not in (pq.TransactionStatus.IDLE, pq.TransactionStatus.UNKNOWN)

    def execute(self, sql: str, parameters: Parameters = (), /) -> Cursor:
        return self._raw.execute(statement(sql), parameters or None, binary=True)

    def executemany(self, sql: str, parameters: Iterable[Parameters], /) -> None:
        with self._raw.cursor() as cursor:
            cursor.executemany(statement(sql), list(parameters))

    def pipeline(self) -> AbstractContextManager[object]:
        """Send the block's statements without waiting for each; their rows are there after it."""
        return self._raw.pipeline()

    def begin(self, sql: bytes) -> None:
        """Begin by this statement; over a new connection if the old one was cut meanwhile."""
        if not self._raw.closed:
            try:
                self._raw.execute(sql)
                return
            except psycopg.OperationalError:
                if not self._raw.closed:
                    raise
        self._raw = _connect(self._url, self._lock_wait_ms)
        self._raw.execute(sql)

    def commit(self) -> None:
        """Commit. Raises: psycopg.Error, also where the server rolled back instead."""
        if self._raw.execute(b"COMMIT").statusmessage != "COMMIT":
            raise errors.InFailedSqlTransaction("rolled back")

    def close(self) -> None:
        self._raw.close()


class PostgresDriver:
    """Implements `sql.Driver`."""

    error: type[Exception] = psycopg.Error
    turns_per_commit_max = TURNS_PER_COMMIT_MAX

    def translate(self, error: BaseException) -> StorageError:
        """Only the code of the state goes on: a message may quote values (G10)."""
        code = getattr(error, "sqlstate", None)
        if code is None:
            cut = isinstance(error, psycopg.OperationalError)
            return (DatabaseUnreachable if cut else StorageError)(type(error).__name__)
        found = (_KINDS.get(code[:length]) for length in (5, 3, 2))
        return next((kind for kind in found if kind is not None), StorageError)(code)

    def begin_write(self, connection: Connection) -> None:
        _ours(connection).begin(_BEGIN_WRITE)

    def begin_read(self, connection: Connection) -> None:
        _ours(connection).begin(_BEGIN_READ)

    def commit(self, connection: Connection) -> None:
        _ours(connection).commit()

    def renewed(self, connection: Connection, error: Exception) -> Connection:  # noqa: ARG002
        """Return the same: it opens a cut connection anew by itself."""
        return connection

    def finish(self, connection: Connection) -> None:
        """Nothing is left to be put in order: the server does."""


def translated(driver: PostgresDriver, function: Callable[[], Any]) -> Any:
    """Return what a function gives, its driver errors as storage errors."""
    try:
        return function()
    except psycopg.Error as error:
        raise driver.translate(error) from error


def _ours(connection: Connection) -> PostgresConnection:
    assert isinstance(connection, PostgresConnection)
    return connection


def _connect(url: str, lock_wait_ms: int) -> psycopg.Connection[Any]:
    raw = psycopg.connect(
        url,
        autocommit=True,
        cursor_factory=psycopg.RawCursor,
        connect_timeout=CONNECT_SECONDS,
        application_name="yizhan-central",
    )
    raw.adapters.register_dumper(bool, _Truth)
    raw.adapters.register_dumper(str, _ListedText)
    raw.adapters.register_dumper(str, _Text)
    # Lists in text form are four times slower.
    raw.adapters.register_dumper(list, ListBinaryDumper)
    raw.execute(_SETTINGS, (str(IDLE_IN_TRANSACTION_MS), str(lock_wait_ms)))
    return raw
