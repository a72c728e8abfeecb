"""`yizhan stations`: check a table, see what a new one changes, and make the inventory of it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import click

from fleet import inventory
from fleet.cli import as_json_option, cli, refuse, say
from stations import plan
from stations.entries import to_register_entries
from stations.errors import ImportRefused
from stations.row import StationRow
from stations.table import read_station_table

FILE = click.Path(dir_okay=False, exists=True, path_type=Path)


@cli.group()
def stations() -> None:
    """站点表:检查、对比、生成清单。"""


@stations.command()
@click.argument("table", type=FILE)
@as_json_option
def check(table: Path, as_json: bool) -> None:
    """检查站点表,每一处问题说出行号和怎么改。"""
    rows = _read(table, as_json)
    tiers = Counter(row.tier for row in rows)
    reaches = Counter(row.host.reach or "(没有填到达方式)" for row in rows)
    say(
        as_json,
        {"stations": len(rows), "tiers": tiers, "reaches": reaches},
        [
            f"共 {len(rows)} 个站点,没有问题。",
            *(f"层级 {name}:{count}" for name, count in tiers.items()),
            *(f"到达方式 {name}:{count}" for name, count in reaches.items()),
        ],
    )


@stations.command(name="plan")
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
@as_json_option
def plan_command(before: Path, after: Path, as_json: bool) -> None:
    """两张表的差别就是计划:新增、换上级、改信息、表里没有了。"""
    earlier = {row["code"]: row for row in to_register_entries(_read(before, as_json), "")}
    steps = plan.compare(earlier, to_register_entries(_read(after, as_json), ""))
    say(
        as_json,
        {"steps": [step.as_json() for step in steps]},
        [*map(str, steps), f"共 {len(steps)} 处变化。"],
    )


@stations.command(name="inventory")
@click.argument("table", type=FILE)
@click.option("--county", default="", help="只要一个区县:它的站点代码。")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="写到文件。")
def inventory_command(table: Path, county: str, out: Path | None) -> None:
    """生成 Ansible 清单(JSON)。只含能直连或经跳板到达的站点。"""
    try:
        found = inventory.build(_read(table, as_json=False), county)
    except inventory.NoSuchCounty as error:
        refuse(False, error.code, error.sentence)
    text = json.dumps(found, ensure_ascii=False)
    if out is None:
        click.echo(text)
        return
    out.write_text(text + "\n", encoding="utf-8")
    click.echo(f"清单已写到 {out},共 {len(found['_meta']['hostvars'])} 台。")


def _read(table: Path, as_json: bool) -> list[StationRow]:
    try:
        return read_station_table(table.read_bytes(), table.name)
    except ImportRefused as error:
        problems = [
            {"code": p.code, "line": p.line, "sentence": p.sentence} for p in error.problems
        ]
        refuse(as_json, error.code, error.report(), problems=problems)
