"""Finding a matter by what people say: exact on characters, ranked by what the station does."""

from __future__ import annotations

import random
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlcipher3.dbapi2

from casework.matter_index import RANKED_HITS_MAX, MatterIndex
from casework.search import (
    HAN,
    code_fragment,
    exact_form,
    fold,
    index_text,
    initials_expression,
    initials_tokens,
    match_expression,
)
from central.imports.entries import load_demo_catalogue

QUERIES = Path(__file__).with_name("matter_queries.tsv")
RIGHT_IN_TOP_FIVE_PERCENT = 95
# Rare characters of Extensions A, B, C, F and G, the zero and the repetition mark.
RARE = "㐂\u4dae\u9fa6\U00020000\U0002a700\U0002ceb0\U00030000〇々"


def matter(code: str, name: str, *aliases: str, **more: Any) -> dict[str, Any]:
    """Return the part of an entry that searching looks at."""
    return {"code": code, "name": name, "aliases": list(aliases), **more}


@pytest.fixture(params=["sqlite3", "sqlcipher3"])
def index(request: pytest.FixtureRequest) -> MatterIndex:
    """An empty index on each of the two libraries it may meet."""
    connect = sqlite3.connect if request.param == "sqlite3" else sqlcipher3.dbapi2.connect
    made = MatterIndex(connect(":memory:"))
    made.create_tables()
    return made


@pytest.fixture(scope="module")
def catalogue() -> list[dict[str, Any]]:
    """The matters of the demonstration: 44 written by hand and 1,135 names."""
    return load_demo_catalogue()["matters"]


def test_text_becomes_pairs_and_a_last_character() -> None:
    """The stored tokens are those the module's docstring promises."""
    assert index_text("低保户A证") == "低保 保户 户 a 证"
    assert index_text("（８０）周岁，以上") == "80 周岁 岁 以上 上"


def test_queries_become_quoted_phrases() -> None:
    """Words are joined by AND, single characters and Latin words may go on."""
    assert match_expression("低保") == '"低保"'
    assert match_expression("户") == '"户" *'
    assert match_expression("户A") == '"户 a" *'
    assert match_expression(" 残疾人证　换领 ") == '"残疾 疾人 人证" AND "换领"'
    assert match_expression('"A"证*') == '"a" * AND "证" *'


@pytest.mark.parametrize("query", ["", "  ", '"', "*", "()", '"" OR ""', "-", "，。", "\x00", "^"])
def test_marks_alone_or_operators_are_never_an_error(index: MatterIndex, query: str) -> None:
    """Whatever is typed is an answer, never an SQL or FTS error."""
    index.replace_all([matter("A001", "低保 OR 高保")])
    assert index.search(query) in ([], ["A001"])


@pytest.mark.parametrize("query", ["NEAR(低 保)", "name:低保", "低保 NOT 户", "低*", 'x" OR "低'])
def test_full_text_operators_are_plain_words(index: MatterIndex, query: str) -> None:
    """Operators of FTS5 in a query are searched for like any other word."""
    index.replace_all([matter("A001", "低保")])
    assert index.search(query) in ([], ["A001"])
    assert index.search("低保 NOT 户") == []


def test_folding_makes_full_width_and_case_alike() -> None:
    """NFKC and lower case; marks do not tell names apart."""
    assert fold(" ＡＢＣ１２（低保） ") == "abc12(低保)"
    assert exact_form("高龄津贴（80周岁以上）") == exact_form("高龄津贴 80周岁以上")


def test_initials_are_suffixes_of_at_most_eight_letters() -> None:
    """A fragment anywhere in the name is the beginning of a stored token."""
    assert initials_tokens(["gljt"]) == "gljt ljt jt t"
    assert initials_tokens(["abcdefghij"]).split()[0] == "abcdefgh"
    assert initials_expression(" GLJT ") == '"gljt" *'
    assert initials_expression("高龄") == ""
    assert initials_expression("g") == ""


def test_a_code_fragment_needs_a_digit_or_a_hyphen() -> None:
    """Plain letters are initials, not part of a code."""
    assert code_fragment("MZ-0101") == "mz-0101"
    assert code_fragment("gljt") == ""
    assert code_fragment("低保1234") == ""


def test_every_substring_is_found_exactly_where_instr_finds_it(
    index: MatterIndex, catalogue: list[dict[str, Any]]
) -> None:
    """Random substrings of one to six Chinese characters: no hit too many, none missing."""
    entries = [matter(entry["code"], entry["name"]) for entry in catalogue]
    rare = random.Random(7)
    for at in range(60):
        entries.append(matter(f"R{at:03}", "".join(rare.choices(RARE + "证户", k=8))))
    index.replace_all(entries)
    names = {entry["code"]: fold(entry["name"]) for entry in entries}
    runs = [run for name in names.values() for run in re.findall(f"[{HAN}]+", name)]
    chance = random.Random(20261122)
    asked = 0
    for _ in range(1500):
        run = chance.choice(runs)
        length = min(len(run), chance.randint(1, 6))
        start = chance.randint(0, len(run) - length)
        part = run[start : start + length]
        expected = {code for code, name in names.items() if part in name}
        if len(expected) <= 400:
            asked += 1
            assert expected == set(index.search(part, limit=500)), part
    assert asked > 1300


def test_words_are_all_required_in_any_order(
    index: MatterIndex, catalogue: list[dict[str, Any]]
) -> None:
    """Two words, short or long, give the names that hold both."""
    index.replace_all([matter(entry["code"], entry["name"]) for entry in catalogue])
    for words in (("残疾人证", "换领"), ("证", "补办"), ("变更", "户口"), ("药", "许可")):
        expected = {
            entry["code"] for entry in catalogue if all(word in entry["name"] for word in words)
        }
        assert expected == set(index.search(" ".join(words), limit=500))
        assert expected == set(index.search(" ".join(reversed(words)), limit=500))
        assert expected


def test_mixed_words_keep_their_order(index: MatterIndex) -> None:
    """Latin letters and Chinese characters typed as one word must follow each other."""
    index.replace_all(
        [
            matter("A001", "A类许可"),
            matter("A002", "许可B类"),
            matter("A003", "C1驾照换证"),
            matter("A004", "24小时服务"),
        ]
    )
    assert index.search("A类") == ["A001"]
    assert index.search("a类许") == ["A001"]
    assert index.search("可B") == ["A002"]
    assert index.search("c1驾照") == ["A003"]
    assert index.search("24小") == ["A004"]
    assert index.search("类A") == []


def test_the_fixed_query_set_finds_the_right_matter(
    index: MatterIndex, catalogue: list[dict[str, Any]]
) -> None:
    """At least 95 % of what clerks type bring the right matter among the first five."""
    index.replace_all(catalogue)
    boost = {entry["code"] for entry in catalogue if entry["materials"]}
    names = {entry["code"]: entry["name"] for entry in catalogue}
    lines = QUERIES.read_text(encoding="utf-8").splitlines()
    pairs = [line.split("\t") for line in lines if not line.startswith("#")]
    assert len(pairs) >= 60
    assert not [name for _, name in pairs if name not in names.values()]
    missed = [
        query
        for query, name in pairs
        if name not in [names[code] for code in index.search(query, 5, boost)]
    ]
    assert len(missed) * 100 <= len(pairs) * (100 - RIGHT_IN_TOP_FIVE_PERCENT), missed


def test_an_exact_alias_comes_before_everything(index: MatterIndex) -> None:
    """The matter whose alias is the query beats shorter names that merely hold it."""
    index.replace_all(
        [
            matter("A001", "低保证"),
            matter("A002", "城乡居民最低生活保障金的申请与审核确认", "低保"),
            matter("A003", "低保金", "低保户"),
        ]
    )
    assert index.search("低保")[0] == "A002"
    assert {"A001", "A002", "A003"} == set(index.search("低保"))


def test_matters_taken_in_here_come_before_notices(index: MatterIndex) -> None:
    """Boosted codes lead among equal kinds of match, in text, initials and codes alike."""
    entries = [matter(f"N{at:03}-1", "残疾证", initials=["cjz"]) for at in range(30)]
    entries.append(matter("D001-1", "残疾证在本站办理的事项", initials=["cjzzbzbl"]))
    index.replace_all(entries)
    assert index.search("残疾", 5)[0] != "D001-1"
    assert index.search("残疾", 5, {"D001-1"})[0] == "D001-1"
    assert index.search("cjz", 5, {"D001-1"})[0] == "D001-1"
    assert index.search("01-1", 5, {"D001-1"})[0] == "D001-1"
    assert "D001-1" not in index.search("残疾证", 5, {"D001-1"})[:1]


def test_a_broad_query_still_leads_with_what_is_taken_in_here(index: MatterIndex) -> None:
    """Beyond the number of hits that are scored, boosted and shorter names come first."""
    count = RANKED_HITS_MAX + 200
    entries = [matter(f"N{at:05}", f"许可{'证' * (at % 7)}{at}") for at in range(count)]
    entries.append(matter("D001", "在本站办理的很长的名称的许可"))
    entries.append(matter("S001", "许可"))
    entries.append(matter("X001", "别的", department="许可科"))
    index.replace_all(entries)
    found = index.search("许可", 10, {"D001"})
    assert found[:2] == ["S001", "D001"]
    assert len(set(found)) == 10
    assert "X001" not in found


def test_departments_are_searched_last(index: MatterIndex) -> None:
    """A word of the department finds its matters after those that have it in the name."""
    index.replace_all(
        [
            matter("A001", "收养登记", department="区民政局"),
            matter("A002", "民政对象临时救助", department="其他"),
        ]
    )
    assert index.search("民政") == ["A002", "A001"]


def test_polyphones_are_found_by_each_reading(index: MatterIndex) -> None:
    """参保 answers to cb and to sb: the register ships both readings."""
    index.replace_all([matter("A001", "职工参保登记", initials=["zgcbdj", "zgsbdj"])])
    for letters in ("zgcbdj", "cbdj", "sbdj", "bd"):
        assert index.search(letters) == ["A001"], letters


def test_changes_leave_the_same_index_as_a_rebuild(
    index: MatterIndex, catalogue: list[dict[str, Any]]
) -> None:
    """After renames, additions and removals every query answers as on a fresh index."""
    entries = [dict(entry) for entry in catalogue[:300]]
    index.replace_all(entries)
    removed = [entry["code"] for entry in entries[10:40]]
    changed = [
        {**entry, "name": entry["name"] + "新版", "aliases": ["新叫法"], "initials": ["xjf"]}
        for entry in entries[40:60]
    ]
    added = [dict(entry) for entry in catalogue[300:320]]
    index.apply([*changed, *added], removed)
    index.apply([*changed, *added], [*removed, "NEVER-HELD"])
    kept = [entry for entry in entries if entry["code"] not in removed]
    changed_codes = {entry["code"] for entry in changed}
    final = [e for e in kept if e["code"] not in changed_codes] + changed + added
    fresh = MatterIndex(sqlite3.connect(":memory:"))
    fresh.create_tables()
    fresh.replace_all(final)
    queries = ["新叫法", "新版", "xjf", "证", "许可", "备案", *(e["name"] for e in entries[:80])]
    for query in queries:
        assert set(fresh.search(query, 500)) == set(index.search(query, 500)), query
    assert not set(removed) & set(index.search("证", 500))


def test_a_rebuild_is_asked_for_until_one_was_made(index: MatterIndex) -> None:
    """An index nobody has filled, or filled by another recipe, says so."""
    assert index.needs_rebuild()
    index.replace_all([])
    assert not index.needs_rebuild()
    index._connection.execute("UPDATE matter_search_recipe SET recipe = recipe + 1")
    assert index.needs_rebuild()


def test_the_limit_is_kept(index: MatterIndex) -> None:
    """Never more codes than asked for, none for zero."""
    index.replace_all([matter(f"A{at:03}", "证明", initials=["zm"]) for at in range(40)])
    assert len(index.search("证明", 7)) == 7
    assert len(index.search("zm", 7)) == 7
    assert index.search("证明", 0) == []
    assert index.search("证明", -1) == []
