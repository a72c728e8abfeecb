"""How what a transaction held back goes out to a server: one statement per table.

Rows travel as one binary array per column, taken apart by `unnest`: of what can be repeated without
harm the quickest way measured, by far (research: limits, C2).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sync.protocol.ports import ChildLink, LogState
from sync.store.pending import COLUMNS, KEYS, Pending
from sync.store.postgres import PostgresConnection

_TYPES = {"str": "text", "int": "bigint", "bool": "bigint", "bytes": "bytea"}


def _types_of(struct: type[msgspec.Struct], columns: Sequence[str]) -> dict[str, str]:
    """Return the database's types of a struct's columns, by its annotations."""
    noted = struct.__annotations__
    return {name: _TYPES[noted[name]] for name in columns}


_NOT_TEXT = {
    "events": {
        **dict.fromkeys(("arrival", "epoch", "position", "hlc", "received_ms"), "bigint"),
        **dict.fromkeys(("envelope", "signature", "salt", "body", "chain"), "bytea"),
    },
    "logs": {"epoch": "bigint", **_types_of(LogState, COLUMNS["logs"][2:])},
    "child_links": _types_of(ChildLink, COLUMNS["child_links"]),
    "statements": {"raw": "bytea"},
    "outbox": {"sequence": "bigint"},
}


def _statement(table: str) -> str:
    columns, key = COLUMNS[table], KEYS.get(table)
    types = _NOT_TEXT.get(table, {})
    arrays = ", ".join(f"?::{types.get(name, 'text')}[]" for name in columns)
    named = ", ".join(columns)
    insert = f"INSERT INTO {table} ({named}) SELECT * FROM unnest({arrays})"  # noqa: S608 (our names)
    if key is None:
        return insert
    others = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    conflict = f"({', '.join(key)}) DO UPDATE SET {others}" if others else "DO NOTHING"
    return f"{insert} ON CONFLICT {conflict}"


_STATEMENTS = {table: _statement(table) for table in COLUMNS}


def send(pending: Pending, connection: PostgresConnection) -> None:
    """Write everything, in one go over the wire. Raises: psycopg.Error."""
    work = list(pending.rows())
    if not work:
        return
    with connection.pipeline():
        for table, rows in work:
            columns = [list(column) for column in zip(*rows, strict=True)]
            connection.execute(_STATEMENTS[table], columns)
