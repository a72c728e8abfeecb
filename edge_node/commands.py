"""The commands of `yizhan-node`: enrol, run, staff-code, status, prune, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import msgspec

from edge_node import cli, doctoring
from edge_node.aside import TITLES
from edge_node.cli import (
    Failure,
    World,
    answer_option,
    data_option,
    json_option,
    stick_option,
)
from edge_node.parent_command import parent
from node import accounts, enrolment, quarantine, tidying
from node.program import Node
from node.release import RELEASE
from node.situation import situation
from ui.reasons import reason_words

STARTED_FILE: Final = "started"
"""There from the first start on: a missing database is then a loss, not a beginning."""


keep_days_option = click.option(
    "--keep-days",
    default=tidying.KEEP_DAYS,
    show_default=True,
    type=click.IntRange(0, 36_500),
    help="正文在本站至少保存多少天;0 为永远保存。",
)


files_max_option = click.option(
    "--files-max-mb",
    default=0,
    show_default=True,
    type=click.IntRange(0, 100_000_000),
    help="每个站点添加的附件合计最多多少 MB,本站和下级各算各的;到了上限不再收附件,"
    "办件不受影响。0 为不限。",
)


@click.group(
    help="驿站:站点程序。命令后加 --help 看说明。退出码:0 成功,1 失败,2 用法不对,3 有问题。"
)
@click.version_option(RELEASE, prog_name="yizhan-node")
def main() -> None:
    """The station program's command line."""


main.add_command(parent)


@main.command(help="用入网单 SHEET 在数据目录里建立本站的身份。")
@click.argument("sheet", type=click.Path(dir_okay=False, path_type=Path))
@data_option
@json_option
@click.pass_obj
def enrol(world: World, sheet: Path, data: Path, as_json: bool) -> None:
    """Make this station's keys and certificate."""
    with cli.refusals(as_json=as_json):
        if not sheet.is_file():
            raise Failure(f"找不到入网单 {sheet}。没有做任何改动。", "no_sheet", as_json=as_json)
        try:
            node = enrolment.enrol(data, enrolment.read_sheet(sheet), world.clock_ms())
        except FileExistsError as error:
            sentence = f"目录 {data} 里已有入网的站点,没有改动。要重新入网请换一个空目录。"
            raise Failure(sentence, "already_enrolled", as_json=as_json) from error
        # The files are made now: what is wrong with the disk is said here, not at the first start.
        Node(data, clock_ms=world.clock_ms, release=world.release).close()
    shown = enrolment.fingerprint(node)
    facts = {"station": node.station, "parent": node.parent, "fingerprint": shown}
    lines = [f"站点 {node.station} 已入网。", f"公钥指纹 {shown},请与中心显示的核对。"]
    lines.append(
        f"下一步:yizhan-node run --data {data} --listen 127.0.0.1:8080 --sync-listen 0.0.0.0:8081"
    )
    cli.say(facts, lines, as_json=as_json)


@main.command(help="运行本站:页面、下级同步入口和向上级的同步。SIGTERM 或 Ctrl+C 结束。")
@data_option
@click.option(
    "--listen", default="127.0.0.1:8080", show_default=True, help="页面地址,应是本机地址。"
)
@click.option(
    "--sync-listen", default="0.0.0.0:8081", show_default=True, help="下级站点来同步的地址。"
)
@click.option(
    "--interval",
    default=0.0,
    type=click.FloatRange(0, 3600),
    help="没有新记录时约多少秒联系一次上级;不给则按上级的建议(平时 300 秒)。"
    "有记录往来后的10分钟内最多30秒。",
)
@click.option(
    "--round-kib",
    default=0,
    type=click.IntRange(0, 512),
    help="每次往来单方向最多多少 KiB;不给则按测得的线路速度,约 20 秒的量。",
)
@click.option(
    "--fallback-after",
    default=600.0,
    show_default=True,
    type=click.FloatRange(1, 86400),
    help="上级多少秒没有应答,就暂时改由备用上级接收。没有备用上级时不起作用。",
)
@click.option("--parent-url", default="", help="上级同步地址;不给则用入网单里的。")
@click.option("--host", "hosts", multiple=True, help="页面还允许用哪个主机名打开,可多次。")
@stick_option
@answer_option
@keep_days_option
@files_max_option
@click.pass_obj
def run(
    world: World,
    data: Path,
    listen: str,
    sync_listen: str,
    interval: float,
    round_kib: int,
    fallback_after: float,
    parent_url: str,
    hosts: tuple[str, ...],
    stick: Path | None,
    answer: bool,
    keep_days: int,
    files_max_mb: int,
) -> None:
    """Serve pages and children and call the parent until a signal comes."""
    # Imported late: the other commands start faster without the web framework.
    from edge_node import running

    running.run(
        world,
        data,
        running.Wanted(
            listen,
            sync_listen,
            interval,
            round_kib,
            fallback_after,
            parent_url,
            hosts,
            stick,
            answer,
            keep_days,
            files_max_mb,
        ),
    )


@main.command(
    "staff-code",
    help="给工号 STAFF_NO 一个设置密码用的一次性代码(24小时内有效)。站点运行时也能用。",
)
@click.argument("staff_no")
@data_option
@json_option
@click.pass_obj
def staff_code(world: World, staff_no: str, data: Path, as_json: bool) -> None:
    """Print a one-time code."""
    with cli.refusals(as_json=as_json):
        node = cli.node_file(data, as_json=as_json)
        with cli.database(data, as_json=as_json) as database, database.write() as transaction:
            entry = transaction.entry("staff", staff_no)
            station = "" if entry is None else msgspec.json.decode(entry.raw).get("station", "")
            if station != node.station:
                sentence = (
                    f"本站人员名册里没有工号 {staff_no},没有给出代码。"
                    "名册来自中心;刚入网的站点请等第一份目录到了再试。"
                )
                raise Failure(sentence, "unknown_staff", as_json=as_json)
            code = accounts.issue_code(transaction, staff_no, world.clock_ms())
    facts = {"staff_no": staff_no, "code": code, "valid_hours": accounts.CODE_MS // 3_600_000}
    cli.say(facts, [code], as_json=as_json)


@main.command(help="本站记录到了哪里、上级通不通。有未到中心的记录或上级不应答时退出码为 3。")
@data_option
@json_option
def status(data: Path, as_json: bool) -> None:
    """Say how far this station's records have come."""
    with cli.refusals(as_json=as_json):
        file = cli.node_file(data, as_json=as_json)
        core = enrolment.core_of(file, data)
        with cli.database(data, as_json=as_json) as database, database.read() as transaction:
            state = situation(core, transaction)
            editions = transaction.editions()
            aside = quarantine.aside(transaction)
            holes = quarantine.holes_of(transaction, file.station)
    facts = {
        "station": file.station,
        "situation": {**state._asdict(), "rungs": state.rungs._asdict()},
        "editions": editions,
        "aside": {name: [one._asdict() for one in found] for name, found in aside.items()},
        "holes": [hole._asdict() for hole in holes],
    }
    answers = "有应答" if state.parent_answers else "没有应答"
    lines = [
        f"站点 {file.station},上级 {file.parent} {answers}。",
        f"已保存在本站未上传 {state.rungs.local} 条,已传到上级 {state.rungs.parent} 条,"
        f"已到中心 {state.rungs.central} 条,已备份 {state.rungs.backed_up} 条。",
        f"目录 {len(editions)} 份。",
        *(f"{TITLES[name]} {len(found)} 条。" for name, found in aside.items() if found),
        *(f"本站第 {hole.position} 条未被接收:{reason_words(hole.reason)}" for hole in holes),
    ]
    cli.say(facts, lines, as_json=as_json)
    well = state.parent_answers and not state.rungs.local and not state.rungs.parent and not holes
    cli.finish(cli.OK if well else cli.DEGRADED)


@main.command(
    help="清理正文:办完、已备份、过了保存天数的办件只留签名记录,正文用到时自动从上级取回。"
)
@data_option
@keep_days_option
@json_option
@click.pass_obj
def prune(world: World, data: Path, keep_days: int, as_json: bool) -> None:
    """Drop bodies that a verified backup holds."""
    with cli.refusals(as_json=as_json):
        cli.node_file(data, as_json=as_json)
        if not keep_days:
            raise Failure("没有给出保存天数,没有清理。", "keep_for_ever", as_json=as_json)
        node = Node(data, clock_ms=world.clock_ms, release=world.release, must_exist=True)
        try:
            freed = node.prune(keep_days * tidying.DAY_MS)
        finally:
            node.close()
    lines = [f"看过 {freed.seen} 条记录,清理了 {freed.bodies} 条的正文,腾出 {freed.bytes} 字节。"]
    if not freed.bodies:
        lines.append("只有已备份、已办完、过了保存天数的才会清理;没有一条丢失。")
    cli.say(freed._asdict(), lines, as_json=as_json)


@main.command(help="自检,最后给出一个下一步。")
@data_option
@json_option
@click.pass_obj
def doctor(world: World, data: Path, as_json: bool) -> None:
    """Check the node's folder and end in one next step."""
    with cli.refusals(as_json=as_json):
        findings = doctoring.examine(data, world.clock_ms())
    step = doctoring.next_step(findings)
    facts = {"findings": [item.as_json() for item in findings], "next_step": step}
    lines = [f"{item.word}  {item.sentence}" for item in findings]
    cli.say(facts, [*lines, f"下一步:{step}"], as_json=as_json)
    cli.finish(doctoring.exit_code(findings))
