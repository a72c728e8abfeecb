"""Who does what where: the table of stations and matters with mode, handling and delivery.

One line is one register entry; no rule fills in what a line does not say. The checks ask whether
the lines fit the stations, the matters and each other: a case must be able to reach a station that
may decide it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from casework.matter import parse_matter, task_station
from casework.registers import MODES
from central.imports.days import is_day
from stations.csv_file import CsvRow, read_rows
from stations.errors import Findings
from stations.row import StationRow

COLUMNS = ("station", "matter", "mode", "handling", "delivery", "powers", "from", "to")
POWERS = ("accept", "decide", "issue")
POWER_SEPARATOR = "|"
NOTICE = "告知"
POWERS_OF_MODE = {"直办": {"accept", "decide", "issue"}, "受理": {"accept"}}


def read_services(
    data: bytes,
    file: str,
    *,
    stations: Mapping[str, StationRow],
    matters: Mapping[str, Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Return one services entry per line, in the order of the file.

    Raises: ImportRefused with every problem of the file.
    """
    findings = Findings(file)
    rows = read_rows(data, findings, COLUMNS)
    entries = [_entry(row) for row in rows]
    by_key: dict[tuple[str, str], dict[str, Any]] = {}
    lines: dict[tuple[str, str], int] = {}
    for row, entry in zip(rows, entries, strict=True):
        key = (entry["station"], entry["matter"])
        if key in lines:
            findings.add(
                "duplicate_code",
                row.line,
                f"第 {row.line} 行:该站点的该事项在第 {lines[key]} 行已经写过,请删去一行。",
            )
            continue
        by_key[key], lines[key] = entry, row.line
        _check_words(entry, row.line, findings)
        _check_references(entry, row.line, stations, matters, findings)
    if not rows and not findings.problems:
        findings.add("no_rows", 1, "表里没有内容,请在表头下面逐行填写。")
    findings.refuse_if_any()
    for key, entry in by_key.items():
        for sentence in _dead_ends(entry, by_key, stations, matters[entry["matter"]]):
            findings.add("dead_end", lines[key], f"第 {lines[key]} 行:{sentence}")
    findings.refuse_if_any()
    return entries


def notice_services(
    matters: list[dict[str, Any]], station: str, from_day: str
) -> list[dict[str, Any]]:
    """Return entries by which one station informs about matters it does not take in."""
    return [
        {
            "station": station,
            "matter": matter["code"],
            "mode": NOTICE,
            "handling": station,
            "delivery": station,
            "powers": [],
            "from": from_day,
            "to": "",
        }
        for matter in matters
    ]


def _entry(row: CsvRow) -> dict[str, Any]:
    powers = [power.strip() for power in row["powers"].split(POWER_SEPARATOR) if power.strip()]
    return {**{column: row[column] for column in COLUMNS}, "powers": powers}


def _check_words(entry: dict[str, Any], line: int, findings: Findings) -> None:
    """Note words and days that no line may hold, and powers a mode cannot do without."""
    if entry["mode"] not in MODES:
        findings.add(
            "bad_mode",
            line,
            f"第 {line} 行:办理方式“{entry['mode']}”无法识别,请填 {'、'.join(MODES)} 之一。",
        )
    for power in entry["powers"]:
        if power not in POWERS:
            findings.add(
                "bad_power",
                line,
                f"第 {line} 行:权限“{power}”无法识别,请填 {'、'.join(POWERS)},多个用 | 隔开。",
            )
    lacking = POWERS_OF_MODE.get(entry["mode"], set()) - set(entry["powers"])
    if lacking:
        words = "、".join(sorted(lacking))
        findings.add(
            "power_missing",
            line,
            f"第 {line} 行:办理方式是“{entry['mode']}”,权限还应有 {words},请补上或改办理方式。",
        )
    if not is_day(entry["from"]) or (entry["to"] and not is_day(entry["to"])):
        findings.add(
            "bad_day", line, f"第 {line} 行:日期应写成 2026-01-01 的样子,没有截止日期就留空。"
        )


def _check_references(
    entry: dict[str, Any],
    line: int,
    stations: Mapping[str, StationRow],
    matters: Mapping[str, Mapping[str, Any]],
    findings: Findings,
) -> None:
    """Note stations and matters that do not exist, and matters that cannot be taken in."""
    for column, word in (("station", "站点"), ("handling", "办理地"), ("delivery", "送达地")):
        if entry[column] not in stations:
            findings.add(
                "unknown_station",
                line,
                f"第 {line} 行:{word}“{entry[column]}”不在站点表中,请改正代码。",
            )
    matter = matters.get(entry["matter"])
    if matter is None:
        findings.add(
            "unknown_matter",
            line,
            f"第 {line} 行:事项“{entry['matter']}”不在目录中,请改正编码或先导入该事项。",
        )
        return
    if not matter["materials"] and entry["mode"] != NOTICE:
        findings.add(
            "no_materials",
            line,
            f"第 {line} 行:该事项没有材料清单,只能“告知”,请改办理方式或先补材料清单。",
        )
    station = stations.get(entry["station"])
    if station is not None and station.tier not in matter["tiers"]:
        findings.add(
            "wrong_tier",
            line,
            f"第 {line} 行:该事项的办理层级不含 {station.tier},请改正站点或事项的层级。",
        )


def _dead_ends(
    entry: dict[str, Any],
    by_key: Mapping[tuple[str, str], dict[str, Any]],
    stations: Mapping[str, StationRow],
    matter: Mapping[str, Any],
) -> Iterator[str]:
    """Yield why a case taken in on this line could not be accepted or decided anywhere."""
    if entry["mode"] == NOTICE:
        return
    handling = by_key.get((entry["handling"], entry["matter"]))
    if handling is None or "accept" not in handling["powers"]:
        yield f"办理地 {entry['handling']} 对该事项没有受理权(accept),请补上它的一行或改办理地。"
    parent = stations[entry["handling"]].parent
    for stage in parse_matter(matter).stages:
        for task in stage.tasks:
            place = task_station(
                task, receiving=entry["station"], handling=entry["handling"], parent=parent
            )
            service = by_key.get((place, entry["matter"]))
            if place not in stations:
                yield f"步骤 {task.code} 落在不存在的站点“{place}”,请检查办理地的上级。"
            elif task.deciding and (service is None or "decide" not in service["powers"]):
                yield f"决定步骤落在 {place},但它对该事项没有决定权(decide),请补上或改办理地。"
