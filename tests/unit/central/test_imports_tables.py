"""Importing services, staff, calendars and divisions: what fits together and what does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from central.imports import ImportRefused
from central.imports.calendar import read_calendar
from central.imports.divisions import read_divisions
from central.imports.entries import (
    DEMO_INVENTORY,
    SHIPPED_DATA,
    load_demo_catalogue,
    load_village_matters,
)
from central.imports.services import read_services
from central.imports.staff import read_staff
from central.tools.make_calendar import calendar_entry, main
from stations.table import read_station_table

SERVICES = (SHIPPED_DATA / "services_demo.csv").read_text(encoding="utf-8")
STAFF = (DEMO_INVENTORY / "staff.csv").read_text(encoding="utf-8")
DIVISIONS = (SHIPPED_DATA / "divisions_sample.csv").read_text(encoding="utf-8")
STATIONS = {
    row.code: row
    for row in read_station_table((DEMO_INVENTORY / "stations.csv").read_bytes(), "stations.csv")
}
MATTERS = {entry["code"]: entry for entry in load_village_matters(SHIPPED_DATA / "village_matters")}
MATTERS["NAME-0001"] = {**MATTERS["CG-MZ-0101"], "code": "NAME-0001", "materials": []}
MATTERS["TOWN-0001"] = {**MATTERS["CG-MZ-0101"], "code": "TOWN-0001", "tiers": ["township"]}


def services(text: str) -> list[dict[str, Any]]:
    """Import a services table against the stations and matters of the demonstration."""
    return read_services(text.encode(), "services.csv", stations=STATIONS, matters=MATTERS)


def staff(text: str) -> list[dict[str, Any]]:
    """Import a staff table against the stations of the demonstration."""
    return read_staff(text.encode(), "staff.csv", stations=STATIONS, from_day="2026-01-01")


def divisions(text: str) -> list[Any]:
    """Import a list of divisions."""
    return read_divisions(text.encode(), "divisions.csv")


def check_refused(read: Any, text: str, *expected: tuple[str, int]) -> ImportRefused:
    """Assert that a text is refused with exactly these codes and lines."""
    with pytest.raises(ImportRefused) as refusal:
        read(text)
    found = [(problem.code, problem.line) for problem in refusal.value.problems]
    assert list(expected) == found
    assert all(problem.sentence for problem in refusal.value.problems)
    return refusal.value


def test_the_demo_services_are_imported_line_by_line() -> None:
    """One entry per line, with powers as a list and no end day."""
    entries = services(SERVICES)
    assert SERVICES.count("\n") - 1 == len(entries)
    expected = {
        "station": "CG0111",
        "matter": "CG-CW-0101",
        "mode": "直办",
        "handling": "CG0111",
        "delivery": "CG0111",
        "powers": ["accept", "decide", "issue"],
        "from": "2026-01-01",
        "to": "",
    }
    assert expected in entries


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("CG9999,CG-MZ-0101,代收,CG0101,CG0111,,2026-01-01,", "unknown_station"),
        ("CG0001,CG-MZ-9999,告知,CG0001,CG0001,,2026-01-01,", "unknown_matter"),
        ("CG0111,NAME-0001,代收,CG0101,CG0111,,2026-01-01,", "no_materials"),
        ("CG0111,TOWN-0001,告知,CG0101,CG0111,,2026-01-01,", "wrong_tier"),
        ("CG0111,NAME-0001,协办,CG0101,CG0111,,2026-01-01,", "bad_mode"),
        ("CG0111,NAME-0001,告知,CG0101,CG0111,sign,2026-01-01,", "bad_power"),
        ("CG0111,NAME-0001,告知,CG0101,CG0111,,2026-1-1,", "bad_day"),
        ("CG0111,NAME-0001,告知,CG0101,CG0111,,2026-01-01,soon", "bad_day"),
        ("CG0111,CG-MZ-0101,代收,CG0101,CG0111,,2026-01-01,", "duplicate_code"),
        ("CG0111,CG-MZ-0101", "wrong_column_count"),
    ],
)
def test_each_wrong_service_line_is_told(line: str, code: str) -> None:
    """A bad line at the end of a good table is told with its number."""
    with pytest.raises(ImportRefused) as refusal:
        services(SERVICES + line + "\n")
    assert (code, SERVICES.count("\n") + 1) in [
        (problem.code, problem.line) for problem in refusal.value.problems
    ]


def test_a_mode_needs_its_powers() -> None:
    """直办 without the power to decide, 受理 without the power to accept."""
    header = SERVICES.splitlines()[0] + "\n"
    check_refused(
        services,
        header
        + "CG0111,CG-CW-0101,直办,CG0111,CG0111,accept|issue,2026-01-01,\n"
        + "CG0101,CG-MZ-0101,受理,CG0101,CG0101,,2026-01-01,\n",
        ("power_missing", 2),
        ("power_missing", 3),
    )


def test_a_case_must_be_able_to_reach_who_may_decide() -> None:
    """Without the township's and the district's lines the village's line leads nowhere."""
    header = SERVICES.splitlines()[0] + "\n"
    village = "CG0111,CG-MZ-0101,代收,CG0101,CG0111,,2026-01-01,\n"
    township = "CG0101,CG-MZ-0101,受理,CG0101,CG0101,accept,2026-01-01,\n"
    district = "CG0001,CG-MZ-0101,告知,CG0001,CG0001,decide|issue,2026-01-01,\n"
    check_refused(services, header + village, ("dead_end", 2), ("dead_end", 2))
    check_refused(services, header + village + township, ("dead_end", 2), ("dead_end", 3))
    assert len(services(header + village + township + district)) == 3


def test_a_decision_above_the_root_is_a_dead_end() -> None:
    """Handling at the root leaves no parent to decide."""
    header = SERVICES.splitlines()[0] + "\n"
    refusal = check_refused(
        services,
        header + "CG0101,CG-MZ-0101,受理,KM0000,CG0101,accept,2026-01-01,\n",
        ("dead_end", 2),
        ("dead_end", 2),
    )
    assert "不存在的站点" in refusal.report()


def test_the_demo_staff_is_imported() -> None:
    """One entry per line, posts as a list."""
    entries = staff(STAFF)
    assert STAFF.count("\n") - 1 == len(entries)
    assert next(entry["posts"] for entry in entries if entry["no"] == "CG0111-01") == [
        "intake",
        "accept",
        "deliver",
        "admin",
    ]


def test_each_wrong_staff_line_is_told_without_naming_the_person() -> None:
    """Numbers, stations and posts are checked; the sentence holds no personal name."""
    last = STAFF.count("\n")
    refusal = check_refused(
        staff,
        STAFF
        + "CG0111-01,赵甲(演示),CG0111,intake\n"
        + "x,赵乙(演示),CG0111,intake\n"
        + "CG0111-09,赵丙(演示),CG9999,intake\n"
        + "CG0111-10,赵丁(演示),CG0111,boss|intake|intake\n"
        + "CG0111-11,,CG0111,\n",
        ("duplicate_code", last + 1),
        ("bad_code", last + 2),
        ("unknown_station", last + 3),
        ("bad_post", last + 4),
        ("repeated_post", last + 4),
        ("empty_name", last + 5),
        ("no_post", last + 5),
    )
    assert "赵" not in refusal.report()


def test_all_real_divisions_are_imported() -> None:
    """482 divisions, none refused, in UTF-8 and GBK."""
    rows = divisions(DIVISIONS)
    assert len(rows) == 482
    assert rows == read_divisions(DIVISIONS.encode("gbk"), "divisions.csv")
    assert next(row.name for row in rows if row.code == "530114003000") == "斗南街道"


def test_damaged_divisions_are_told_with_their_lines() -> None:
    """Repeated and shortened codes, unknown parents and levels, a missing column."""
    lines = DIVISIONS.splitlines()
    text = "\n".join([*lines, lines[100]])
    check_refused(divisions, text, ("duplicate_code", 484))
    broken = list(lines)
    broken[9] = broken[9].replace("村级", "组级")
    broken[10] = broken[10].rsplit(",", 1)[0] + ","
    broken[11] = "44070300211,440703002000,村级,少一位"
    broken[12] = "440703999001,440703999000,村级,没有上级"
    broken[13] = "440703999002,440703002101,村级,上级同级"
    check_refused(
        divisions,
        "\n".join(broken),
        ("bad_level", 10),
        ("empty_name", 11),
        ("bad_code", 12),
        ("unknown_parent", 13),
        ("parent_of_lower_level", 14),
    )
    check_refused(divisions, DIVISIONS.replace("code12,", "code,", 1), ("missing_column", 1))


def calendar(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Import one calendar year."""
    return read_calendar(json.dumps([entry], ensure_ascii=False).encode(), "calendar.json")


def test_the_shipped_calendar_is_what_the_tool_makes() -> None:
    """The files can be made again and come out the same."""
    for year in (2025, 2026):
        data = (SHIPPED_DATA / f"calendar_{year}.json").read_bytes()
        assert [calendar_entry(year)] == read_calendar(data, "calendar.json")


def test_a_year_nobody_announced_is_not_made(capsys: pytest.CaptureFixture[str]) -> None:
    """2027 has no data in the library: exit status 1, nothing on standard output."""
    assert main(["2027"]) == 1
    answer = capsys.readouterr()
    assert answer.out == ""
    assert "2027" in answer.err


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"off": ["2026-10-04"]}, "wrong_weekday"),
        ({"work": ["2026-10-09"]}, "wrong_weekday"),
        ({"off": ["2025-10-01"]}, "bad_day"),
        ({"off": ["2026-10-32"]}, "bad_day"),
        ({"off": ["2026-10-02", "2026-10-01"]}, "unsorted_days"),
        ({"off": ["2026-10-01", "2026-10-01"]}, "unsorted_days"),
        ({"division": "0"}, "bad_division"),
        ({"year": "2026"}, "bad_field"),
        ({"source": ""}, "bad_field"),
    ],
)
def test_a_wrong_calendar_is_refused(change: dict[str, Any], code: str) -> None:
    """Days outside the year, on the wrong weekday, out of order, or without a source."""
    with pytest.raises(ImportRefused) as refusal:
        calendar({**calendar_entry(2026), **change})
    assert code == refusal.value.code


def test_one_refused_file_leaves_nothing_half_imported(tmp_path: Any) -> None:
    """The whole catalogue is refused when one table of it is, and the table is named."""
    for name in ("stations.csv", "staff.csv"):
        (tmp_path / name).write_bytes((DEMO_INVENTORY / name).read_bytes())
    with (tmp_path / "staff.csv").open("a", encoding="utf-8") as file:
        file.write("CG0111-01,赵甲(演示),CG0111,intake\n")
    with pytest.raises(ImportRefused) as refusal:
        load_demo_catalogue(inventory=tmp_path)
    assert (refusal.value.code, refusal.value.file) == ("duplicate_code", "staff.csv")


def test_a_station_of_an_unknown_division_is_refused(tmp_path: Any) -> None:
    """Division codes of the station table are looked up."""
    text = (DEMO_INVENTORY / "stations.csv").read_text(encoding="utf-8")
    (tmp_path / "stations.csv").write_text(text.replace("530114003002", "530114003999"))
    (tmp_path / "staff.csv").write_text(STAFF, encoding="utf-8")
    with pytest.raises(ImportRefused) as refusal:
        load_demo_catalogue(inventory=tmp_path)
    assert (refusal.value.code, refusal.value.line) == ("unknown_division", 6)


def test_a_code_used_in_two_files_is_refused(tmp_path: Any) -> None:
    """Codes are unique over the whole folder of written matters."""
    data = (SHIPPED_DATA / "village_matters" / "forestry.json").read_bytes()
    (tmp_path / "a.json").write_bytes(data)
    (tmp_path / "b.json").write_bytes(data)
    with pytest.raises(ImportRefused) as refusal:
        load_village_matters(tmp_path)
    assert (refusal.value.code, refusal.value.file) == ("duplicate_code", "b.json")
