"""Seeded bugs of casework and of the desk that joins it to the engine."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from msgspec.structs import replace

import casework.fold
import node.desk
from casework import custody, events
from casework.errors import OpeningMissing
from node import facts
from node.program import Node
from sync.protocol.errors import StorageError
from tests.simulation.planting import Patch


def receive_time_orders() -> list[Patch]:
    """Commuting events are ordered by when they came in here."""
    original = facts.case_event

    def case_event(core: Any, stored: Any) -> Any:
        return original(core, replace(stored, hlc=stored.received_ms * 1024))

    return [(node.desk, "case_event", case_event)]


def takeover_ignored() -> list[Patch]:
    """A takeover ranks behind an acceptance instead of before it."""
    original = custody._precedence

    def precedence(claim: Any) -> Any:
        rank, *rest = original(claim)
        return (1 - rank, *rest)

    return [(custody, "_precedence", precedence)]


def takeover_not_followed() -> list[Patch]:
    """The custody fold does not know takeovers."""
    original = custody._may_follow

    def may_follow(claim: Any, link: Any) -> bool:
        return claim.event.type != events.TAKEN_OVER and original(claim, link)

    return [(custody, "_may_follow", may_follow)]


def claims_believed() -> list[Patch]:
    """Who takes a case over is believed the depth he claims for himself."""
    original = custody.lacks_right

    def lacks_right(event: Any, opening: Any) -> str:
        return "" if event.type == events.TAKEN_OVER else original(event, opening)

    def tier(event: Any) -> int:
        return int(event.body["depth"])

    return [(custody, "lacks_right", lacks_right), (custody, "tier", tier)]


def number_of_anybody() -> list[Patch]:
    """Any station in the audience may give a case its official number."""
    return [(casework.fold, "STATED_AUTHORS", {})]


def broken_fold_stops() -> list[Patch]:
    """A stream whose fold fails takes the whole projection with it."""

    def show(self: Any, transaction: Any, now_ms: int, stream: str, written: list[str]) -> None:
        with suppress(OpeningMissing):
            self._project(transaction, now_ms, stream, written)

    return [(node.desk.CaseDesk, "_show", show)]


def saved_before_commit() -> list[Patch]:
    """The clerk is told it is saved although the commit failed."""
    desk_act, node_act = node.desk.CaseDesk.act, Node.act
    last: list[Any] = []

    def drafted(self: Any, *given: Any, **named: Any) -> Any:
        last[:] = [desk_act(self, *given, **named)]
        return last[0]

    def act(self: Any, **named: Any) -> Any:
        last.clear()
        try:
            return node_act(self, **named)
        except StorageError:
            if last:
                return last[0]
            raise

    return [(node.desk.CaseDesk, "act", drafted), (Node, "act", act)]
