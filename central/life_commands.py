"""Commands about machines whose life is in doubt: who asks, what speaks against it, who goes on."""

from __future__ import annotations

from pathlib import Path

import click

from central import approvals
from central.answers import Answer
from central.cli import as_json_option, cli, data_option, opened
from node import life_files, troubles
from ui.words import moment


@cli.group()
def lives() -> None:
    """换机、恢复、同一身份两台机器:看申请和证据,批准继续用哪一台。"""


@lives.command(name="list")
@data_option
@as_json_option
def list_(data: Path, as_json: bool) -> None:
    """列出待批的申请、冻结的日志、缺失的记录号和恢复出来的记录。"""
    answer = Answer(as_json)
    with answer.refusals(), opened(data) as node, node.database.read() as transaction:
        waiting = approvals.open_asks(transaction)
        found = troubles.of_tree(transaction)
        auto = approvals.is_auto(transaction)
    lines = [
        f"待批  站点 {one.ask.station}  核对码 {one.code}  原因:{troubles.why(one.ask.reason)}"
        f"  申请时间 {moment(one.ask.asked_ms)}  本机记录到第 {one.ask.position} 条"
        for one in waiting
    ]
    lines += troubles.lines(found)
    lines.append(f"自动批准:{'开' if auto else '关'}。待批 {len(waiting)} 台。")
    facts = {
        "auto": auto,
        "asks": [
            {
                "station": one.ask.station,
                "code": one.code,
                "reason": one.ask.reason,
                "position": one.ask.position,
                "asked_ms": one.ask.asked_ms,
                "incarnation": one.ask.incarnation,
            }
            for one in waiting
        ],
        **found.as_json(),
    }
    answer.say(facts, lines)


@lives.command()
@click.argument("station")
@click.option("--code", default="", help="继续用的那一台机器的核对码;有几台在申请时必须写。")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="另写一份到文件,用 U 盘带到站点(不覆盖已有文件)。",
)
@data_option
@as_json_option
def approve(station: str, code: str, out: Path | None, data: Path, as_json: bool) -> None:
    """批准站点 STATION 的一台机器继续用(冻结随之解除)。另一台多出的记录列为待核对,不丢。"""
    answer = Answer(as_json)
    with answer.refusals(), opened(data) as node:
        given = approvals.approve(node, data, station, code)
        if out is not None:
            life_files.write_voucher(node, given, out)
        answer.say(
            {"station": given.station, "epoch": given.epoch, "file": str(out or "")},
            [
                f"已批准站点 {given.station} 的这一台机器继续用,凭证随下一次联系送到。",
                "它取回记录后自动恢复办理;另一台机器不再接收,多出的记录列在“需要确认”。",
            ],
        )


@lives.command()
@click.argument("ask", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@data_option
@as_json_option
def take(ask: Path, data: Path, as_json: bool) -> None:
    """收下站点用 U 盘带来的申请文件 ASK(站点上“yizhan-node ask”写的),之后用 approve 批准。"""
    answer = Answer(as_json)
    with answer.refusals(), opened(data) as node:
        taken = life_files.take_ask(node, ask)
        code = life_files.code_of(taken.key)
        answer.say(
            {"station": taken.station, "code": code},
            [
                f"已收下站点 {taken.station} 的申请,核对码 {code}。",
                f"下一步:yizhan-central lives approve {taken.station} --code {code} --out 文件",
            ],
        )


@lives.command()
@click.argument("state", type=click.Choice(["on", "off"]))
@data_option
@as_json_option
def auto(state: str, data: Path, as_json: bool) -> None:
    """自动批准 on/off:只有一台在申请、日志没有冻结的才自动批准;两台机器的从不自动批准。"""
    answer = Answer(as_json)
    with answer.refusals(), opened(data) as node:
        with node.database.write() as transaction:
            approvals.set_auto(transaction, state == "on")
        given = approvals.by_itself(node, data)
        words = "开" if state == "on" else "关"
        answer.say(
            {"auto": state == "on", "given": given},
            [f"自动批准已{words}。" + (f"当即批准 {given} 台。" if given else "")],
        )


@lives.command()
@click.argument("station")
@data_option
@as_json_option
def evidence(station: str, data: Path, as_json: bool) -> None:
    """把站点 STATION 被冻结的证据并排列出:同一位置的两份内容,或两台机器各自的说法。"""
    answer = Answer(as_json)
    with answer.refusals(), opened(data) as node, node.database.read() as transaction:
        found = [one for one in troubles.evidence(transaction) if one.station == station]
    lines = [line for one in found for line in troubles.side_by_side(one)]
    answer.say(
        {"station": station, "evidence": [one.as_json() for one in found]},
        lines or [f"没有站点 {station} 的冻结证据。"],
    )
