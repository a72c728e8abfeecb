"""The invented matters of the workload as entries of the product's register."""

from __future__ import annotations

from typing import Any

from benchmarks.county import DIVISION
from central.imports.pinyin import initials_of

Json = dict[str, Any]


def entries(rows: list[Json], tier: str = "district") -> list[Json]:
    """Return the rows with what the register asks for besides; no content is left out."""
    return [_entry(row, tier) for row in rows]


def _entry(row: Json, tier: str) -> Json:
    materials = [
        {
            "code": f"M{number}",
            "name": paper["名称"],
            "need": "必要" if paper["必要"] else "非必要",
            "copies": paper["份数"],
            "note": paper["说明"],
            "source": paper["来源"],
            "form": paper["形式"],
        }
        for number, paper in enumerate(row["materials"], 1)
    ]
    return {
        **row,
        "conditions": [row["conditions"]],
        "materials": materials,
        "aliases": [],
        "initials": initials_of(row["name"], []),
        "division": DIVISION,
        "tiers": [tier],
        "demo": True,
    }
