"""Matters written by hand: a JSON list, one object per matter, as complete register entries.

Adds the pinyin initials, which nobody should write by hand, and refuses what is not in the agreed
form. Whether a step list is workable is asked of `casework` in one place (`lint`).
"""

from __future__ import annotations

import re
from typing import Any

from central.imports.days import is_day
from central.imports.json_file import read_objects, shape_problems
from central.imports.lint import lint_sentences
from central.imports.matter_shape import MATTER_TYPES, WRITTEN_MATTER
from central.imports.pinyin import initials_of
from stations.errors import Findings

MATTER_CODE = re.compile(r"[A-Z0-9-]{4,64}")
DIVISION_CODE = re.compile(r"[0-9]{12}")


def read_matters_json(data: bytes, file: str) -> list[dict[str, Any]]:
    """Return the entries of a file in its order, with initials added after the aliases.

    Raises: ImportRefused with every problem of the file.
    """
    findings = Findings(file)
    entries = []
    lines: dict[str, int] = {}
    for line, written in read_objects(data, findings):
        wrong = list(shape_problems(written, WRITTEN_MATTER))
        for path, expected in wrong:
            findings.add("bad_field", line, f"第 {line} 行起的事项:字段“{path}”{expected}。")
        if wrong:
            continue
        _check_values(written, line, lines, findings)
        entry = _with_initials(written)
        for sentence in lint_sentences(entry):
            findings.add("lint", line, f"第 {line} 行起的事项 {entry['code']}:{sentence}")
        entries.append(entry)
    if not entries and not findings.problems:
        findings.add("no_rows", 1, "文件里没有事项,请检查是否选错了文件。")
    findings.refuse_if_any()
    return entries


def _with_initials(written: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    for key, value in written.items():
        entry[key] = value
        if key == "aliases":
            entry["initials"] = initials_of(written["name"], value)
    return entry


def _check_values(
    written: dict[str, Any], line: int, lines: dict[str, int], findings: Findings
) -> None:
    """Note values of the right kind that still cannot stand."""
    code = written["code"]
    first = lines.setdefault(code, line)
    place = f"第 {line} 行起的事项 {code}"
    if first != line:
        findings.add("duplicate_code", line, f"{place}:编码与第 {first} 行的相同,请改正。")
    if not MATTER_CODE.fullmatch(code):
        findings.add(
            "bad_code", line, f"{place}:编码只能用 4 至 64 位大写字母、数字和短横,请改正。"
        )
    if not written["aliases"]:
        findings.add(
            "no_alias", line, f"{place}:没有俗称,群众说的叫法在正式名称里往往没有,请至少填一个。"
        )
    if MATTER_TYPES[written["type"]] != written["type_name"]:
        expected = MATTER_TYPES[written["type"]]
        findings.add(
            "type_mismatch", line, f"{place}:类型代码 {written['type']} 应为“{expected}”。"
        )
    if not DIVISION_CODE.fullmatch(written["division"]):
        findings.add("bad_division", line, f"{place}:区划代码应为 12 位数字。")
    if not is_day(written["effective_from"]):
        findings.add("bad_day", line, f"{place}:生效日期应写成 2026-01-01 的样子。")
    if written["version"] < 1 or written["supplement_days"] < 0:
        findings.add("bad_number", line, f"{place}:版本号应从 1 起,补正天数不能是负数。")
