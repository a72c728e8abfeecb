"""Rows of the result: a figure, the limit of the same run, the target, and whether it is met."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent / "build" / "bench"


@dataclass(frozen=True)
class Row:
    """One figure.

    Shapes: `limit` is what the machine or the information itself allows, 0 where nothing does;
    `target` the bound the figure is held to; `at_most` says on which side of it it must lie.
    """

    name: str
    value: float
    unit: str
    limit: float
    target: float
    at_most: bool = True
    note: str = ""

    @property
    def ok(self) -> bool:
        """Return whether the target is met."""
        return self.value <= self.target if self.at_most else self.value >= self.target


class Report:
    """The rows of one suite, shown as they come and written as JSON at the end."""

    def __init__(self, suite: str) -> None:
        self.suite = suite
        self.rows: list[Row] = []
        self._head()

    def add(self, row: Row) -> None:
        """Take in a row and show it."""
        self.rows.append(row)
        sign = "≤" if row.at_most else "≥"
        limit = f"{row.limit:>14,.6g}" if row.limit else " " * 14
        mark = "✓" if row.ok else "✗"
        print(
            f"{mark} {row.name:<44} {row.value:>14,.6g} {row.unit:<10} {limit} "
            f"{sign} {row.target:<12,.6g} {row.note}",
            flush=True,
        )

    def write(self, *, keep: bool = False) -> Path:
        """Write `build/bench/SUITE.json` and return its path; `keep` what it has of other rows."""
        OUT.mkdir(parents=True, exist_ok=True)
        path = OUT / f"{self.suite}.json"
        found = [{**asdict(row), "ok": row.ok} for row in self.rows]
        if keep and path.exists():
            fresh = {row.name for row in self.rows}
            held = json.loads(path.read_text(encoding="utf-8"))
            found = [row for row in held if row["name"] not in fresh] + found
        path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return path

    def _head(self) -> None:
        print(f"  {'name':<44} {'value':>14} {'unit':<10} {'limit':>14}   target")
