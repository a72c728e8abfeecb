"""What a transaction has written and not yet sent, and how it goes out: one statement per table.

Rows travel as one binary array per column, taken apart by `unnest`: of what can be repeated without
harm the quickest way measured, by far (research: limits, C2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sync.protocol.names import LogName
from sync.protocol.ports import ChildLink, LogState, StoredEvent
from sync.store.postgres import PostgresConnection
from sync.store.sql_events import COLUMNS as EVENT_COLUMNS
from sync.store.sql_events import row_of
from sync.store.sql_logs import COLUMNS as LOG_COLUMNS

_TYPES = {"str": "text", "int": "bigint", "bool": "bigint", "bytes": "bytea"}
_EVENT_TYPES = {
    **dict.fromkeys(EVENT_COLUMNS, "text"),
    **dict.fromkeys(("arrival", "epoch", "position", "hlc", "received_ms"), "bigint"),
    **dict.fromkeys(("envelope", "signature", "salt", "body", "chain"), "bytea"),
}


def _types_of(struct: type[msgspec.Struct], columns: Sequence[str]) -> list[str]:
    """Return the database's types of a struct's columns, by its annotations."""
    noted = struct.__annotations__
    return [_TYPES[noted[name]] for name in columns]


def _insert(table: str, columns: Sequence[str], types: Iterable[str]) -> str:
    arrays = ", ".join(f"?::{kind}[]" for kind in types)
    named = ", ".join(columns)
    return f"INSERT INTO {table} ({named}) SELECT * FROM unnest({arrays})"  # noqa: S608 (our names)


def _put(table: str, columns: Sequence[str], types: Iterable[str], key: Sequence[str]) -> str:
    others = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    conflict = f"({', '.join(key)}) DO UPDATE SET {others}" if others else "DO NOTHING"
    return f"{_insert(table, columns, types)} ON CONFLICT {conflict}"


_CHILD = ChildLink.__struct_fields__
_META = _put("meta", ("key", "value"), ("text", "text"), ("key",))
_LOGS = _put(
    "logs",
    LOG_COLUMNS,
    ("text", "bigint", *_types_of(LogState, LOG_COLUMNS[2:])),
    ("station", "epoch"),
)
# A name that is held was refused before it came here; should one slip through, all is undone.
_EVENTS = _insert("events", EVENT_COLUMNS, [_EVENT_TYPES[name] for name in EVENT_COLUMNS])
_AUDIENCES = _put("audiences", ("stream", "station"), ("text",) * 2, ("stream", "station"))
_ROUTES = _put("routes", ("stream", "link"), ("text",) * 2, ("stream", "link"))
_LINKS = _put("child_links", _CHILD, _types_of(ChildLink, _CHILD), ("station",))
_STATEMENTS = _put("statements", ("kind", "ref", "raw"), ("text", "text", "bytea"), ("kind", "ref"))
_OUTBOX = _put(
    "outbox",
    ("link", "kind", "ref", "sequence"),
    ("text", "text", "text", "bigint"),
    ("link", "kind", "ref"),
)


@dataclass(slots=True)
class Pending:
    """Rows to be written, each key once and with its newest value."""

    meta: dict[str, str] = field(default_factory=dict)
    logs: dict[LogName, LogState] = field(default_factory=dict)
    events: list[StoredEvent] = field(default_factory=list)
    audiences: dict[str, set[str]] = field(default_factory=dict)
    routes: dict[str, set[str]] = field(default_factory=dict)
    links: dict[str, ChildLink] = field(default_factory=dict)
    statements: dict[tuple[str, str], bytes] = field(default_factory=dict)
    outbox: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def send(self, connection: PostgresConnection) -> None:
        """Write everything, in one go over the wire. Raises: psycopg.Error."""
        work = [(sql, rows) for sql, rows in self._work() if rows]
        if not work:
            return
        with connection.pipeline():
            for sql, rows in work:
                connection.execute(sql, [list(column) for column in zip(*rows, strict=True)])

    def _work(self) -> Iterable[tuple[str, list[tuple[Any, ...]]]]:
        yield _EVENTS, [row_of(event) for event in self.events]
        yield _AUDIENCES, _pairs(self.audiences)
        yield _ROUTES, _pairs(self.routes)
        yield (
            _LOGS,
            [(*log.name, *msgspec.structs.astuple(log)[1:]) for log in self.logs.values()],
        )
        yield _LINKS, [msgspec.structs.astuple(link) for link in self.links.values()]
        yield _STATEMENTS, [(*key, raw) for key, raw in self.statements.items()]
        yield _OUTBOX, [(*key, sequence) for key, sequence in self.outbox.items()]
        yield _META, list(self.meta.items())


def _pairs(many: dict[str, set[str]]) -> list[tuple[Any, ...]]:
    return [(key, value) for key, values in many.items() for value in sorted(values)]
