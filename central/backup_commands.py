"""Commands that keep central replaceable: backup and restore."""

from __future__ import annotations

from pathlib import Path

import click

from central.answers import Answer
from central.cli import as_json_option, cli, data_option, now_ms, opened
from node import backup as backups
from ui.words import moment


@cli.command()
@click.argument("dest", type=click.Path(path_type=Path))
@click.option("--verify", is_flag=True, help="核对复制件;通过后签发备份水位,各站显示“已备份”。")
@data_option
@as_json_option
def backup(dest: Path, verify: bool, data: Path, as_json: bool) -> None:
    """把中心备份到新文件夹 DEST(运行时也能做)。里面有签发密钥,请离线锁好。"""
    answer = Answer(as_json)
    with answer.refusals(), opened(data) as node:
        made = backups.make(node, dest, verify=verify, say=_tell)
        checked = "已核对,备份水位已签发。" if verify else "没有核对,备份水位没有动。"
        answer.say(
            {
                "folder": str(dest),
                "verified": made.verified,
                "events": made.events,
                "logs": len(made.logs),
                "made_ms": made.made_ms,
            },
            [
                f"已备份到 {dest}:{len(made.logs)} 本日志,{made.events} 条记录。{checked}",
                "里面有签发密钥和数据库密钥,请离线锁好。",
            ],
        )


@cli.command()
@click.argument("src", type=click.Path(file_okay=False, exists=True, path_type=Path))
@data_option
@as_json_option
def restore(src: Path, data: Path, as_json: bool) -> None:
    """从备份 SRC 恢复中心到空文件夹。各站不用停:备份之后的记录由各站自动交回。"""
    answer = Answer(as_json)
    with answer.refusals():
        done = backups.restore(src, data, now_ms(), _tell)
        answer.say(
            {"station": done.station, "made_ms": done.made_ms, "events": done.events},
            [
                f"中心 {done.station} 已恢复到 {data},备份时间 {moment(done.made_ms)}。",
                "启动后各站自动交回备份之后的记录;交齐之前(最多10分钟)中心暂不编新的办件编号。",
                f"下一步:yizhan-central run --data {data} …",
            ],
        )


def _tell(sentence: str) -> None:
    """Say how far a long job is, beside its answer."""
    click.echo(sentence, err=True)
