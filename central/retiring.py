"""Merged stations: closed in the stations register from a day on, whatever is imported later."""

from __future__ import annotations

from typing import Any

from sync.protocol.ports import Transaction

RETIRED = "retired_station"
"""Statement kind at central: ref the station, content the day it closed and what took over."""


def note(transaction: Transaction, station: str, day: str, into: str) -> None:
    """Book a merger, to be part of every edition from now on. Shapes: `day` as YYYY-MM-DD."""
    transaction.put_statement(RETIRED, station, f"{day} {into}".encode())


def noted(transaction: Transaction) -> dict[str, tuple[str, str]]:
    """Return day and successor of every merged station."""
    found = {}
    for station, raw in transaction.statements(RETIRED):
        day, into = raw.decode().split(" ")
        found[station] = (day, into)
    return found


def overlaid(
    transaction: Transaction, catalogue: dict[str, list[dict[str, Any]]]
) -> dict[str, list[dict[str, Any]]]:
    """Return a catalogue whose stations say which of them were merged."""
    merged = noted(transaction)
    if not merged or "stations" not in catalogue:
        return catalogue
    rows = [
        {**row, "closed": merged[row["code"]][0], "into": merged[row["code"]][1]}
        if row["code"] in merged
        else row
        for row in catalogue["stations"]
    ]
    return {**catalogue, "stations": rows}
