"""Which entries go to which shelf, and whether every station finds on its shelves what it needs.

A matter stands on the shelf of its division for each tier that handles it. What a station does and
who works there stands on the shelf of the station's own division and tier, so that a village loads
its own rows and no neighbour's. Stations share one shelf per branch below the centre.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from casework.matter import parse_matter, task_station
from casework.registers import StationTree, parse_station
from central.imports.entries import KEYS, entry_key
from stations.errors import Problem
from sync.engine.tree import ALL_TIERS, NATION
from sync.protocol import canonical
from sync.protocol.registers import Entry, Shelf

Catalogue = Mapping[str, list[dict[str, Any]]]
"""Entries by register name."""
REGISTERS = tuple(sorted(KEYS, key=["calendar", "stations", "matters", "services", "staff"].index))
"""In the order of publication: what others refer to goes first."""
REGISTER_TITLES = {
    "calendar": "工作日历",
    "stations": "站点",
    "matters": "事项",
    "services": "办理关系",
    "staff": "人员",
}
TIER_TITLES = {
    "central": "中心",
    "district": "区县",
    "township": "乡镇街道",
    "village": "村社区",
    ALL_TIERS: "各级",
}
NOTICE = "告知"


def station_tree(catalogue: Catalogue, today: date) -> StationTree:
    """Return the tree of the catalogue's stations as it stands on a day."""
    return StationTree([parse_station(row) for row in catalogue.get("stations", [])], today)


def distribute(catalogue: Catalogue, today: date) -> dict[Shelf, list[Entry]]:
    """Return the whole content of every shelf the catalogue calls for, registers in order."""
    tree = station_tree(catalogue, today)
    shelves: dict[Shelf, list[Entry]] = defaultdict(list)
    for register in REGISTERS:
        for row in catalogue.get(register, []):
            entry = Entry(entry_key(register, row), canonical.dumps(row))
            for shelf in _places(register, row, tree):
                shelves[shelf].append(entry)
    return dict(shelves)


def _places(register: str, row: Mapping[str, Any], tree: StationTree) -> Iterator[Shelf]:
    if register == "calendar":
        yield Shelf(register, row["division"], ALL_TIERS)
    elif register == "matters":
        for tier in row["tiers"]:
            yield Shelf(register, row["division"], tier)
    elif register == "stations":
        yield Shelf(register, branch_division(tree, row["code"]), ALL_TIERS)
    else:
        code = row["station"]
        yield Shelf(register, tree.division(code) or NATION, tree.tier(code))


def branch_division(tree: StationTree, station: str) -> str:
    """Return the division of a station's ancestor directly below the centre, or its own."""
    path = [station, *tree.ancestors(station)]
    top = path[-2] if len(path) > 1 else path[0]
    return tree.division(top) or NATION


def scopes(tree: StationTree, station: str) -> frozenset[tuple[str, str]]:
    """Return the (division, tier) pairs a station reads; the engine reckons the same."""
    divisions = {tree.division(code) or NATION for code in (station, *tree.ancestors(station))}
    tiers = (tree.tier(station), ALL_TIERS)
    return frozenset((division, tier) for division in (NATION, *divisions) for tier in tiers)


def unreachable(catalogue: Catalogue, today: date) -> list[Problem]:
    """Return where a station takes part in a matter that stands on none of its shelves."""
    tree = station_tree(catalogue, today)
    matters = {row["code"]: row for row in catalogue.get("matters", [])}
    reads = {code: scopes(tree, code) for code in tree.codes()}
    missing: dict[tuple[str, str], str] = {}
    for service in catalogue.get("services", []):
        matter = matters.get(service["matter"])
        if matter is None:
            continue
        on = {(matter["division"], tier) for tier in matter["tiers"]}
        for code, why in _taking_part(service, matter, tree):
            if code in reads and on.isdisjoint(reads[code]):
                missing.setdefault((code, matter["code"]), why)
    return [
        Problem(
            "matter_not_on_shelf",
            "services",
            0,
            f"站点 {code} 是事项 {matter} 的{why},但该事项的区划或办理层级不含本站点,"
            "它收不到这个事项。请改事项的“tiers”“division”,或改办理关系。",
        )
        for (code, matter), why in sorted(missing.items())
    ]


def _taking_part(
    service: Mapping[str, Any], matter: Mapping[str, Any], tree: StationTree
) -> Iterator[tuple[str, str]]:
    yield service["station"], "办理站点"
    if service["mode"] == NOTICE:
        return
    handling = service["handling"] or service["station"]
    yield handling, "办理地"
    yield service["delivery"] or service["station"], "送达地"
    for stage in parse_matter(matter).stages:
        for task in stage.tasks:
            place = task_station(
                task,
                receiving=service["station"],
                handling=handling,
                parent=tree.parent(handling),
            )
            yield place, f"步骤 {task.code} 的承办站点"
