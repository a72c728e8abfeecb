"""Links, routes, outboxes, statements and settings of the memory store."""

from __future__ import annotations

from collections.abc import Sequence

from sync.protocol.ports import ChildLink, OutboxItem, ParentLink
from tests.fakes.memory_tables import MemoryTable

_ONLY = 1


class MemoryLinkTable(MemoryTable):
    """Implements `ports.LinkTable`, `ports.StatementTable` and `ports.MetaTable`."""

    def meta(self, key: str) -> str | None:
        return self.tables.meta.get(key)

    def set_meta(self, key: str, value: str) -> None:
        self._put(self.tables.meta, key, value)

    def child_link(self, station: str) -> ChildLink | None:
        return self.tables.child_links.get(station)

    def put_child_link(self, link: ChildLink) -> None:
        self._put(self.tables.child_links, link.station, link)

    def child_links(self) -> Sequence[ChildLink]:
        return [self.tables.child_links[code] for code in sorted(self.tables.child_links)]

    def parent_link(self) -> ParentLink | None:
        return self.tables.parent_link.get(_ONLY)

    def put_parent_link(self, link: ParentLink) -> None:
        self._put(self.tables.parent_link, _ONLY, link)

    def routes(self, stream: str) -> frozenset[str]:
        return frozenset(self.tables.routes.get(stream, ()))

    def add_route(self, stream: str, link: str) -> None:
        self._put(self.tables.routes[stream], link, True)
        self._put(self.tables.routed[link], stream, True)

    def drop_route(self, stream: str, link: str) -> None:
        self._drop(self.tables.routes[stream], link)
        self._drop(self.tables.routed[link], stream)

    def streams_routed(self, link: str) -> frozenset[str]:
        return frozenset(self.tables.routed.get(link, ()))

    def enqueue(self, link: str, kind: str, ref: str) -> None:
        sequence = self.last_sequence(link) + 1
        self._put(self.tables.sequences, link, sequence)
        owed = self.tables.owed.get((link, kind, ref))
        if owed is not None:
            self._drop(self.tables.outbox[link], owed)
        self._put(self.tables.owed, (link, kind, ref), sequence)
        self._put(self.tables.outbox[link], sequence, (kind, ref))

    def outbox(self, link: str, after: int, limit: int) -> Sequence[OutboxItem]:
        owed = self.tables.outbox.get(link, {})
        # Sorted, because a rollback puts items back behind those that stayed.
        sequences = [sequence for sequence in sorted(owed) if sequence > after]
        return [OutboxItem(sequence, *owed[sequence]) for sequence in sequences[:limit]]

    def outbox_count(self, link: str) -> int:
        return len(self.tables.outbox.get(link, {}))

    def acknowledge(self, link: str, through: int) -> None:
        owed = self.tables.outbox.get(link, {})
        for sequence in [sequence for sequence in owed if sequence <= through]:
            self._drop(self.tables.owed, (link, *owed[sequence]))
            self._drop(owed, sequence)

    def last_sequence(self, link: str) -> int:
        return self.tables.sequences.get(link, 0)

    def statement(self, kind: str, ref: str) -> bytes | None:
        return self.tables.statements.get(kind, {}).get(ref)

    def put_statement(self, kind: str, ref: str, raw: bytes) -> None:
        self._put(self.tables.statements[kind], ref, raw)

    def drop_statement(self, kind: str, ref: str) -> None:
        self._drop(self.tables.statements[kind], ref)

    def statements(self, kind: str) -> Sequence[tuple[str, bytes]]:
        return sorted(self.tables.statements.get(kind, {}).items())
