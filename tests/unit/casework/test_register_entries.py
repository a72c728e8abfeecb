"""Dated register entries, the tree of stations, and the tolerant reading of bodies."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from casework import body as read
from casework.errors import RegisterEntryInvalid
from casework.events import parse_name
from casework.registers import (
    DEPTH_MAX,
    StationTree,
    parse_calendar_year,
    parse_service,
    parse_staff,
    parse_station,
)
from tests.casework.casework_world import (
    CENTRAL,
    DISTRICT,
    TOWNSHIP,
    TOWNSHIP_2,
    TREE,
    VILLAGE,
    VILLAGE_2,
)


def station(code: str, *attributes: tuple[str, str, str]) -> Any:
    """A station entry from (from, name, parent)."""
    return parse_station(
        {
            "code": code,
            "tier": "village",
            "attributes": [
                {"from": start, "name": name, "division": "", "parent": parent}
                for start, name, parent in attributes
            ],
            "closed": "",
        }
    )


def test_tree_knows_parents_depth_and_subtree() -> None:
    """Depth is the distance from the root; the subtree holds the station itself."""
    assert (TOWNSHIP, DISTRICT, CENTRAL) == TREE.ancestors(VILLAGE)
    assert [0, 1, 2, 3] == [TREE.depth(code) for code in (CENTRAL, DISTRICT, TOWNSHIP, VILLAGE)]
    assert frozenset({TOWNSHIP, VILLAGE, VILLAGE_2}) == TREE.subtree(TOWNSHIP)
    assert (TOWNSHIP, TOWNSHIP_2) == TREE.children(DISTRICT)
    assert "斗南街道便民服务中心" == TREE.name(TOWNSHIP)


def test_newest_valid_attributes_count() -> None:
    """A station that moves has its new parent from the day on, whatever the order written."""
    moved = station("CG0111", ("2027-01-01", "新村", "CG0201"), ("2026-01-01", "旧村", "CG0101"))
    assert ("旧村", "CG0101") == (
        moved.at(date(2026, 12, 31)).name,
        moved.at(date(2026, 1, 1)).parent,
    )
    assert "新村" == moved.at(date(2027, 1, 1)).name
    assert "旧村" == moved.at(date(2020, 1, 1)).name


def test_loop_in_the_register_ends() -> None:
    """Two stations that name each other as parent do not hang anything."""
    loop = [
        station("AAAA", ("2026-01-01", "甲", "BBBB")),
        station("BBBB", ("2026-01-01", "乙", "AAAA")),
    ]
    assert StationTree(loop, date(2026, 6, 1)).depth("AAAA") <= DEPTH_MAX


def test_unknown_station_has_no_place() -> None:
    """An unknown code names itself and hangs nowhere."""
    assert ("ZZ9999", "", ()) == (
        TREE.name("ZZ9999"),
        TREE.parent("ZZ9999"),
        TREE.ancestors("ZZ9999"),
    )
    assert "ZZ9999" not in TREE


def test_entries_are_valid_between_their_days() -> None:
    """`from` and `to` are both included; an empty `to` never ends."""
    service = parse_service(
        {
            "station": "CG0111",
            "matter": "M1",
            "mode": "代收",
            "from": "2026-02-01",
            "to": "2026-03-01",
        }
    )
    days = ("2026-01-31", "2026-02-01", "2026-03-01", "2026-03-02")
    assert [False, True, True, False] == [service.valid_on(date.fromisoformat(day)) for day in days]
    staff = parse_staff({"no": "W1", "name": "演示", "station": "CG0111", "from": "2026-01-01"})
    assert staff.valid_on(date(2099, 1, 1))


def test_malformed_entries_are_refused() -> None:
    """An entry of another shape is refused with its reason."""
    with pytest.raises(RegisterEntryInvalid):
        parse_calendar_year({"division": "0", "year": "2026"})
    with pytest.raises(RegisterEntryInvalid):
        parse_station({"code": "CG0111", "tier": "village", "attributes": []})


def test_bodies_are_read_without_trust() -> None:
    """Wrong shapes read as empty values, oversized integers and booleans included."""
    bad: dict[str, Any] = {"a": 1, "b": True, "c": 2**60, "d": [1, "x", {}], "e": "\ud800"}
    assert ("", 0, 0) == (read.text(bad, "a"), read.integer(bad, "b"), read.integer(bad, "c"))
    assert (("x",), ({},)) == (read.texts(bad, "d"), read.objects(bad, "d"))
    assert ("?", {}, False) == (read.text(bad, "e"), read.obj(bad, "a"), read.flag(bad, "a"))


@pytest.mark.parametrize("text", ["", "A", "A/1", "A/1/x", "/1/1", "A/１/1", "A/1/1/1", "A/-1/1"])
def test_other_texts_are_no_event_names(text: str) -> None:
    """Only STATION/EPOCH/POS is a name."""
    assert parse_name(text) is None
    assert ("A", 1, 20) == parse_name("A/1/20")
