"""One contract for every `CaseTable`: SQLite and the simulator's."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from casework.case_table import SqlCaseTable, create_tables
from casework.fold import fold
from casework.projection import (
    TAB_CHECK,
    TAB_ENDED,
    TAB_OPEN,
    TAB_PICKUP,
    CaseFilter,
    CaseRow,
    CaseTable,
    OpenTask,
    broken_row,
    case_row,
    state_json,
)
from tests.casework.casework_world import VILLAGE, World, take_in
from tests.fakes.memory_case_table import MemoryCaseTable


def sql_table() -> CaseTable:
    """The table over a fresh SQLite database."""
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA foreign_keys = ON")
    create_tables(connection)
    create_tables(connection)
    return SqlCaseTable(connection)


@pytest.fixture(params=[sql_table, MemoryCaseTable], ids=["sql", "memory"])
def table(request: pytest.FixtureRequest) -> CaseTable:
    """Each implementation in turn."""
    made: CaseTable = request.param()
    return made


def row(stream: str, **changes: object) -> CaseRow:
    """A row with the usual values."""
    usual = CaseRow(
        stream=stream, receipt_no=f"R-{stream}", status="已收件", holder="CG0111", tab=TAB_OPEN,
        applicant_name="演示甲", matter_name="困难补助", opened_day="2026-11-23",
        audience=("CG0101", "CG0111"),
    )  # fmt: skip
    return replace(usual, **changes)  # type: ignore[arg-type]


def streams(table: CaseTable, limit: int = 50, **wanted: str) -> list[str]:
    """The streams a filter finds."""
    return [item.stream for item in table.list(CaseFilter(**wanted), limit)]


def test_row_comes_back_as_it_was_put(table: CaseTable) -> None:
    """Row and state of a real case survive the table unchanged."""
    world = World()
    take_in(world)
    world.settle()
    case = world.case(VILLAGE)
    made = case_row(case, "困难补助申请(演示)")
    table.put(made, state_json(case))
    assert made == table.get(case.stream)
    assert state_json(case) == table.state(case.stream)
    assert table.get("X/1/1") is None
    assert table.state("X/1/1") is None


def test_putting_again_replaces_everything(table: CaseTable) -> None:
    """A newer row leaves no trace of the older one in any list."""
    table.put(row("A/1/1", tasks=(OpenTask("A/1/2", "CG0101", "送达", ""),)), "1")
    table.put(row("A/1/1", audience=("CG0001",), holder="CG0001"), "2")
    assert "2" == table.state("A/1/1")
    assert [] == streams(table, concerns="CG0111")
    assert [] == streams(table, task_station="CG0101")
    assert ["A/1/1"] == streams(table, concerns="CG0001", holder="CG0001")


def test_case_is_found_by_either_number(table: CaseTable) -> None:
    """收件编号 and 办件编号 both find the case; an empty number finds nothing."""
    table.put(row("A/1/1", official_no="演示-1"), "")
    table.put(row("B/1/1"), "")
    assert ["A/1/1"] == [item.stream for item in table.by_number("演示-1")]
    assert ["B/1/1"] == [item.stream for item in table.by_number("R-B/1/1")]
    assert [] == table.by_number("")


def test_list_is_newest_first_and_limited(table: CaseTable) -> None:
    """The newest opening day comes first, then the stream; the limit cuts."""
    for stream, day in (("B/1/1", "2026-11-20"), ("A/1/1", "2026-11-20"), ("C/1/1", "2026-11-22")):
        table.put(row(stream, opened_day=day), "")
    assert ["C/1/1", "A/1/1", "B/1/1"] == streams(table)
    assert ["C/1/1"] == streams(table, limit=1)


def test_list_of_a_station_is_newest_first_whatever_changed(table: CaseTable) -> None:
    """A case put again with another day moves to its place in the station's list."""
    for stream, day in (("B/1/1", "2026-11-20"), ("A/1/1", "2026-11-20"), ("C/1/1", "2026-11-22")):
        table.put(row(stream, opened_day=day), "")
    table.put(row("D/1/1", opened_day="2026-11-25", audience=("CG0101",)), "")
    assert ["C/1/1", "A/1/1", "B/1/1"] == streams(table, concerns="CG0111")
    table.put(row("B/1/1", opened_day="2026-11-24"), "")
    assert ["B/1/1", "C/1/1"] == streams(table, limit=2, concerns="CG0111")
    assert ["B/1/1"] == streams(table, concerns="CG0111", text="B/1/1", status="已收件")


@pytest.mark.parametrize(
    "wanted",
    [
        CaseFilter(),
        CaseFilter(concerns="CG0111"),
        CaseFilter(concerns="CG0111", tab=TAB_CHECK),
        CaseFilter(concerns="CG0111", tab=TAB_OPEN, status="办结", task_station="CG0112"),
        CaseFilter(tab=TAB_OPEN, holder="CG0111", text="演示"),
    ],
    ids=["all", "station", "to check", "station and more", "holder"],
)
@pytest.mark.parametrize("known", [False, True], ids=["no figures", "with figures"])
def test_a_page_is_read_in_order_and_not_sorted(wanted: CaseFilter, known: bool) -> None:
    """However many cases there are, a page costs what it shows: an index gives the order."""
    connection = sqlite3.connect(":memory:")
    create_tables(connection)
    table = SqlCaseTable(connection)
    for number in range(200):
        table.put(row(f"A/1/{number + 1}", opened_day=f"2026-{number % 12 + 1:02d}-01"), "")
    if known:
        connection.execute("ANALYZE")
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    table.list(wanted, 50)
    connection.set_trace_callback(None)
    plan = [str(step[3]) for step in connection.execute(f"EXPLAIN QUERY PLAN {asked[-1]}")]
    assert [] == [step for step in plan if "TEMP B-TREE" in step]
    assert "USING" in plan[0]
    assert "INDEX casework_" in plan[0]


def test_filters_combine(table: CaseTable) -> None:
    """Each member of the filter narrows the list."""
    task = OpenTask("A/1/2", "CG0112", "送达", "2026-12-01")
    table.put(row("A/1/1", tab=TAB_PICKUP, status="办结", tasks=(task,)), "")
    table.put(row("B/1/1", tab=TAB_ENDED, status="办结"), "")
    table.put(row("C/1/1", to_check=True), "")
    assert ["A/1/1"] == streams(table, tab=TAB_PICKUP)
    assert ["A/1/1", "B/1/1"] == streams(table, status="办结")
    assert ["B/1/1"] == streams(table, status="办结", tab=TAB_ENDED)
    assert ["C/1/1"] == streams(table, tab=TAB_CHECK)
    assert ["A/1/1"] == streams(table, task_station="CG0112")
    wanted = CaseFilter(tab=TAB_PICKUP)
    expected = {TAB_OPEN: 1, TAB_PICKUP: 1, TAB_ENDED: 1, TAB_CHECK: 1}
    assert expected == dict(table.counts(wanted))
    assert 0 == table.counts(CaseFilter(holder="CG0001"))[TAB_OPEN]


def test_text_finds_names_and_numbers_and_takes_signs_literally(table: CaseTable) -> None:
    """Searching matches part of a name or number; % and _ are no wildcards."""
    table.put(row("A/1/1", applicant_name="演示100%甲"), "")
    table.put(row("B/1/1", applicant_name="演示乙", receipt_no="cg0111-X"), "")
    assert ["A/1/1"] == streams(table, text="100%")
    assert ["B/1/1"] == streams(table, text="CG0111-x")
    assert [] == streams(table, text="_甲")
    assert ["A/1/1", "B/1/1"] == streams(table, text="补助")


def test_relay_lists_only_cases_of_its_audience(table: CaseTable) -> None:
    """A case a relay merely carries is not in its lists."""
    table.put(row("A/1/1", audience=("CG0111",)), "")
    assert [] == streams(table, concerns="CG0101")


def test_broken_case_stays_findable(table: CaseTable) -> None:
    """A case that cannot be shown keeps its numbers and asks for a person."""
    table.put(broken_row("A/1/1", "暂时不能显示", row("A/1/1")), "")
    found = table.by_number("R-A/1/1")[0]
    assert ("暂时不能显示", True) == (found.cannot_be_shown, found.to_check)


def test_waiting_for_facts_is_nothing_to_confirm() -> None:
    """An act whose custody event has not arrived yet does not ask for a person."""
    world = World()
    take_in(world)
    world.settle()
    accepted = world.act("CG0101", "accepted")
    custody = world.case("CG0101").custody
    early = [item for item in world.events() if item.name != custody]
    assert accepted.name in {item.name for item in fold(early).superseded}
    assert not case_row(fold(early)).to_check
