"""Importing matters: the real list as it is, and what is told about damaged copies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from central.imports import ImportRefused
from central.imports.entries import NOTICE_FILE, SHIPPED_DATA, load_village_matters
from central.imports.matters_csv import read_matters_csv
from central.imports.matters_json import read_matters_json
from central.imports.pinyin import initials_of

REAL = SHIPPED_DATA / NOTICE_FILE


def read_csv(data: bytes) -> list[dict[str, Any]]:
    """Import a list of names the way the demonstration does."""
    return read_matters_csv(
        data, "matters.csv", division="530114000000", source="演示", effective_from="2026-01-01"
    )


def check_refused(read: Any, data: bytes, *expected: tuple[str, int]) -> ImportRefused:
    """Assert that a file is refused with exactly these codes and lines."""
    with pytest.raises(ImportRefused) as refusal:
        read(data)
    found = [(problem.code, problem.line) for problem in refusal.value.problems]
    assert list(expected) == found
    assert all(problem.sentence for problem in refusal.value.problems)
    return refusal.value


def real_lines() -> list[str]:
    """Return the lines of the real list, header first."""
    return REAL.read_text(encoding="utf-8").splitlines()


def test_all_real_names_are_imported() -> None:
    """1,135 names, none refused, all with initials, two of them repeated under other codes."""
    entries = read_csv(REAL.read_bytes())
    assert len(entries) == 1135
    assert len({entry["code"] for entry in entries}) == 1135
    assert len({entry["name"] for entry in entries}) == 1133
    assert all(entry["initials"] for entry in entries)
    assert all(entry["materials"] == [] for entry in entries)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk"])
def test_the_real_list_reads_alike_from_other_encodings(encoding: str) -> None:
    """GBK and BOM, as Excel saves them, change nothing."""
    data = REAL.read_text(encoding="utf-8").encode(encoding)
    assert read_csv(REAL.read_bytes()) == read_csv(data)


def test_a_missing_column_is_named() -> None:
    """Without the column of codes nothing is imported."""
    lines = [line.rsplit(",", 1)[0] for line in real_lines()]
    refusal = check_refused(read_csv, "\n".join(lines).encode(), ("missing_column", 1))
    assert "local_item_code" in refusal.sentence


def test_a_repeated_code_is_told_with_its_line_in_any_encoding() -> None:
    """A line copied to the end is the one that is told, in GBK too."""
    lines = real_lines()
    text = "\n".join([*lines, lines[500]])
    for encoding in ("utf-8", "gbk"):
        refusal = check_refused(read_csv, text.encode(encoding), ("duplicate_code", 1137))
        assert "第 501 行" in refusal.sentence


def test_each_damaged_line_is_told() -> None:
    """Empty names, unknown types and Excel's lost zeros, all at once."""
    lines = real_lines()
    permits = [at for at, line in enumerate(lines) if ",01,行政许可," in line]
    nameless, zeroless, mistyped, short, codeless = permits[:5]
    columns = lines[nameless].split(",")
    lines[nameless] = ",".join([*columns[:2], "", *columns[3:]])
    lines[zeroless] = lines[zeroless].replace(",01,", ",1,")
    lines[mistyped] = lines[mistyped].replace(",行政许可,", ",行政确认,")
    lines[short] = lines[short].rsplit(",", 1)[0]
    lines[codeless] = lines[codeless].rsplit(",", 1)[0] + ","
    check_refused(
        read_csv,
        "\n".join(lines).encode(),
        ("empty_name", nameless + 1),
        ("bad_type", zeroless + 1),
        ("type_mismatch", mistyped + 1),
        ("wrong_column_count", short + 1),
        ("bad_code", codeless + 1),
    )


def test_a_broken_character_is_told_with_its_line() -> None:
    """Bytes of no known encoding are named by their line."""
    data = REAL.read_bytes().split(b"\n")
    data[99] = b"\xff\xff" + data[99]
    check_refused(read_csv, b"\n".join(data), ("bad_encoding", 100))


def test_the_written_matters_are_all_imported() -> None:
    """Every file of the folder is taken, every entry complete."""
    entries = load_village_matters(SHIPPED_DATA / "village_matters")
    assert len(entries) == 44
    assert len(entries) == len({entry["code"] for entry in entries})


def written(*changes: dict[str, Any]) -> bytes:
    """Return a file with the first matter of the shipped ones, changed, one copy per change."""
    path = SHIPPED_DATA / "village_matters" / "civil_affairs.json"
    first = json.loads(path.read_text(encoding="utf-8"))[0]
    made = [{**first, "code": f"TEST-{at:04}", **change} for at, change in enumerate(changes)]
    objects = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in made)
    return f"[\n{objects}\n]\n".encode()


def read_json(data: bytes) -> list[dict[str, Any]]:
    """Import a hand-written file."""
    return read_matters_json(data, "matters.json")


def test_initials_are_added_beside_the_aliases() -> None:
    """Nobody writes initials by hand; a file that does is refused."""
    entry = read_json(written({}))[0]
    assert "gljt" in entry["initials"]
    assert list(entry)[3:5] == ["aliases", "initials"]
    check_refused(read_json, written({"initials": ["gljt"]}), ("bad_field", 2))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": ""}, "bad_field"),
        ({"version": "1"}, "bad_field"),
        ({"version": True}, "bad_field"),
        ({"fee": None}, "bad_field"),
        ({"supplement_days": 1.5}, "bad_field"),
        ({"tiers": ["village", "county"]}, "bad_field"),
        ({"type": "99"}, "bad_field"),
        ({"surprise": 1}, "bad_field"),
        ({"materials": [{"code": "M1"}]}, "bad_field"),
        ({"aliases": []}, "no_alias"),
        ({"code": "小写"}, "bad_code"),
        ({"type": "01"}, "type_mismatch"),
        ({"division": "5301"}, "bad_division"),
        ({"effective_from": "2026-02-30"}, "bad_day"),
        ({"version": 0}, "bad_number"),
        ({"stages": []}, "lint"),
    ],
)
def test_each_kind_of_mistake_has_its_code_and_line(change: dict[str, Any], code: str) -> None:
    """The second object of a file is wrong and is told with the line it starts on."""
    with pytest.raises(ImportRefused) as refusal:
        read_json(written({}, change))
    assert (code, 3) == (refusal.value.code, refusal.value.line)


def test_all_wrong_matters_are_told_at_once() -> None:
    """One reading names every object to be put right, and nothing is imported."""
    data = written({"fee": ""}, {}, {"aliases": []}, {"code": "TEST-0001"})
    check_refused(read_json, data, ("bad_field", 2), ("no_alias", 4), ("duplicate_code", 5))


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("{}", "bad_json", 1),
        ("[\n{},\n{,}\n]", "bad_json", 3),
        ("[\n{}\n{}\n]", "bad_json", 3),
        ("[\n1\n]", "bad_json", 2),
        ("[\n{}", "bad_json", 2),
        ('[\n{"code": "A", "code": "B"}\n]', "repeated_key", 2),
        ("[]\n\nx", "bad_json", 3),
        ("[]", "no_rows", 1),
        ("", "empty_file", 0),
    ],
)
def test_broken_json_is_told_with_its_line(text: str, code: str, line: int) -> None:
    """Syntax errors name the line an editor shows."""
    with pytest.raises(ImportRefused) as refusal:
        read_json(text.encode())
    assert (code, line) in [(problem.code, problem.line) for problem in refusal.value.problems]


def test_initials_keep_every_reading_people_use() -> None:
    """Words the dictionary knows have one reading; doubtful characters keep both."""
    assert initials_of("高龄津贴(80周岁以上老年人)") == ["gljt80zsyslnr"]
    assert initials_of("重庆") == ["cq"]
    assert initials_of("银行") == ["yh"]
    assert {"cbdj", "sbdj"} == set(initials_of("参保登记"))
    assert initials_of("低保", ["低保户", "低保"]) == ["db", "dbh"]
    assert initials_of("ＡＢ(１２)") == ["ab12"]
    assert initials_of("——") == []
