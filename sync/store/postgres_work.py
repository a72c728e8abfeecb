"""A remembering transaction over a wire: what it reads ahead and what it sends go in one go."""

from __future__ import annotations

from sync.protocol.names import EventName
from sync.store import postgres_bulk
from sync.store.pending import Pending
from sync.store.postgres import PostgresConnection
from sync.store.remembering import Ahead, RememberingTransaction
from sync.store.sql import Connection
from sync.store.sql_events import SELECT

_NAMED = (
    f"{SELECT} JOIN unnest(?::text[], ?::bigint[], ?::bigint[])"
    " AS asked (of_station, of_epoch, of_position)"
    " ON station = of_station AND epoch = of_epoch AND position = of_position"
    " WHERE standing <> 'recovered'"
)
_OF_STREAMS = f"{SELECT} WHERE stream = ANY(?::text[]) ORDER BY arrival"
_AUDIENCES = "SELECT stream, station FROM audiences WHERE stream = ANY(?::text[])"
_ROUTES = "SELECT stream, link FROM routes WHERE stream = ANY(?::text[])"


class PostgresTransaction(RememberingTransaction):
    """Implements `ports.Transaction` for the one writer of a server's database."""

    def __init__(self, connection: Connection) -> None:
        assert isinstance(connection, PostgresConnection)
        super().__init__(connection)
        self._wire = connection

    def _send(self, pending: Pending) -> None:
        postgres_bulk.send(pending, self._wire)

    def _read_ahead(self, names: list[EventName], streams: list[str]) -> Ahead:
        with self._wire.pipeline():
            named = self._wire.execute(_NAMED, [list(part) for part in zip(*names, strict=True)])
            of_streams = self._wire.execute(_OF_STREAMS, [streams])
            members = self._wire.execute(_AUDIENCES, [streams])
            routes = self._wire.execute(_ROUTES, [streams])
        return Ahead(named, of_streams, members, routes)
