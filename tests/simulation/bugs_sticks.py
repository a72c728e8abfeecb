"""Seeded bugs of files and of restores."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from sync.engine import (
    file_book,
    file_down,
    file_make,
    file_up,
    give_back,
    lives,
    purge,
)
from tests.simulation.planting import Patch


def stick_unpurged() -> list[Patch]:
    """What was purged is stored with its body when it comes by stick."""

    def careless(original: Any) -> Any:
        def take_events(*given: Any) -> Any:
            with patch.object(purge, "spared", lambda transaction, name, event: event):
                return original(*given)

        return take_events

    return [(place, "take_events", careless(place.take_events)) for place in (file_up, file_down)]


def stick_ends_where_one_is() -> list[Patch]:
    """A stick begins behind what any node above holds, not behind what all of them do."""

    def base(core: Any, shape: Any, transaction: Any, log: Any, now_ms: int) -> int:
        said = file_book.receipts_of(core, shape, transaction, log.name)
        return max([log.central_position, log.parent_position, *(one.position for one in said)])

    return [(file_book, "base", base)]


def stick_acknowledges() -> list[Patch]:
    """What a stick down holds counts as delivered when it is made."""
    original = file_make.begin_down

    def begin_down(core: Any, transaction: Any, now_ms: int, station: str) -> Any:
        draft = original(core, transaction, now_ms, station)
        transaction.acknowledge(station, draft.through)
        return draft

    return [(file_make, "begin_down", begin_down)]


def offers_nothing_back() -> list[Patch]:
    """Below a node that was put back nobody offers what it lost."""
    return [(give_back, "offer_back", lambda *_: 0)]


def lost_not_told() -> list[Patch]:
    """The next epoch closes the one before where it is held, and names nothing as lost."""

    def last_known(transaction: Any, former: Any, heard: int) -> tuple[int, list[int]]:
        return transaction.log(former).position, []

    return [(lives, "_last_known", last_known)]
