"""What may not be published, one finding at a time; and how a matter is pinned."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from casework.errors import RegisterEntryInvalid
from casework.matter import parse_matter
from casework.matter_lint import lint_matter
from tests.casework.casework_world import matter_entry


def change(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    """A change of one place of an entry."""

    def apply(entry: dict[str, Any]) -> None:
        place: Any = entry
        *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        for step in steps:
            place = place[step]
        place[last] = value

    return apply


STAGES = matter_entry()["stages"]
CASES = {
    "stage_empty": change("stages.0.tasks", []),
    "no_deciding_stage": change("stages", STAGES[:1]),
    "two_deciding_stages": change("stages.0.tasks.0.deciding", True),
    "stage_unreachable": change("stages", [STAGES[1], STAGES[0]]),
    "stage_twice": change("stages.1.code", "S1"),
    "two_deciding_tasks": change("stages.1.tasks", STAGES[1]["tasks"] * 2),
    "task_twice": change("stages.1.tasks", STAGES[1]["tasks"] * 2),
    "stages_beyond_promise": change("stages.0.tasks.0.limit_days", 11),
    "post_unknown": change("stages.0.tasks.0.post", "boss"),
    "station_unknown": change("stages.0.tasks.0.station", "上级"),
    "promise_beyond_law": change("limits.promised.days", 31),
    "demo_mark_missing": change("limits.promised.mark", ""),
    "unit_unknown": change("limits.promised.unit", "月"),
    "limit_negative": change("limits.statutory.days", -1),
    "materials_missing": change("materials", []),
    "material_twice": change("materials.1.code", "M1"),
    "need_unknown": change("materials.0.need", "可有可无"),
    "taken_as_unknown": change("materials.0.taken_as", "拍照"),
    "basis_missing": change("basis", [{"text": "", "mark": ""}]),
    "field_empty": change("name", " "),
    "version_invalid": change("version", 0),
    "alias_missing": change("aliases", []),
    "entry_invalid": change("materials", "三份"),
}


def test_sound_entry_has_no_findings() -> None:
    """The demonstration matter may be published."""
    assert [] == lint_matter(matter_entry(), ("代收", "受理"))


@pytest.mark.parametrize("code", CASES)
def test_each_fault_is_found(code: str) -> None:
    """One fault in a sound entry gives the finding named after it, with a sentence."""
    entry = copy.deepcopy(matter_entry())
    CASES[code](entry)
    found = {item.code: item for item in lint_matter(entry, ("代收",))}
    assert code in found
    assert not found[code].sentence.isascii()


def test_matter_without_materials_may_be_informed_about() -> None:
    """A 告知 matter needs neither materials nor stages."""
    assert [] == lint_matter(matter_entry(materials=[], stages=[]), ("告知",))


def test_hash_pins_the_whole_entry() -> None:
    """Any change of the entry, in a field unknown here too, gives another hash."""
    hashes = {
        parse_matter(matter_entry(**extra)).hash for extra in ({}, {"version": 2}, {"new": "x"})
    }
    assert 3 == len(hashes)
    assert parse_matter(matter_entry()).hash in hashes


def test_malformed_entry_is_refused() -> None:
    """An entry of another shape is refused, not half read."""
    with pytest.raises(RegisterEntryInvalid):
        parse_matter({"code": "M1"})
    with pytest.raises(RegisterEntryInvalid):
        parse_matter(matter_entry(fee=1.5, note=float("nan")))


def test_lenient_acceptance_leaves_out_what_may_follow() -> None:
    """容缺 needs only 必要; ordinary acceptance needs 容缺后补 as well."""
    matter = parse_matter(matter_entry())
    assert frozenset({"M1"}) == matter.required(lenient=True)
    assert frozenset({"M1", "M2"}) == matter.required(lenient=False)
