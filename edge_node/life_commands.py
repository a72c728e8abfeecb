"""The commands for machines that fail: seen, backed up, put back, rebuilt, salvaged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from edge_node import cli
from edge_node.cli import Failure, World, data_option, json_option
from edge_node.commands import main
from node import backup as backups
from node import enrolment, life_files, logs, rebuilding, troubles
from node import lives as life_keeping
from node import salvage as salvaging
from node.program import Node
from sync.protocol.lives import REBUILT
from sync.transport.http_client import HttpLink
from ui.words import moment


@contextmanager
def _opened(world: World, data: Path, *, as_json: bool) -> Iterator[Node]:
    """The node in a folder, beside a running one if there is one. Raises: Failure."""
    cli.node_file(data, as_json=as_json)
    logs.configure()
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


@main.command(help="备份本站到新文件夹 DEST,并核对复制件(运行时也能做)。")
@click.argument("dest", type=click.Path(path_type=Path))
@data_option
@json_option
@click.pass_obj
def backup(world: World, dest: Path, data: Path, as_json: bool) -> None:
    """Copy this station's files and verify the copy."""
    with cli.refusals(as_json=as_json), _opened(world, data, as_json=as_json) as node:
        made = backups.make(node, dest, verify=True, say=_tell)
    lines = [f"已备份到 {dest}:{len(made.logs)} 本日志,{made.events} 条记录。里面有密钥,请锁好。"]
    cli.say({"folder": str(dest), "events": made.events}, lines, as_json=as_json)


@main.command(help="从备份文件夹 SRC 恢复到空的数据目录;恢复后向中心申请,批准后继续办理。")
@click.argument("src", type=click.Path(file_okay=False, exists=True, path_type=Path))
@data_option
@json_option
@click.pass_obj
def restore(world: World, src: Path, data: Path, as_json: bool) -> None:
    """Put a backup back; the node begins a new life."""
    with cli.refusals(as_json=as_json):
        done = backups.restore(src, data, world.clock_ms(), _tell)
    lines = [
        f"站点 {done.station} 已恢复到 {data},备份时间 {moment(done.made_ms)}。",
        "启动后自动从上级取回备份之后的记录,并向中心申请;批准前只能查看。",
        f"下一步:yizhan-node run --data {data} …",
    ]
    cli.say({"station": done.station, "made_ms": done.made_ms}, lines, as_json=as_json)


@main.command(help="机器坏了、在新机器上重建本站:用新的入网单,从上级取回本站的全部记录和目录。")
@click.option(
    "--sheet",
    required=True,
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="中心新签发的入网单。",
)
@click.option("--parent-url", default="", help="上级同步地址;不给则用入网单里的。")
@data_option
@json_option
@click.pass_obj
def rebuild(world: World, sheet: Path, parent_url: str, data: Path, as_json: bool) -> None:
    """Rebuild a dead station from its parent."""
    logs.configure()
    with cli.refusals(as_json=as_json):
        try:
            read = enrolment.read_sheet(sheet)
            file = enrolment.enrol(data, read, world.clock_ms())
        except FileExistsError as error:
            sentence = f"目录 {data} 里已有站点,没有改动。请换一个空目录重建。"
            raise Failure(sentence, "already_enrolled", as_json=as_json) from error
        life_keeping.mark(data, REBUILT, world.clock_ms())
        node = Node(data, clock_ms=world.clock_ms, release=world.release, must_exist=True)
        try:
            left = rebuilding.fetch(node, HttpLink(parent_url or file.parent_url), _tell)
            with node.database.read() as transaction:
                gone = [g for g in troubles.of_tree(transaction).lost if g.station == file.station]
                held = transaction.event_count()
        finally:
            node.close()
    lines = [f"站点 {file.station} 公钥指纹 {enrolment.fingerprint(file)},请与中心显示的核对。"]
    if left:
        lines.append(f"还没有取完:{left} 启动后会自动接着取,取完自动开始办理。")
    else:
        lines.append(f"已取回 {held} 条记录,可以开始办理。")
    lines += [f"第 {one.numbers} 条记录没有传到上级,已列为缺失。" for one in gone]
    lines.append(f"下一步:yizhan-node run --data {data} …;人员口令请用 staff-code 重设。")
    facts = {"station": file.station, "done": not left, "lost": [g._asdict() for g in gone]}
    cli.say(facts, lines, as_json=as_json)
    cli.finish(cli.DEGRADED if left else cli.OK)


@main.command(help="从旧机器的数据目录 OLD(只读)取回没有上传的记录,交由人核对,不自动算数。")
@click.argument("old", type=click.Path(file_okay=False, exists=True, path_type=Path))
@data_option
@json_option
@click.pass_obj
def salvage(world: World, old: Path, data: Path, as_json: bool) -> None:
    """Hand in what a readable old disk still holds."""
    with cli.refusals(as_json=as_json), _opened(world, data, as_json=as_json) as node:
        found = salvaging.salvage(node, old)
    lines = [
        f"取回 {found.taken} 条没有上传的记录,列在“上报情况”的“需要确认”,由人核对后才算数。",
        f"已有 {found.held} 条不用取;核验不通过 {found.refused} 条;读不出 {found.unreadable} 条。",
    ]
    cli.say(found._asdict(), lines, as_json=as_json)


def _tell(sentence: str) -> None:
    """Say how far a long job is, beside its answer."""
    click.echo(sentence, err=True)
