"""The difference of two station tables is a plan: new, moved, changed and missing stations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from stations.entries import Entry

ADDED = "added"
MOVED = "moved"
CHANGED = "changed"
GONE = "gone"
STEP_WORDS = {ADDED: "新增", MOVED: "换上级", CHANGED: "改信息", GONE: "表里没有了"}
FIELD_WORDS = {
    "name": "名称",
    "division": "区划",
    "tier": "层级",
    "url": "下级访问地址",
    "fallbacks": "备用上级",
    "supervising": "监督站点",
}


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one station.

    Shapes: `kind` one of the constants above; `before` and `after` are parents where it moved,
    else the names of what changed are in `fields`.
    """

    kind: str
    station: str
    name: str
    before: str = ""
    after: str = ""
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the line that people read."""
        what = f"{STEP_WORDS[self.kind]}  {self.station}  {self.name}"
        if self.kind == MOVED:
            what += f"  {self.before} → {self.after}"
        if self.fields:
            what += f"  ({'、'.join(FIELD_WORDS[one] for one in self.fields)})"
        return what

    def as_json(self) -> dict[str, object]:
        """Return it as plain values."""
        found = {"kind": self.kind, "station": self.station, "name": self.name}
        if self.kind == MOVED:
            found |= {"before": self.before, "after": self.after}
        return {**found, "fields": list(self.fields)} if self.fields else dict(found)


def compare(before: Mapping[str, Entry], after: Sequence[Entry]) -> list[Step]:
    """Return the steps from one table to the next, in the order of the new one, the gone last.

    Shapes: entries of the stations register, the earlier by code. A merged (closed) station that a
    table no longer names is no step: it was retired before.
    """
    steps = [step for entry in after for step in _steps(before.get(entry["code"]), entry)]
    named = {entry["code"] for entry in after}
    for code, entry in before.items():
        if code not in named and not entry.get("closed"):
            steps.append(Step(GONE, code, entry["attributes"][-1]["name"]))
    return steps


def _steps(earlier: Entry | None, entry: Entry) -> Iterator[Step]:
    code, now = entry["code"], entry["attributes"][-1]
    if earlier is None:
        yield Step(ADDED, code, now["name"], after=now["parent"])
        return
    was = earlier["attributes"][-1]
    if was["parent"] != now["parent"]:
        yield Step(MOVED, code, now["name"], before=was["parent"], after=now["parent"])
    fields = [name for name in ("name", "division") if was[name] != now[name]]
    fields += [
        name
        for name in ("tier", "url", "fallbacks", "supervising")
        if earlier.get(name, "") != entry.get(name, "")
    ]
    if fields:
        yield Step(CHANGED, code, now["name"], fields=tuple(fields))
