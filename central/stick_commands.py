"""`yizhan-central bundle`: bundles to and from a stick or a folder."""

from __future__ import annotations

from pathlib import Path

import click

from central.answers import DONE, REFUSED, Answer
from central.cli import as_json_option, cli, data_option, now_ms, opened
from node import stick_commands


@cli.group()
def bundle() -> None:
    """用U盘或文件夹收下上报、下发回执和目录。中心运行与否都可以执行。"""


@bundle.command("export")
@click.argument("station")
@click.argument("folder", type=click.Path(file_okay=False, exists=True, path_type=Path))
@data_option
@as_json_option
def export(station: str, folder: Path, data: Path, as_json: bool) -> None:
    """把回执、下发的记录和目录导出给站点 STATION,写到文件夹 FOLDER。它须先上报过一次。"""
    answer = Answer(as_json)
    with answer.refusals(), opened(data) as node:
        said = stick_commands.export(node, folder, station)
    answer.say(said.facts, said.lines)


@bundle.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--answer", "answered", is_flag=True, help="导入后把回执写到同一文件夹。")
@data_option
@as_json_option
def take_in(path: Path, answered: bool, data: Path, as_json: bool) -> None:
    """导入一个数据包,或文件夹里所有上报给中心的数据包。"""
    answer = Answer(as_json)
    tell = stick_commands.Ticker(now_ms, lambda line: click.echo(line, err=True))
    with answer.refusals(), opened(data) as node:
        said = stick_commands.take_in(node, path, answer=answered, tell=tell)
    answer.say(said.facts, said.lines)
    raise SystemExit(DONE if said.good else REFUSED)
