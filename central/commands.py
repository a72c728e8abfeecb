"""Commands that build a tree up: init, catalogue, publish, voucher."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from central import authority_key, catalogue, enrolling, shelves, station_changes
from central.answers import Answer
from central.cli import as_json_option, cli, data_option, database_url, now_ms, opened
from node import enrolment
from sync.engine import authority


@cli.command()
@data_option
@click.option("--station", required=True, help="中心的站点代码,例如 KM0000。")
@as_json_option
def init(data: Path, station: str, as_json: bool) -> None:
    """建立中心:生成签发密钥和中心自己的密钥、数据库。已有中心时拒绝,不改动。"""
    answer = Answer(as_json)
    with answer.refusals():
        enrolling.check_empty(database_url())
        node_file = enrolling.found(data, station, now_ms())
        with opened(data, must_exist=False):
            pass
        public = authority_key.load(data).public_key().hex()
        print_ = enrolment.fingerprint(node_file)
        answer.say(
            {"station": station, "epoch": node_file.epoch, "authority": public, "key": print_},
            [
                f"中心 {station} 已建立,数据在 {data}。",
                f"签发公钥:{public}",
                f"中心密钥指纹:{print_}",
                f"签发密钥在 {data / authority_key.AUTHORITY_KEY},请离线备份并限制查看。",
                f"下一步:yizhan-central catalogue import --data {data}",
            ],
        )


@cli.group(name="catalogue")
def catalogue_group() -> None:
    """目录:导入(只暂存,不发布)。"""


@catalogue_group.command(name="import")
@data_option
@click.option(
    "--from",
    "folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="目录文件夹;不填用随程序带的演示目录。",
)
@as_json_option
def catalogue_import(data: Path, folder: Path | None, as_json: bool) -> None:
    """读入并检查事项、办理关系、站点、人员、日历。有一处不对就什么也不导入。"""
    answer = Answer(as_json)
    with answer.refusals(), opened(data) as node:
        read = catalogue.read(folder, now_ms())
        with node.database.write() as transaction:
            read, steps = station_changes.joined(transaction, read, now_ms())
            counts = catalogue.stage(transaction, read)
        lines = [f"{shelves.REGISTER_TITLES[name]}:{n} 条" for name, n in counts.items()]
        answer.say(
            {"staged": counts, "stations": [step.as_json() for step in steps]},
            [
                *lines,
                *([f"站点有 {len(steps)} 处变化:", *map(str, steps)] if steps else []),
                f"已暂存,还没有发布。下一步:yizhan-central publish --data {data}",
            ],
        )


@cli.command()
@data_option
@click.option(
    "--profile",
    type=click.Choice([authority.ONLINE, authority.FERRY]),
    default=authority.ONLINE,
    show_default=True,
    help="online:联网站点;ferry:靠 U 盘传递的站点,有效期更长。",
)
@click.option(
    "--effective-from",
    type=click.DateTime(["%Y-%m-%d"]),
    help="从哪一天起生效(年-月-日)。现在就送到各站,到那一天由各站自己切换,断网也一样。不写即刻生效。",
)
@as_json_option
def publish(data: Path, profile: str, effective_from: datetime | None, as_json: bool) -> None:
    """发布暂存的目录。内容没有变化的部分不出新版本。中心运行与否都可以执行。"""
    answer = Answer(as_json)
    with answer.refusals(), opened(data) as node:
        day = "" if effective_from is None else effective_from.date().isoformat()
        done = catalogue.publish(
            node, authority_key.load(data), profile=profile, effective_from=day
        )
        changed = sum(one.changed for one in done)
        answer.say(
            {"changed": changed, "shelves": [one.as_json() for one in done]},
            [
                *(
                    f"{'新版' if one.changed else '未变'}  {one.shelf}  版本 {one.edition}"
                    f"  {catalogue.MADE_AS_WORDS[one.made_as]}  {one.entries} 条"
                    f"  首次 {one.bytes} 字节  更新 {one.update_bytes} 字节({one.touched} 条)"
                    f"{f'  {one.effective_from} 起生效' if one.effective_from else ''}"
                    for one in done
                ),
                f"共 {len(done)} 个版本,{changed} 个是新的。",
            ],
        )


@cli.command()
@click.argument("station")
@data_option
@click.option("--parent-url", required=True, help="该站点的上级地址,例如 http://10.0.0.1:8700。")
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="入网单写到哪个文件(不覆盖已有文件,仅本人可读)。",
)
@click.option(
    "--profile",
    type=click.Choice([authority.ONLINE, authority.FERRY]),
    default=authority.ONLINE,
    show_default=True,
    help="online:24 小时内使用;ferry:45 天内使用。",
)
@as_json_option
def voucher(
    station: str, data: Path, parent_url: str, out: Path, profile: str, as_json: bool
) -> None:
    """给一个站点签发一次性的入网单。站点须已在发布的目录里。"""
    answer = Answer(as_json)
    with answer.refusals(), opened(data) as node:
        if out.exists():
            raise FileExistsError(17, "exists", str(out))
        sheet = enrolling.sheet_for(node, data, station, parent_url=parent_url, profile=profile)
        enrolling.write_sheet(out, sheet)
        answer.say(
            {"station": station, "parent": sheet.parent, "file": str(out), "profile": profile},
            [
                f"站点 {station}(上级 {sheet.parent})的入网单已写到 {out}。",
                "入网单只能用一次,里面有密钥:请只交给该站点,用后删除。",
            ],
        )
