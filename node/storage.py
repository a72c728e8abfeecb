"""Where a node keeps its data: its own encrypted file, or, for central, a PostgreSQL database."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from casework.matter_index import MatterIndex
from casework.matter_list import MatterFinder, MatterList
from node import enrolment
from node.schema import SCHEMA
from sync.signing import read_key
from sync.store.database import Database
from sync.store.sql_store import SqlStore
from sync.store.sql_transaction import SqlTransaction

STATION = "station"
"""Setting under which a store names the station it belongs to."""


class Storage(NamedTuple):
    """An open store, and how matters are found in it."""

    store: SqlStore
    full_text: bool

    def finder(self, transaction: SqlTransaction) -> MatterFinder:
        """Return what finds matters inside a transaction."""
        kind = MatterIndex if self.full_text else MatterList
        return kind(transaction.connection)


def founded_in(database_url: str) -> str:
    """Return the station whose data a server's database holds already, "" for none.

    Raises: StorageError and its kinds.
    """
    store = open_storage(Path(), database_url, must_exist=False).store
    with store, store.read() as transaction:
        return transaction.meta(STATION) or ""


def open_storage(folder: Path, database_url: str, *, must_exist: bool) -> Storage:
    """Open the store of the node in `folder`.

    Shapes: `database_url` names a database of a PostgreSQL server; empty for the node's own file.
    Raises: StorageError and its kinds.
    """
    if database_url:
        # Imported late: only central has the driver installed.
        from sync.store.postgres_database import PostgresDatabase

        return Storage(
            PostgresDatabase(database_url, schema=SCHEMA, must_exist=must_exist), full_text=False
        )
    key = read_key(folder / enrolment.DATABASE_KEY)
    file = folder / enrolment.NODE_DATABASE
    return Storage(Database(file, key, schema=SCHEMA, must_exist=must_exist), full_text=True)
