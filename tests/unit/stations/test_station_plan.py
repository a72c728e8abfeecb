"""Two tables and what lies between them: the plan, and the history the register keeps."""

from __future__ import annotations

from stations import plan
from stations.entries import Entry, to_register_entries, with_history
from stations.table import read_station_table

HEADER = "code,name,tier,parent,division,url\n"
BEFORE = """KM0000,中心,central,,530100000000,
CG0001,区,district,KM0000,530114000000,
CG0101,街道一,township,CG0001,530114003000,
CG0201,街道二,township,CG0001,530114001000,
CG0111,社区,village,CG0101,530114003004,
"""


def entries(text: str) -> list[Entry]:
    """Return the register entries of a table."""
    return to_register_entries(read_station_table((HEADER + text).encode(), "s.csv"), "2026-01-01")


def by_code(rows: list[Entry]) -> dict[str, Entry]:
    """Return entries by code."""
    return {row["code"]: row for row in rows}


def test_the_same_table_is_no_plan() -> None:
    """Nothing changed, nothing to do."""
    assert [] == plan.compare(by_code(entries(BEFORE)), entries(BEFORE))


def test_each_kind_of_step_is_told() -> None:
    """New, moved, renamed and missing stations, the missing last."""
    after = BEFORE.replace("CG0111,社区,village,CG0101", "CG0111,社区,village,CG0201")
    after = after.replace("CG0201,街道二,township,CG0001,530114001000,", "")
    after += "CG0201,新街道二,township,CG0001,530114001000,https://10.0.0.2:8443\n"
    after += "CG0211,新社区,village,CG0201,530114001001,\n"
    before = by_code(entries(BEFORE + "CG0112,旧社区,village,CG0101,530114003005,\n"))
    steps = plan.compare(before, entries(after))
    assert [
        ("changed", "CG0201"),
        ("moved", "CG0111"),
        ("added", "CG0211"),
        ("gone", "CG0112"),
    ] == [(step.kind, step.station) for step in steps]
    assert ("CG0101", "CG0201") == (steps[1].before, steps[1].after)
    assert ("name", "url") == steps[0].fields
    assert "换上级  CG0111  社区  CG0101 → CG0201" == str(steps[1])


def test_a_merged_station_may_be_left_out() -> None:
    """Retired before, left out now: no step."""
    before = by_code(entries(BEFORE))
    before["CG0111"] |= {"closed": "2026-05-01"}
    rest = [row for row in entries(BEFORE) if row["code"] != "CG0111"]
    assert [] == plan.compare(before, rest)


def test_a_move_keeps_the_old_parent_with_its_days() -> None:
    """Both parents stand in the register, each from its day; an unchanged station is as it was."""
    after = entries(BEFORE.replace("village,CG0101", "village,CG0201"))
    dated = by_code(with_history(after, by_code(entries(BEFORE)), "2026-11-22"))
    assert [("2026-01-01", "CG0101"), ("2026-11-22", "CG0201")] == [
        (one["from"], one["parent"]) for one in dated["CG0111"]["attributes"]
    ]
    assert by_code(entries(BEFORE))["CG0201"] == dated["CG0201"]


def test_a_second_change_of_a_day_takes_the_place_of_the_first() -> None:
    """A mistake put right the same day leaves one attribute of that day."""
    first = with_history(
        entries(BEFORE.replace("village,CG0101", "village,CG0001")),
        by_code(entries(BEFORE)),
        "2026-11-22",
    )
    second = by_code(
        with_history(
            entries(BEFORE.replace("village,CG0101", "village,CG0201")),
            by_code(first),
            "2026-11-22",
        )
    )
    assert ["CG0101", "CG0201"] == [one["parent"] for one in second["CG0111"]["attributes"]]
