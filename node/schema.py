"""The tables both programs add to `node.db`: case rows, the matter index, logins, form keys."""

from __future__ import annotations

from casework import matter_list
from casework.case_table import create_tables
from casework.matter_index import MatterIndex
from sync.store.migrations import MigrationDatabase, Migrations
from sync.store.schema_node import NODE_SCHEMA

PROGRAM = Migrations("program")

_FORM_KEYS = (
    """
CREATE TABLE form_keys (
    form_key TEXT PRIMARY KEY,
    stream TEXT NOT NULL,
    used_ms INTEGER NOT NULL
) STRICT
""",
    "CREATE INDEX form_keys_by_age ON form_keys (used_ms)",
)

_ACCOUNTS = """
CREATE TABLE accounts (
    staff_no TEXT PRIMARY KEY,
    password_hash TEXT NOT NULL,
    code_hash TEXT NOT NULL,
    code_until_ms INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    locked_until_ms INTEGER NOT NULL
) STRICT
"""

_SESSIONS = """
CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    staff_no TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL
) STRICT
"""


@PROGRAM()
def m0001_case_rows(database: MigrationDatabase) -> None:
    """Case rows, the matter index, and what logins and forms need."""
    create_tables(database.conn)
    MatterIndex(database.conn).create_tables()
    for statement in (matter_list.TABLE, *_FORM_KEYS, _ACCOUNTS, _SESSIONS):
        database.execute(statement)


SCHEMA = NODE_SCHEMA.extended(PROGRAM, release=1)
