"""The station table: what a county office may hand in, and what it is told when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from stations.entries import to_register_entries
from stations.errors import ImportRefused
from stations.table import depth_of, read_station_table

DEMO = Path(__file__).resolve().parents[3] / "inventory" / "demo" / "stations.csv"
HEADER = "code,name,tier,parent,division\n"
ROOT = "KM0000,市级中心,central,,530100000000\n"
DISTRICT = "CG0001,区中心,district,KM0000,530114000000\n"


def check_refused(text: str | bytes, *expected: tuple[str, int]) -> ImportRefused:
    """Assert that a table is refused with exactly these codes and lines, each with a sentence."""
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(ImportRefused) as refusal:
        read_station_table(data, "stations.csv")
    found = [(problem.code, problem.line) for problem in refusal.value.problems]
    assert list(expected) == found
    for problem in refusal.value.problems:
        assert problem.file == "stations.csv"
        assert problem.sentence.endswith("。")
    return refusal.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_the_same_table_reads_alike_in_every_encoding(encoding: str) -> None:
    """UTF-8, UTF-8 with BOM and GBK give the same rows."""
    text = DEMO.read_text(encoding="utf-8")
    expected = read_station_table(text.encode(), "stations.csv")
    assert expected == read_station_table(text.encode(encoding), "stations.csv")


def test_windows_line_ends_and_blank_lines_change_nothing() -> None:
    """CRLF and empty lines, as Excel writes them, give the same stations with their true lines."""
    rows = read_station_table((HEADER + "\n" + ROOT).replace("\n", "\r\n").encode(), "s.csv")
    assert [(row.code, row.line) for row in rows] == [("KM0000", 3)]


def test_chinese_titles_and_tier_words_are_understood() -> None:
    """A table titled in Chinese is the same table."""
    text = "站点代码,站点名称,层级,上级站点,区划代码,备注\nKM0000,市级中心,中心,,530100000000,x\n"
    rows = read_station_table(text.encode("gbk"), "s.csv")
    assert [(row.code, row.tier) for row in rows] == [("KM0000", "central")]


def test_demo_table_holds_the_agreed_tree() -> None:
    """The demonstration has the seven agreed stations, parents before children."""
    rows = read_station_table(DEMO.read_bytes(), DEMO.name)
    by_code = {row.code: row for row in rows}
    expected = {
        "KM0000": ("central", "", 0),
        "CG0001": ("district", "KM0000", 1),
        "CG0101": ("township", "CG0001", 2),
        "CG0201": ("township", "CG0001", 2),
        "CG0111": ("village", "CG0101", 3),
        "CG0112": ("village", "CG0101", 3),
        "CG0211": ("village", "CG0201", 3),
    }
    assert expected == {row.code: (row.tier, row.parent, depth_of(row, by_code)) for row in rows}
    depths = [depth_of(row, by_code) for row in rows]
    assert sorted(depths) == depths


def test_rows_become_register_entries() -> None:
    """A row becomes an entry with one dated attribute and no closing day."""
    rows = read_station_table((HEADER + ROOT).encode(), "s.csv")
    expected = {
        "code": "KM0000",
        "tier": "central",
        "attributes": [
            {
                "from": "2026-01-01",
                "name": "市级中心",
                "division": "530100000000",
                "parent": "",
            }
        ],
        "closed": "",
    }
    assert [expected] == to_register_entries(rows, "2026-01-01")


def test_a_missing_column_is_named() -> None:
    """A header without a column is refused in line 1, naming it."""
    refusal = check_refused("code,name,tier,division\n", ("missing_column", 1))
    assert "parent" in refusal.sentence


def test_a_repeated_column_is_refused() -> None:
    """A column that stands twice cannot be read either way."""
    check_refused("code,name,tier,parent,division,name\n", ("repeated_column", 1))


def test_a_repeated_code_is_told_with_both_lines() -> None:
    """The later of two equal codes is refused and names the earlier line."""
    refusal = check_refused(HEADER + ROOT + DISTRICT + DISTRICT, ("duplicate_code", 4))
    assert "第 3 行" in refusal.sentence


def test_an_unknown_parent_is_refused() -> None:
    """A parent that is not in the table is named."""
    refusal = check_refused(
        HEADER + ROOT + DISTRICT.replace("KM0000", "KM9999"), ("unknown_parent", 3)
    )
    assert "KM9999" in refusal.sentence


def test_every_problem_of_a_file_is_told_at_once() -> None:
    """One reading names all the lines to be put right."""
    text = (
        HEADER
        + ROOT
        + "cg0001,区中心,district,KM0000,530114000000\n"
        + "CG0002,,county,KM0000,53011400000\n"
        + "CG0003,没有上级,township,,530114003000\n"
        + "CG0004,列数不对,township\n"
    )
    refusal = check_refused(
        text,
        ("bad_code", 3),
        ("empty_name", 4),
        ("bad_tier", 4),
        ("bad_division", 4),
        ("no_parent", 5),
        ("wrong_column_count", 6),
    )
    assert "另有 5 处" in refusal.sentence
    assert "stations.csv:6: [wrong_column_count]" in refusal.report()


def test_a_loop_is_told_once_with_its_path() -> None:
    """Stations that are their own ancestors are one problem, not one per station."""
    text = (
        HEADER
        + ROOT
        + "CG0001,甲,township,CG0002,530114003000\n"
        + "CG0002,乙,township,CG0001,530114003000\n"
        + "CG0003,丙,village,CG0001,530114003004\n"
    )
    refusal = check_refused(text, ("parent_loop", 3))
    assert "CG0001 → CG0002 → CG0001" in refusal.sentence


def test_a_station_that_is_its_own_parent_is_a_loop() -> None:
    """The shortest loop is found too."""
    check_refused(HEADER + ROOT + DISTRICT.replace("KM0000", "CG0001"), ("parent_loop", 3))


def test_a_tree_has_exactly_one_root() -> None:
    """No root and two roots are both refused."""
    check_refused(HEADER + ROOT + ROOT.replace("KM0000", "KM0001"), ("second_root", 3))
    two = DISTRICT.replace("KM0000", "CG0002") + "CG0002,乙,district,CG0001,530114000000\n"
    check_refused(HEADER + two, ("no_root", 2), ("parent_loop", 2))


def test_a_parent_may_not_be_of_a_lower_tier() -> None:
    """A district under a village is a slip of the pen, not a tree."""
    text = (
        HEADER
        + ROOT
        + "CG0111,村,village,KM0000,530114003004\n"
        + DISTRICT.replace("KM0000", "CG0111")
    )
    check_refused(text, ("parent_of_lower_tier", 4))
    check_refused(
        HEADER + ROOT.replace("central,,", "central,CG0001,") + DISTRICT,
        ("central_with_parent", 2),
        ("parent_loop", 2),
    )


def test_bytes_of_no_known_encoding_are_refused_with_their_line() -> None:
    """A line that is neither UTF-8 nor GBK is named; UTF-16 has its own sentence."""
    check_refused((HEADER + ROOT).encode() + b"\xff\xff\xff\n", ("bad_encoding", 3))
    check_refused((HEADER + ROOT).encode("utf-16"), ("bad_encoding", 1))
    check_refused((HEADER + ROOT).encode() + b"\x00\n", ("bad_encoding", 3))


def test_a_damaged_utf8_file_is_not_read_as_gbk() -> None:
    """One bad byte far into a UTF-8 file is told, never turned into gibberish names."""
    data = DEMO.read_bytes()
    lines = data.split(b"\n")
    lines[5] = lines[5].replace("江尾".encode(), "江尾".encode()[:-1])
    check_refused(b"\n".join(lines), ("bad_encoding", 6))


def test_an_empty_file_and_an_empty_table_are_refused() -> None:
    """Nothing at all and nothing but a header are both mistakes worth a sentence."""
    check_refused(b"", ("empty_file", 0))
    check_refused(HEADER, ("no_rows", 1))


def test_an_unclosed_quotation_mark_names_where_it_opens() -> None:
    """The rest of the file hangs on the quote, so the line of its record is told."""
    check_refused(HEADER + ROOT + 'CG0001,"区中心,district,KM0000,1\nx\n', ("bad_quotes", 3))


def test_the_short_form_for_logs_holds_no_text_of_the_file() -> None:
    """What may be logged is code, file and line only."""
    refusal = check_refused(HEADER + ROOT + DISTRICT + DISTRICT, ("duplicate_code", 4))
    assert str(refusal) == "duplicate_code stations.csv:4"
