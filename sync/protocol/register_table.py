"""The port of editions applied at a node and of their entries; part of `ports.Transaction`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from sync.protocol.registers import Entry, Shelf

Leaving = Callable[[Entry], None]
"""Told an entry that an edition takes away or changes, as it was, before it is gone."""


class RegisterTable(Protocol):
    """Editions of shelves applied here, and their entries."""

    def edition(self, shelf: Shelf) -> int: ...

    def editions(self) -> dict[str, int]: ...

    def replace_shelf(
        self,
        shelf: Shelf,
        edition: int,
        entries: Iterable[Entry],
        leaving: Leaving | None = None,
    ) -> None:
        """Make a shelf hold exactly these entries, read as they come, each key once.

        Shapes: `leaving` is told every entry that goes or is changed, as it was.
        """
        ...

    def change_shelf(
        self,
        shelf: Shelf,
        edition: int,
        put: Iterable[Entry],
        drop: Sequence[str],
        leaving: Leaving | None = None,
    ) -> None:
        """Put and drop these entries of a shelf and touch no other; `leaving` as above."""
        ...

    def shelf_keys(self, shelf: Shelf) -> Sequence[str]:
        """Keys of a shelf in order."""
        ...

    def shelf_entries(self, shelf: Shelf) -> Iterator[Entry]:
        """Entries of a shelf in order of their keys, read a few at a time."""
        ...

    def shelf_entry(self, shelf: Shelf, key: str) -> Entry | None: ...

    def entries(self, register: str) -> Sequence[Entry]:
        """All entries of a register over its shelves, in (shelf, key) order."""
        ...

    def entry(self, register: str, key: str) -> Entry | None: ...
