"""An imported station table meets the one before: moves are dated, nobody falls out unnoticed."""

from __future__ import annotations

from central import retiring
from central.catalogue import staged
from central.shelves import Catalogue
from node.registry import day_of
from stations import plan
from stations.entries import Entry, with_history
from stations.errors import ImportRefused, Problem
from sync.protocol.ports import Transaction

STATIONS = "stations"
NAMED_MAX = 10


def joined(
    transaction: Transaction, catalogue: Catalogue, now_ms: int
) -> tuple[dict[str, list[Entry]], list[plan.Step]]:
    """Return the catalogue with the history of its stations, and the steps from what was staged.

    A station that moved keeps its old parents with their days, so that what is under way by the
    old road is still routed; merged stations stay in the register whatever a table leaves out.
    Raises: ImportRefused (station_gone) for a station left out that was never merged.
    """
    earlier = retiring.overlaid(transaction, staged(transaction)).get(STATIONS, [])
    before = {row["code"]: row for row in earlier}
    rows = catalogue.get(STATIONS, [])
    steps = plan.compare(before, rows) if before else []
    gone = [step.station for step in steps if step.kind == plan.GONE]
    if gone:
        raise ImportRefused((_gone(gone),))
    named = {row["code"] for row in rows}
    dated = with_history(rows, before, day_of(now_ms).isoformat())
    kept = [row for row in earlier if row["code"] not in named]
    return {**catalogue, STATIONS: [*dated, *kept]}, steps


def _gone(codes: list[str]) -> Problem:
    shown = "、".join(codes[:NAMED_MAX]) + ("等" if len(codes) > NAMED_MAX else "")
    return Problem(
        "station_gone",
        "stations.csv",
        0,
        f"表里少了 {len(codes)} 个原有的站点({shown})。撤并的请先执行 yizhan-central retire,"
        "漏掉的请补回来。",
    )
