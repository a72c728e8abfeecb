"""What every table group has: the connection it works on."""

from __future__ import annotations

from sync.store.library import Connection


class SqliteTable:
    """Base of the table groups of one transaction."""

    __slots__ = ("connection",)

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
