"""The store in a database of a PostgreSQL server (`CENTRAL_DATABASE_URL`), for central only.

The server keeps, replicates and backs up; here is one writing connection per process with group
commit, a few reading ones, and the same tables as in `node.db`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from sync.store.migrations import Schema
from sync.store.postgres import LOCK_WAIT_MS, PostgresConnection, PostgresDriver, translated
from sync.store.postgres_migrations import migrate
from sync.store.postgres_work import PostgresTransaction
from sync.store.readers import Readers
from sync.store.schema_node import NODE_SCHEMA
from sync.store.sql import Connection
from sync.store.sql_store import SqlStore
from sync.store.writer import Writer

READERS_IDLE_MAX = 4


class PostgresPlace:
    """Implements `sql.Place`: one database, checked and migrated."""

    def __init__(self, url: str, schema: Schema, *, must_exist: bool, lock_wait_ms: int) -> None:
        """Connect and bring the database to `schema`.

        Shapes: `must_exist` refuses to fill an empty database in the place of a lost one; a write
        waits `lock_wait_ms` for other processes before it is refused as busy.
        Raises: DatabaseUnreachable, DatabaseCorrupt, SchemaTooNew, StorageError; then nothing in
        the database has changed.
        """
        driver = PostgresDriver()
        connection = translated(driver, lambda: PostgresConnection(url, lock_wait_ms=lock_wait_ms))
        try:
            translated(driver, lambda: migrate(connection, driver, schema, must_exist=must_exist))
        except BaseException:
            connection.close()
            raise
        self._writer = Writer(connection, driver, "writer postgres")
        self._readers = Readers(
            lambda: translated(driver, lambda: PostgresConnection(url)),
            driver,
            idle_max=READERS_IDLE_MAX,
        )

    def write(self) -> AbstractContextManager[Connection]:
        """Lend the writing connection for one block, see `writer`."""
        return self._writer.lend()

    def read(self) -> AbstractContextManager[Connection]:
        """Lend a reading connection for one consistent snapshot, see `readers`."""
        return self._readers.lend()

    def scrub(self) -> None:
        """Have the server rewrite the tables; its WAL archive and replicas are its own matter."""
        self._writer.alone(_rewrite)

    @property
    def bytes_held(self) -> int:
        """Return how large the database is on the server."""
        with self.read() as connection:
            row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
            return int(row[0])

    @property
    def keeps_commits(self) -> bool:
        """Return whether the server waits for its disk when it is asked to, as it is."""
        with self.read() as connection:
            asked = ("SHOW fsync", "SHOW full_page_writes")
            return all(connection.execute(sql).fetchone() == ("on",) for sql in asked)

    @property
    def commits(self) -> int:
        """Return how many times this process committed since it connected."""
        return self._writer.commits

    @property
    def waiting(self) -> int:
        """Return about how many writes of this process wait for the writer."""
        return self._writer.waiting

    def close(self) -> None:
        """Finish what is queued and close every connection. Idempotent."""
        self._readers.close()
        self._writer.close()


def _rewrite(connection: Connection) -> None:
    connection.execute("VACUUM (FULL)")


class PostgresDatabase(SqlStore):
    """The store in one database of a PostgreSQL server."""

    def __init__(
        self,
        url: str,
        *,
        schema: Schema = NODE_SCHEMA,
        must_exist: bool = False,
        lock_wait_ms: int = LOCK_WAIT_MS,
    ) -> None:
        """Connect; parameters and errors are those of `PostgresPlace`."""
        place = PostgresPlace(url, schema, must_exist=must_exist, lock_wait_ms=lock_wait_ms)
        super().__init__(place, writes_by=PostgresTransaction)
