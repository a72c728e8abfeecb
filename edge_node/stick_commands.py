"""`yizhan-node bundle`: bundles to and from a stick or a folder."""

from __future__ import annotations

from pathlib import Path

import click

from edge_node import cli
from edge_node.cli import World, data_option, json_option
from edge_node.commands import main
from node import stick_commands
from node.program import Node


@main.group(help="用U盘或文件夹上报和下发:导出、导入数据包。站点运行时也能用。")
def bundle() -> None:
    """Bundles by stick."""


@bundle.command("export", help="把还没有回执的记录导出成一个数据包,写到文件夹 FOLDER。")
@click.argument("folder", type=click.Path(file_okay=False, exists=True, path_type=Path))
@click.option("--to", default="", help="不是上报,而是给这个下级站点:回执、下发的记录和目录。")
@data_option
@json_option
@click.pass_obj
def export(world: World, folder: Path, to: str, data: Path, as_json: bool) -> None:
    """Write a bundle."""
    with cli.refusals(as_json=as_json):
        node = _opened(world, data, as_json)
        try:
            said = stick_commands.export(node, folder, to)
        finally:
            node.close()
    cli.say(said.facts, said.lines, as_json=as_json)


@bundle.command("import", help="导入一个数据包,或文件夹里所有给本站的数据包。")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--answer", is_flag=True, help="导入后把回执或新的数据包写到同一文件夹。")
@data_option
@json_option
@click.pass_obj
def take_in(world: World, path: Path, answer: bool, data: Path, as_json: bool) -> None:
    """Take in bundles."""
    tell = stick_commands.Ticker(world.clock_ms, lambda line: click.echo(line, err=True))
    with cli.refusals(as_json=as_json):
        node = _opened(world, data, as_json)
        try:
            said = stick_commands.take_in(node, path, answer=answer, tell=tell)
        finally:
            node.close()
    cli.say(said.facts, said.lines, as_json=as_json)
    cli.finish(cli.OK if said.good else cli.FAILED)


def _opened(world: World, data: Path, as_json: bool) -> Node:
    cli.node_file(data, as_json=as_json)
    return Node(data, clock_ms=world.clock_ms, release=world.release)
