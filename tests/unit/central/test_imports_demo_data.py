"""The data the product ships: complete, marked as a demonstration, and fit to work with."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
import rfc8785

from casework.matter_lint import lint_matter
from casework.registers import (
    MODES,
    parse_calendar_year,
    parse_service,
    parse_staff,
    parse_station,
)
from casework.search import fold
from central.imports.entries import KEYS, SHIPPED_DATA, entry_key, load_demo_catalogue

DEMO = "演示"
NOTICES = 1135


@pytest.fixture(scope="module")
def registers() -> dict[str, list[dict[str, Any]]]:
    """Everything the demonstration publishes."""
    return load_demo_catalogue()


@pytest.fixture(scope="module")
def written(registers: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The matters written by hand: those that have materials."""
    return [entry for entry in registers["matters"] if entry["materials"]]


def test_every_key_stands_once(registers: dict[str, list[dict[str, Any]]]) -> None:
    """No register holds two entries under one key."""
    assert set(KEYS) == set(registers)
    for register, entries in registers.items():
        keys = [entry_key(register, entry) for entry in entries]
        assert len(keys) == len(set(keys)), register


def test_every_entry_has_one_canonical_form(registers: dict[str, list[dict[str, Any]]]) -> None:
    """Strings, integers, booleans, lists and objects only, so that signatures are stable."""

    def check_value(value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                assert isinstance(key, str)
                check_value(inner)
        elif isinstance(value, list):
            for inner in value:
                check_value(inner)
        else:
            assert isinstance(value, str | int), value

    for entries in registers.values():
        for entry in entries:
            check_value(entry)
            assert rfc8785.dumps(entry)


def test_casework_reads_every_entry(registers: dict[str, list[dict[str, Any]]]) -> None:
    """The entries have the shape the domain expects."""
    for entry in registers["services"]:
        assert parse_service(entry).mode in MODES
    for entry in registers["stations"]:
        parse_station(entry)
    for entry in registers["staff"]:
        parse_staff(entry)
    for entry in registers["calendar"]:
        parse_calendar_year(entry)


def test_the_catalogue_is_varied_enough_to_show_the_product(
    registers: dict[str, list[dict[str, Any]]], written: list[dict[str, Any]]
) -> None:
    """About forty matters, twelve material lists, three types, five modes, an instant matter."""
    assert 40 <= len(written) <= 60
    lists = {tuple(material["name"] for material in entry["materials"]) for entry in written}
    assert len(lists) >= 12
    assert len({entry["type_name"] for entry in written}) >= 3
    assert set(MODES) == {entry["mode"] for entry in registers["services"]}
    assert {"即办件", "承诺件"} == {entry["case_kind"] for entry in written}


def test_no_matter_lacks_what_people_call_it(written: list[dict[str, Any]]) -> None:
    """Every matter has an alias, and initials for its name and aliases."""
    for entry in written:
        assert entry["aliases"], entry["code"]
        assert len(entry["initials"]) >= 1 + len(set(entry["aliases"])) // 2, entry["code"]


def test_lint_finds_nothing(registers: dict[str, list[dict[str, Any]]]) -> None:
    """Every matter could be published with the modes its services use."""
    modes: dict[str, set[str]] = {}
    for service in registers["services"]:
        modes.setdefault(service["matter"], set()).add(service["mode"])
    for entry in registers["matters"]:
        found = lint_matter(entry, tuple(sorted(modes[entry["code"]])))
        errors = [item.sentence for item in found if item.severity == "error"]
        assert not errors, (entry["code"], errors)


def test_nothing_without_a_source_goes_unmarked(written: list[dict[str, Any]]) -> None:
    """Limits, materials, conditions and fees carry 演示; a law is named only with its article."""
    for entry in written:
        assert entry["demo"] is True
        assert entry["limits"], entry["code"]
        for limit in entry["limits"].values():
            assert limit["basis"]
            assert limit["mark"] == DEMO
        assert all(DEMO in material["note"] for material in entry["materials"]), entry["code"]
        assert all(DEMO in condition for condition in entry["conditions"]), entry["code"]
        assert DEMO in entry["fee"]
        assert DEMO in entry["source"]
        assert any(item["mark"] == DEMO for item in entry["basis"])
        for item in [*entry["basis"], *entry["limits"].values()]:
            text = item.get("text", item.get("basis", ""))
            assert "《" not in text or re.search(r"》第[一二三四五六七八九十]+条", text), text
            assert item["mark"] == DEMO or "《中华人民共和国行政许可法》第三十二条" in text


def test_names_of_another_district_only_inform(
    registers: dict[str, list[dict[str, Any]]],
) -> None:
    """The 1,135 names have nothing made up, are marked, and are never taken in."""
    notices = [entry for entry in registers["matters"] if not entry["materials"]]
    assert len(notices) == NOTICES
    codes = {entry["code"] for entry in notices}
    for entry in notices:
        assert entry["demo"] is True
        assert not entry["stages"]
        assert not entry["limits"]
        assert not entry["conditions"]
        assert entry["tiers"] == ["district"]
        assert "511602" in entry["source"]
        assert "演示" in entry["source"]
    rows = [entry for entry in registers["services"] if entry["matter"] in codes]
    assert {("CG0001", "告知", ())} == {
        (entry["station"], entry["mode"], tuple(entry["powers"])) for entry in rows
    }
    assert len(rows) == NOTICES


def test_the_old_age_allowance_goes_from_village_to_township_to_district(
    registers: dict[str, list[dict[str, Any]]], written: list[dict[str, Any]]
) -> None:
    """CG-MZ-0101 is the path the demonstration walks."""
    entry = next(entry for entry in written if entry["code"] == "CG-MZ-0101")
    assert "高龄津贴" in entry["aliases"]
    assert any("gljt" in reading for reading in entry["initials"])
    tasks = [task for stage in entry["stages"] for task in stage["tasks"]]
    assert [(task["title"], task["station"], task["post"], task["deciding"]) for task in tasks] == [
        ("初审", "handling", "review", False),
        ("审批", "parent", "decide", True),
    ]
    rows = {s["station"]: s for s in registers["services"] if s["matter"] == "CG-MZ-0101"}
    for village, township in (("CG0111", "CG0101"), ("CG0112", "CG0101"), ("CG0211", "CG0201")):
        assert ("代收", township, village) == tuple(
            rows[village][field] for field in ("mode", "handling", "delivery")
        )
        assert "accept" in rows[township]["powers"]
    assert "decide" in rows["CG0001"]["powers"]


def test_every_station_has_the_people_its_work_needs(
    registers: dict[str, list[dict[str, Any]]],
) -> None:
    """Posts at the tiers as agreed; invented names say so; one admin per station or more."""
    posts: dict[str, Counter[str]] = {}
    for person in registers["staff"]:
        assert person["name"].endswith("(演示)")
        posts.setdefault(person["station"], Counter()).update(person["posts"])
    assert {entry["code"] for entry in registers["stations"]} == set(posts)
    for station in ("CG0111", "CG0112", "CG0211"):
        assert posts[station]["intake"] >= 2
        assert posts[station]["decide"] >= 1
    for station in ("CG0101", "CG0201"):
        assert set(posts[station]) >= {"intake", "accept", "review", "decide", "issue"}
    assert set(posts["CG0001"]) >= {"review", "decide", "issue"}
    assert set(posts["KM0000"]) >= {"supervise", "catalogue"}
    assert all(counter["admin"] == 1 for counter in posts.values())


def test_a_mode_that_decides_has_someone_who_decides(
    registers: dict[str, list[dict[str, Any]]],
) -> None:
    """A station with a power has a person with the post for it."""
    posts: dict[str, set[str]] = {}
    for person in registers["staff"]:
        posts.setdefault(person["station"], set()).update(person["posts"])
    for service in registers["services"]:
        assert set(service["powers"]) <= posts[service["station"]], service


def test_every_step_has_someone_with_its_post(
    registers: dict[str, list[dict[str, Any]]],
) -> None:
    """Wherever a case is taken in, each task falls to a station that has a person for it."""
    posts: dict[str, set[str]] = {}
    for person in registers["staff"]:
        posts.setdefault(person["station"], set()).update(person["posts"])
    parents = {s["code"]: s["attributes"][0]["parent"] for s in registers["stations"]}
    matters = {entry["code"]: entry for entry in registers["matters"]}
    for service in registers["services"]:
        if service["mode"] == "告知":
            continue
        places = {
            "receiving": service["station"],
            "handling": service["handling"],
            "parent": parents[service["handling"]],
        }
        for stage in matters[service["matter"]]["stages"]:
            for task in stage["tasks"]:
                assert task["post"] in posts[places[task["station"]]], (service, task)


def test_a_name_said_to_come_from_the_list_stands_in_it(
    registers: dict[str, list[dict[str, Any]]], written: list[dict[str, Any]]
) -> None:
    """Sources are true: the named list holds the name, or the name quoted as its model."""
    listed = {fold(entry["name"]) for entry in registers["matters"] if not entry["materials"]}
    for entry in written:
        quoted = re.search(r"广安区清单“(.+?)”", entry["source"])
        if quoted or "广安区" in entry["source"]:
            assert fold(quoted[1] if quoted else entry["name"]) in listed, entry["code"]
        else:
            assert fold(entry["name"]) not in listed, entry["code"]


def test_the_calendar_of_2026_is_there_and_2027_is_not(
    registers: dict[str, list[dict[str, Any]]],
) -> None:
    """Announced years only; 2026-09-20 is a Sunday people work on, 2026-10-07 a holiday."""
    years = {entry["year"]: entry for entry in registers["calendar"]}
    assert {2025, 2026} == set(years)
    assert "2026-09-20" in years[2026]["work"]
    assert "2026-10-07" in years[2026]["off"]
    assert all(entry["division"] == "000000000000" for entry in years.values())
    assert all("chinesecalendar" in entry["source"] for entry in years.values())


def test_shipped_files_say_where_they_come_from() -> None:
    """Every data file is named in SOURCE.md."""
    text = (SHIPPED_DATA / "SOURCE.md").read_text(encoding="utf-8")
    for path in SHIPPED_DATA.iterdir():
        assert path.name == "SOURCE.md" or path.name in text, path.name
