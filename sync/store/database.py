"""`node.db`: the store port on an encrypted SQLite file."""

from __future__ import annotations

from pathlib import Path

from sync.store.encrypted_file import BUSY_MS, READERS_IDLE_MAX, EncryptedFile
from sync.store.migrations import Schema
from sync.store.schema_node import NODE_SCHEMA
from sync.store.sql_store import SqlStore
from sync.store.sqlite_work import SqliteTransaction


class Database(SqlStore):
    """The store on one file."""

    def __init__(
        self,
        path: Path,
        key: bytes,
        *,
        schema: Schema = NODE_SCHEMA,
        must_exist: bool = False,
        quick_check: bool = True,
        busy_ms: int = BUSY_MS,
        readers_idle_max: int = READERS_IDLE_MAX,
    ) -> None:
        """Open or create the file; parameters and errors are those of `EncryptedFile`."""
        file = EncryptedFile(
            path,
            key,
            schema,
            must_exist=must_exist,
            quick_check=quick_check,
            busy_ms=busy_ms,
            readers_idle_max=readers_idle_max,
        )
        super().__init__(file, writes_by=SqliteTransaction)
        self.path = file.path
