"""Links to children and to the parent, and routes, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from sync.protocol.ports import ChildLink, ParentLink
from sync.store.sql_table import SqlTable, select, upsert

# Columns are called like the struct's fields and stand in their order.
_CHILD = ChildLink.__struct_fields__
_CHILD_SELECT = select("child_links", _CHILD)
_CHILD_PUT = upsert("child_links", _CHILD, ("station",))
_PARENT = ParentLink.__struct_fields__
_PARENT_SELECT = select("parent_link", _PARENT)
_PARENT_PUT = upsert("parent_link", ("single", *_PARENT), ("single",))


class SqlLinkTable(SqlTable):
    """Implements the links and routes of `ports.LinkTable`."""

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
        self.connection.execute(_PARENT_PUT, (1, *msgspec.structs.astuple(link)))

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
    # Truth values are kept as 0 and 1, because SQLite has no others.
    return msgspec.structs.replace(link, told_editions=bool(link.told_editions))
