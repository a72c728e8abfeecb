"""`yizhan-node parent`: who this node's parent is, set by a person, and which fallbacks it has."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import click

from edge_node import cli
from edge_node.cli import Failure, World, data_option, json_option
from node import enrolment
from sync.engine import homes
from sync.engine.homes import Place
from sync.protocol.names import check_station


@click.command(
    "parent",
    help="看或改本站的上级。不带选项只显示;--station 和 --url 改上级,加 --fallback 则添为备用上级;"
    "--by-register 恢复按站点登记。站点运行时也能用,下一次往来时生效。",
)
@click.option("--station", default="", help="上级的站点代码。")
@click.option("--url", default="", help="上级的同步地址,例如 http://10.1.2.3:8081。")
@click.option("--fallback", is_flag=True, help="添为备用上级。")
@click.option("--by-register", is_flag=True, help="上级和备用上级都按站点登记。")
@data_option
@json_option
@click.pass_obj
def parent(
    world: World,
    station: str,
    url: str,
    fallback: bool,
    by_register: bool,
    data: Path,
    as_json: bool,
) -> None:
    """Show or set the parent; a running node follows before its next round."""
    with cli.refusals(as_json=as_json):
        file = cli.node_file(data, as_json=as_json)
        place = _place(station, url, as_json=as_json)
        core = enrolment.core_of(file, data)
        with cli.database(data, as_json=as_json) as database, database.write() as transaction:
            if by_register:
                homes.set_fallbacks(core, transaction, [])
                homes.command(core, transaction, None)
            elif place is not None and fallback:
                others = homes.home(core, transaction).fallbacks
                kept = [one for one in others if one.station != place.station]
                homes.set_fallbacks(core, transaction, [*kept, place])
            elif place is not None:
                homes.command(core, transaction, place)
            here = homes.home(core, transaction)
            places = homes.places(core, transaction, world.clock_ms())
        own = here.commanded.station if here.commanded is not None else here.own
        facts = {
            "station": file.station,
            "own": own,
            "now": here.now,
            "commanded": here.commanded is not None,
            "fallbacks": [{"station": one.station, "url": one.url} for one in places],
        }
        how = "人工指定" if here.commanded is not None else "按站点登记"
        listed = "、".join(f"{one.station}({one.url})" for one in places) or "没有"
        cli.say(
            facts,
            [
                f"上级 {own}({how}),现在连的是 {here.now}。",
                f"备用上级:{listed}。",
                "改动在下一次往来时生效,数据没有改动。",
            ],
            as_json=as_json,
        )


def _place(station: str, url: str, *, as_json: bool) -> Place | None:
    if not station and not url:
        return None
    parts = urlsplit(url)
    if not station or parts.scheme not in ("http", "https") or not parts.hostname:
        raise Failure(
            "请同时给出 --station 站点代码和 --url 地址(http:// 或 https:// 开头)。没有改动。",
            "bad_place",
            as_json=as_json,
        )
    return Place(check_station(station), url)
