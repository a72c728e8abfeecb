"""Fetching a rebuilt station's records from its parent, there and then, with progress."""

from __future__ import annotations

import time
from collections.abc import Callable

from node.agent import Road
from node.program import Node
from sync.protocol.errors import SyncError

ROUNDS_MAX = 5000
TELL_EVERY_SECONDS = 1.0
QUIET_ROUNDS = 2
"""After so many rounds in a row that brought nothing more, the parent has no more to give now."""


def fetch(node: Node, road: Road, say: Callable[[str], None]) -> str:
    """Make rounds until the own log goes on and the parent has no more; return what is lacking.

    Shapes: "" when all is here, else one sentence.
    """
    told, quiet = time.monotonic(), 0
    try:
        for _ in range(ROUNDS_MAX):
            more = node.rounds.take_answer(road.round(node.rounds.begin())).more
            quiet = 0 if more else quiet + 1
            if time.monotonic() - told > TELL_EVERY_SECONDS:
                told = time.monotonic()
                say(f"已取回 {_held(node)} 条记录 …")
            if quiet > QUIET_ROUNDS:
                break
    except SyncError as error:
        return error.sentence
    finally:
        road.close()
    return "上级还没有把本站的记录交齐。" if node.life.halted else ""


def _held(node: Node) -> int:
    with node.database.read() as transaction:
        return transaction.event_count()
