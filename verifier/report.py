"""What was checked and what came of it, as JSON or as Chinese text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from verifier.container import Bad, Container
from verifier.contents import Contents

CHINA = timezone(timedelta(hours=8))


@dataclass
class Report:
    """One file's result. Shapes: `authority` is `confirmed`, `not_given` or `other`."""

    file: str
    container: Container | None = None
    authority: str = "not_given"
    signed: bool = False
    sealed: bool = False
    contents: Contents | None = None
    bad: Bad | None = None

    @property
    def findings(self) -> list[Bad]:
        """All that is wrong, in the order of the file."""
        inside = self.contents.bad if self.contents is not None else []
        return [*inside, *([self.bad] if self.bad is not None else [])]

    @property
    def good(self) -> bool:
        """True if nothing that could be checked was wrong."""
        return not self.findings

    def as_json(self) -> str:
        """Return the report for programs."""
        inside = self.contents
        facts: dict[str, Any] = {
            "schema_version": 1,
            "file": self.file,
            "ok": self.good,
            "authority": self.authority,
            "head_signature": self.signed,
            "sealed_hash": self.sealed,
            "contents_checked": inside is not None,
            "findings": [
                {"code": bad.code, "where": bad.where, "sentence": bad.sentence}
                for bad in self.findings
            ],
        }
        if self.container is not None:
            made = self.container.manifest
            names = (
                "way",
                "station",
                "epoch",
                "incarnation",
                "to",
                "number",
                "created_ms",
                "events",
            )
            facts["manifest"] = {name: made[name] for name in names}
            facts["manifest"]["readers"] = _readers(made)
            facts["manifest"]["ranges"] = made["ranges"]
        if inside is not None:
            facts["contents"] = {
                "events": inside.events,
                "bodies_absent": inside.bodies_absent,
                "statements": inside.statements,
                "statements_unknown_signer": inside.statements_unknown_signer,
                "blobs": inside.blobs,
                "logs": inside.logs,
                "findings": inside.bad_count,
            }
        return json.dumps(facts, ensure_ascii=False)

    def lines(self) -> list[str]:
        """Return the report for people."""
        found: list[str] = []
        if self.container is not None:
            found += _about(self.container.manifest)
            found.append(f"{_tick(self.signed)} 清单的签名(签发钥匙 → 入网凭证 → 站点证书 → 签名)")
            found.append(f"{_tick(self.sealed)} 密文的大小和哈希")
            found.append(_AUTHORITY[self.authority])
        if self.contents is not None:
            inside = self.contents
            found.append(
                f"{_tick(not inside.bad_count)} 内容:事件 {inside.events} 条"
                f"(其中正文已清除 {inside.bodies_absent} 条),声明 {inside.statements} 份,"
                f"文件 {inside.blobs} 个"
            )
            for log, (first, last) in sorted(inside.logs.items()):
                found.append(f"    {log}:第 {first} 条至第 {last} 条")
        elif self.good:
            found.append("－ 内容没有打开:没有给出读者的钥匙(--key)")
        found += [f"✕ {bad.where}:{bad.sentence}({bad.code})" for bad in self.findings[:20]]
        found.append("结论:核验通过。" if self.good else "结论:核验不通过。")
        return found


_AUTHORITY = {
    "confirmed": "✓ 签发钥匙与给出的一致",
    "not_given": "－ 没有给出签发钥匙(--authority),只核对了包里自带的那一把",
    "other": "✕ 签发钥匙与给出的不是同一把",
}


def _tick(good: bool) -> str:
    return "✓" if good else "✕"


def _readers(made: dict[str, Any]) -> list[str]:
    return [str(r.get("to")) for r in made["readers"] if isinstance(r, dict)]


def _about(made: dict[str, Any]) -> list[str]:
    way = "上行" if made["way"] == "up" else f"下行,给 {made['to']}"
    try:
        at = datetime.fromtimestamp(made["created_ms"] / 1000, CHINA).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, OSError, ValueError):
        at = "时间不明"
    return [
        f"数据包:{made['station']} 做的第 {made['number']} 个({way}),{at},事件 {made['events']} 条",
        f"能打开的:{'、'.join(_readers(made))}",
    ]
