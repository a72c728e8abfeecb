"""Links to children and to the parent, and routes, in SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from sync.protocol.ports import ChildLink, ParentLink
from sync.store.sqlite_table import SqliteTable

# Columns stand in the order of the struct's fields; the contract suite's round trips hold it.
_CHILD_SELECT = (
    "SELECT station, epoch, incarnation, token, token_before, challenge, acknowledged, digest,"
    " healed, last_contact_ms, first_contact_ms, rounds, suspect, health FROM child_links"
)
_CHILD_PUT = (
    "REPLACE INTO child_links (station, epoch, incarnation, token, token_before, challenge,"
    " acknowledged, digest, healed, last_contact_ms, first_contact_ms, rounds, suspect, health)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_PARENT_SELECT = (
    "SELECT station, incarnation, token, challenge, nonce, received, digest, told_editions,"
    " last_attempt_ms, last_success_ms, failures, verdict, hint_ms, dictionary FROM parent_link"
)
_PARENT_PUT = (
    "REPLACE INTO parent_link (only, station, incarnation, token, challenge, nonce, received,"
    " digest, told_editions, last_attempt_ms, last_success_ms, failures, verdict, hint_ms,"
    " dictionary) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class SqliteLinkTable(SqliteTable):
    """Implements the links and routes of `ports.LinkTable`."""

    __slots__ = ()

    def child_link(self, station: str) -> ChildLink | None:
        row = self.connection.execute(f"{_CHILD_SELECT} WHERE station = ?", (station,)).fetchone()
        return None if row is None else ChildLink(*row)

    def put_child_link(self, link: ChildLink) -> None:
        self.connection.execute(_CHILD_PUT, msgspec.structs.astuple(link))

    def child_links(self) -> Sequence[ChildLink]:
        """All children in the order of their codes."""
        return [
            ChildLink(*row) for row in self.connection.execute(f"{_CHILD_SELECT} ORDER BY station")
        ]

    def parent_link(self) -> ParentLink | None:
        row = self.connection.execute(_PARENT_SELECT).fetchone()
        return None if row is None else _parent(row)

    def put_parent_link(self, link: ParentLink) -> None:
        self.connection.execute(_PARENT_PUT, msgspec.structs.astuple(link))

    def routes(self, stream: str) -> frozenset[str]:
        rows = self.connection.execute("SELECT link FROM routes WHERE stream = ?", (stream,))
        return frozenset(link for (link,) in rows)

    def add_route(self, stream: str, link: str) -> None:
        self.connection.execute(
            "INSERT INTO routes (stream, link) VALUES (?, ?) ON CONFLICT DO NOTHING", (stream, link)
        )

    def drop_route(self, stream: str, link: str) -> None:
        self.connection.execute("DELETE FROM routes WHERE stream = ? AND link = ?", (stream, link))

    def streams_routed(self, link: str) -> frozenset[str]:
        rows = self.connection.execute("SELECT stream FROM routes WHERE link = ?", (link,))
        return frozenset(stream for (stream,) in rows)


def _parent(row: Any) -> ParentLink:
    link = ParentLink(*row)
    # SQLite has no truth values.
    return msgspec.structs.replace(link, told_editions=bool(link.told_editions))
