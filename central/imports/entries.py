"""Puts the files of the demonstration together into the entries of its registers.

Reads the disk; every file is judged by its own reader, and references between files are checked
with the files already read. Nothing is published here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from central.imports.calendar import read_calendar
from central.imports.divisions import DivisionRow, read_divisions
from central.imports.matters_csv import read_matters_csv
from central.imports.matters_json import read_matters_json
from central.imports.services import notice_services, read_services
from central.imports.staff import read_staff
from stations.entries import to_register_entries
from stations.errors import Findings
from stations.row import StationRow
from stations.table import read_station_table

SHIPPED_DATA = Path(__file__).resolve().parent.parent / "data"
DEMO_INVENTORY = Path(__file__).resolve().parent.parent.parent / "inventory" / "demo"
DEMO_FROM_DAY = "2026-01-01"
DEMO_DIVISION = "530114000000"
NOTICE_FILE = "matters_511602_guangan.csv"
NOTICE_SOURCE = (
    "四川省广安市广安区(511602)公开事项清单的名称,数据来自 v-luobo/zwfw(Apache-2.0),"
    "仅供演示检索,不是呈贡区的事项"
)
KEYS = {
    "matters": ("code",),
    "services": ("station", "matter"),
    "stations": ("code",),
    "staff": ("no",),
    "calendar": ("division", "year"),
}


def entry_key(register: str, entry: dict[str, Any]) -> str:
    """Return the key under which an entry stands in its register."""
    return "/".join(str(entry[field]) for field in KEYS[register])


def load_demo_catalogue(
    data: Path = SHIPPED_DATA, inventory: Path = DEMO_INVENTORY, from_day: str = DEMO_FROM_DAY
) -> dict[str, list[dict[str, Any]]]:
    """Return all entries of the demonstration by register.

    Units: from_day is YYYY-MM-DD, from which stations, staff and notices are valid.
    Raises: ImportRefused for the first file that is refused; nothing of the others is given then.
    """
    rows = _stations(inventory / "stations.csv", _divisions(data / "divisions_sample.csv"))
    stations = {row.code: row for row in rows}
    written = load_village_matters(data / "village_matters")
    matters = {entry["code"]: entry for entry in written}
    services_file = data / "services_demo.csv"
    services = read_services(
        services_file.read_bytes(), services_file.name, stations=stations, matters=matters
    )
    staff_file = inventory / "staff.csv"
    staff = read_staff(
        staff_file.read_bytes(), staff_file.name, stations=stations, from_day=from_day
    )
    notices = read_matters_csv(
        (data / NOTICE_FILE).read_bytes(),
        NOTICE_FILE,
        division=DEMO_DIVISION,
        source=NOTICE_SOURCE,
        effective_from=from_day,
    )
    hall = next(row.code for row in rows if row.division == DEMO_DIVISION)
    return {
        "matters": [*written, *notices],
        "services": [*services, *notice_services(notices, hall, from_day)],
        "stations": to_register_entries(rows, from_day),
        "staff": staff,
        "calendar": load_calendars(data),
    }


def load_village_matters(folder: Path) -> list[dict[str, Any]]:
    """Return the hand-written matters of all files of a folder, in the order of the file names.

    Raises: ImportRefused; a code used in two files is a problem of the later one.
    """
    entries: list[dict[str, Any]] = []
    file_of: dict[str, str] = {}
    for path in sorted(folder.glob("*.json")):
        findings = Findings(path.name)
        for entry in read_matters_json(path.read_bytes(), path.name):
            code = entry["code"]
            if code in file_of:
                findings.add(
                    "duplicate_code", 0, f"事项 {code} 在 {file_of[code]} 里已经有了,请改正编码。"
                )
            file_of[code] = path.name
            entries.append(entry)
        findings.refuse_if_any()
    return entries


def load_calendars(folder: Path) -> list[dict[str, Any]]:
    """Return the calendar years that have been announced: one file each, `calendar_YEAR.json`."""
    return [
        entry
        for path in sorted(folder.glob("calendar_*.json"))
        for entry in read_calendar(path.read_bytes(), path.name)
    ]


def _divisions(path: Path) -> dict[str, DivisionRow]:
    return {row.code: row for row in read_divisions(path.read_bytes(), path.name)}


def _stations(path: Path, divisions: dict[str, DivisionRow]) -> list[StationRow]:
    """Return the station table after asking whether its divisions exist.

    The centre's division lies above the sample of divisions and is not looked up.
    """
    rows = read_station_table(path.read_bytes(), path.name)
    findings = Findings(path.name)
    for row in rows:
        if row.parent and row.division not in divisions:
            findings.add(
                "unknown_division",
                row.line,
                f"第 {row.line} 行:区划代码“{row.division}”不在区划表中,请改正。",
            )
    findings.refuse_if_any()
    return rows
