"""One line of the station table: its columns, their titles, and what is wrong with single values.

A value that needs other lines to be judged is judged in `tree_checks`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stations.csv_file import CsvRow
from stations.errors import Findings
from stations.host import NO_HOST, Host, is_http_url, parts, read_host

COLUMNS = ("code", "name", "tier", "parent", "division")
"""The columns every table has; the others may be left out."""
TIERS = ("central", "district", "township", "village")
FALLBACKS_MAX = 8
STATION_NAME_CHARACTERS_MAX = 100
STATION_CODE = re.compile(r"[A-Z0-9]{4,12}")
DIVISION_CODE = re.compile(r"[0-9]{12}")
COLUMN_TITLES = {
    "站点代码": "code",
    "站点名称": "name",
    "层级": "tier",
    "上级站点": "parent",
    "区划代码": "division",
    "到达方式": "reach",
    "管理地址": "address",
    "跳板机": "jump",
    "代理": "proxy",
    "时间源": "ntp",
    "操作系统": "os",
    "架构": "arch",
    "备用上级": "fallbacks",
    "监督站点": "supervising",
    "下级访问地址": "url",
    "指标监听": "metrics_listen",
}
TIER_WORDS = {
    "中心": "central",
    "区县": "district",
    "乡镇街道": "township",
    "村社区": "village",
}


@dataclass(frozen=True, slots=True)
class StationRow:
    """One checked line of the table; parent is empty for the root only.

    Shapes: `url` is where its children call it, `fallbacks` the stations that stand in for its
    parent, in the order they are tried; `supervising` judges its ratings.
    """

    code: str
    name: str
    tier: str
    parent: str
    division: str
    line: int
    url: str = ""
    fallbacks: tuple[str, ...] = ()
    supervising: str = ""
    host: Host = NO_HOST


def read_row(raw: CsvRow, findings: Findings) -> StationRow:
    """Return a line as a row and note what is wrong with its single values."""
    row = StationRow(
        code=raw["code"],
        name=raw["name"],
        tier=TIER_WORDS.get(raw["tier"], raw["tier"]),
        parent=raw["parent"],
        division=raw["division"],
        line=raw.line,
        url=raw["url"].rstrip("/"),
        fallbacks=parts(raw["fallbacks"]),
        supervising=raw["supervising"],
        host=read_host(raw, findings),
    )
    _check_station(row, raw, findings)
    _check_road(row, findings)
    return row


def _check_station(row: StationRow, raw: CsvRow, findings: Findings) -> None:
    line = row.line
    if not STATION_CODE.fullmatch(row.code):
        findings.add(
            "bad_code",
            line,
            f"第 {line} 行:站点代码“{row.code}”不合规则,请改为 4 至 12 位大写字母或数字。",
        )
    if not row.name:
        findings.add("empty_name", line, f"第 {line} 行:站点名称是空的,请填写。")
    elif len(row.name) > STATION_NAME_CHARACTERS_MAX:
        findings.add("name_too_long", line, f"第 {line} 行:站点名称超过 100 个字,请缩短。")
    if row.tier not in TIERS:
        findings.add(
            "bad_tier",
            line,
            f"第 {line} 行:层级“{raw['tier']}”无法识别,请填 {'、'.join(TIERS)} 之一"
            f"(或 {'、'.join(TIER_WORDS)})。",
        )
    if not DIVISION_CODE.fullmatch(row.division):
        findings.add(
            "bad_division",
            line,
            f"第 {line} 行:区划代码“{row.division}”应为 12 位数字;"
            "用 Excel 编辑时请把该列设为文本格式后重填。",
        )


def _check_road(row: StationRow, findings: Findings) -> None:
    """Note a URL the children cannot call, and fallbacks that are none by their form."""
    line = row.line
    if row.url and not is_http_url(row.url):
        findings.add(
            "bad_url",
            line,
            f"第 {line} 行:下级访问地址不合规则,请写成 https://地址:端口,不带用户名和路径。",
        )
    if len(row.fallbacks) > FALLBACKS_MAX:
        findings.add(
            "too_many_fallbacks",
            line,
            f"第 {line} 行:备用上级超过 {FALLBACKS_MAX} 个,请只留最常用的几个。",
        )
    if len(set(row.fallbacks)) != len(row.fallbacks):
        findings.add("repeated_fallback", line, f"第 {line} 行:备用上级写了两次,请删去一个。")
