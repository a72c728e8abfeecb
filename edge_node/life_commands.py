"""The commands for a machine whose life is in doubt: lives, ask, take-voucher."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from edge_node import cli
from edge_node.cli import Failure, World, data_option, json_option
from edge_node.commands import main
from node import life_files, troubles
from node.program import Node


@contextmanager
def _opened(world: World, data: Path, *, as_json: bool) -> Iterator[Node]:
    """The node in a folder, beside a running one if there is one. Raises: Failure."""
    cli.node_file(data, as_json=as_json)
    node = Node(data, clock_ms=world.clock_ms, release=world.release, must_exist=True)
    try:
        yield node
    finally:
        node.close()


@main.command(help="本机为什么停止记录、怎么办;下级的冻结证据、缺失的记录号、待核对的记录。")
@data_option
@json_option
@click.pass_obj
def lives(world: World, data: Path, as_json: bool) -> None:
    """Say what is in doubt here and below."""
    with (
        cli.refusals(as_json=as_json),
        _opened(world, data, as_json=as_json) as node,
        node.database.read() as transaction,
    ):
        own = troubles.own(transaction)
        found = troubles.of_tree(transaction)
    lines = ["本机正常记录。"]
    if own is not None:
        code = f"核对码 {own.code}。" if own.code else ""
        lines = [f"本机已停止记录:{troubles.why(own.reason)}。{code}"]
        lines.append("凭证已到,正在取回记录。" if own.voucher else "正在等中心批准。")
    lines += troubles.lines(found)
    for proof in found.proofs:
        lines += troubles.side_by_side(proof)
    facts = {"own": None if own is None else own._asdict(), **found.as_json()}
    cli.say(facts, lines, as_json=as_json)
    cli.finish(cli.OK if own is None and not found else cli.DEGRADED)


@main.command(help="把本机的申请写到文件 OUT,用 U 盘带到中心批准(联网时不需要,会自动送到)。")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@data_option
@json_option
@click.pass_obj
def ask(world: World, out: Path, data: Path, as_json: bool) -> None:
    """Write this halted node's ask."""
    with cli.refusals(as_json=as_json), _opened(world, data, as_json=as_json) as node:
        if out.exists():
            raise Failure(f"文件 {out} 已存在,没有覆盖。", "file_exists", as_json=as_json)
        code = life_files.write_ask(node, out)
    lines = [f"申请已写到 {out},核对码 {code}。", "请带到中心,并在电话里核对这个核对码。"]
    cli.say({"file": str(out), "code": code}, lines, as_json=as_json)


@main.command("take-voucher", help="收下中心批准的文件 FILE(给本机这一次申请的;别的机器用不了)。")
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@data_option
@json_option
@click.pass_obj
def take_voucher(world: World, file: Path, data: Path, as_json: bool) -> None:
    """Take a voucher brought by stick."""
    with cli.refusals(as_json=as_json), _opened(world, data, as_json=as_json) as node:
        running = life_files.take_voucher(node, file)
    words = "本机已恢复办理。" if running else "凭证已收下,从上级取回记录后自动恢复办理。"
    cli.say({"running": running}, [words], as_json=as_json)
