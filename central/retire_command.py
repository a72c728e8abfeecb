"""`yizhan-central retire`: a village was merged; nothing it wrote or will still send is refused."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import click

from casework.projection import TAB_ENDED, CaseFilter
from central import authority_key, catalogue, retiring
from central.answers import Answer, NotDone
from central.cli import as_json_option, cli, data_option, opened
from node.program import Node
from node.registry import Registries, day_of

LISTED_MAX = 1000


class Retired(NamedTuple):
    """What came of a merger: its day, and the cases whose custody the closed station still has."""

    day: str
    open_cases: list[str]


def retire(node: Node, folder: Path, station: str, into: str) -> Retired:
    """Close a station in the register and publish; its cases stay its own until taken over.

    Raises: NotDone.
    """
    now = node.clock_ms()
    with node.database.write() as transaction:
        tree = Registries().of(transaction, now).tree
        for code in (station, into):
            if code not in tree:
                raise NotDone("unknown_station", f"站点 {code} 不在已发布的目录里,没有改动。")
        if station in (into, node.core.station) or tree.closed_into(into) is not None:
            raise NotDone("not_possible", "不能并入自己、不能并掉中心、不能并入已并掉的站点。")
        if tree.children(station):
            raise NotDone(
                "has_children", f"站点 {station} 还有下级,没有改动。请先给下级换上级并发布。"
            )
        day = day_of(now).isoformat()
        retiring.note(transaction, station, day, into)
        rows = node.desk.table(transaction).list(CaseFilter(holder=station), LISTED_MAX)
        held = [row.receipt_no for row in rows if row.tab != TAB_ENDED]
    catalogue.publish(node, authority_key.load(folder))
    return Retired(day, held)


@cli.command(name="retire")
@click.argument("station")
@click.option("--into", required=True, help="并入哪个站点。")
@data_option
@as_json_option
def retire_command(station: str, into: str, data: Path, as_json: bool) -> None:
    """并站:站点不再收新件,手上的件照常办,迟到的上报照常收,一条不丢。"""
    answer = Answer(as_json)
    with answer.refusals(), opened(data) as node:
        done = retire(node, data, station, into)
        answer.say(
            {"station": station, "into": into, **done._asdict()},
            [
                f"站点 {station} 自 {done.day} 起并入 {into},已发布。",
                f"它手上还有 {len(done.open_cases)} 件没办完。",
                f"下一步:由 {station} 移交给 {into};联系不上它的,由上级凭收件编号接办后移交。",
            ],
        )
