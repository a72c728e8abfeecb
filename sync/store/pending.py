"""What a transaction has written and not yet sent: each key once, with its newest value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sync.protocol.names import LogName
from sync.protocol.ports import ChildLink, LogState, StoredEvent
from sync.store.sql_events import COLUMNS as EVENT_COLUMNS
from sync.store.sql_events import row_of
from sync.store.sql_logs import COLUMNS as LOG_COLUMNS

COLUMNS: dict[str, tuple[str, ...]] = {
    "events": EVENT_COLUMNS,
    "audiences": ("stream", "station"),
    "routes": ("stream", "link"),
    "logs": LOG_COLUMNS,
    "child_links": ChildLink.__struct_fields__,
    "statements": ("kind", "ref", "raw"),
    "outbox": ("link", "kind", "ref", "sequence"),
    "meta": ("key", "value"),
}
"""Columns of the rows of `Pending`, by table and in the order they are sent."""
KEYS: dict[str, tuple[str, ...]] = {
    "audiences": ("stream", "station"),
    "routes": ("stream", "link"),
    "logs": ("station", "epoch"),
    "child_links": ("station",),
    "statements": ("kind", "ref"),
    "outbox": ("link", "kind", "ref"),
    "meta": ("key",),
}
"""A row takes the place of the one with the same key. An event never does: its name was looked up,
and should one slip through, all is undone."""


@dataclass(slots=True)
class Pending:
    """Rows to be written."""

    meta: dict[str, str] = field(default_factory=dict)
    logs: dict[LogName, LogState] = field(default_factory=dict)
    events: list[StoredEvent] = field(default_factory=list)
    audiences: dict[str, set[str]] = field(default_factory=dict)
    routes: dict[str, set[str]] = field(default_factory=dict)
    links: dict[str, ChildLink] = field(default_factory=dict)
    statements: dict[tuple[str, str], bytes] = field(default_factory=dict)
    outbox: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def rows(self) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
        """Yield each table that has any rows, with them."""
        as_tuple = msgspec.structs.astuple
        found: tuple[tuple[str, list[tuple[Any, ...]]], ...] = (
            ("events", [row_of(event) for event in self.events]),
            ("audiences", _pairs(self.audiences)),
            ("routes", _pairs(self.routes)),
            ("logs", [(*log.name, *as_tuple(log)[1:]) for log in self.logs.values()]),
            ("child_links", [as_tuple(link) for link in self.links.values()]),
            ("statements", [(*key, raw) for key, raw in self.statements.items()]),
            ("outbox", [(*key, sequence) for key, sequence in self.outbox.items()]),
            ("meta", list(self.meta.items())),
        )
        yield from ((table, rows) for table, rows in found if rows)


def _pairs(many: dict[str, set[str]]) -> list[tuple[Any, ...]]:
    return [(key, value) for key, values in many.items() for value in sorted(values)]
