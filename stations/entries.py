"""Rows of the station table as entries of the stations register, with what was valid before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stations.row import StationRow

Entry = dict[str, Any]


def to_register_entries(rows: Sequence[StationRow], from_day: str) -> list[Entry]:
    """Return the entries of the stations register, valid from the given day.

    Units: from_day is YYYY-MM-DD.
    """
    return [_entry(row, from_day) for row in rows]


def _entry(row: StationRow, from_day: str) -> Entry:
    entry: Entry = {
        "code": row.code,
        "tier": row.tier,
        "attributes": [
            {"from": from_day, "name": row.name, "division": row.division, "parent": row.parent}
        ],
        "closed": "",
    }
    if row.url:
        entry["url"] = row.url
    if row.fallbacks:
        entry["fallbacks"] = list(row.fallbacks)
    if row.supervising:
        entry["supervising"] = row.supervising
    return entry


def with_history(entries: Sequence[Entry], before: Mapping[str, Entry], day: str) -> list[Entry]:
    """Return new entries with what was valid before them: a moved station keeps its old parents.

    Shapes: `before` earlier entries by code; `day` is YYYY-MM-DD, from which a difference counts.
    A station whose name, division or parent differ gets a further dated attribute; a second change
    on one day takes the place of the first.
    """
    return [_dated(entry, before.get(entry["code"]), day) for entry in entries]


def _dated(entry: Entry, earlier: Entry | None, day: str) -> Entry:
    if earlier is None:
        return entry
    now, kept = entry["attributes"][-1], list(earlier["attributes"])
    if not _same(now, kept[-1]):
        kept = [one for one in kept if one["from"] < day]
        kept.append({**now, "from": day})
    return {**entry, "attributes": kept}


def _same(left: Entry, right: Entry) -> bool:
    return all(left[name] == right[name] for name in ("name", "division", "parent"))
