"""Commands about a central that is there: run, status, doctor."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from central import checkup
from central.answers import DEGRADED, DONE, ENVIRONMENT, REFUSED, Answer
from central.catalogue import shelves_published
from central.cli import as_json_option, cli, data_option, database_url, opened
from central.supervision import Fleet, StationLine
from node import quarantine
from node.quarantine import Aside, Hole
from sync.protocol.ports import INCOMPLETE, REVOKED, SET_ASIDE
from ui.reasons import reason_words

_STANDINGS = {
    SET_ASIDE: "已隔离的记录",
    REVOKED: "撤销信任后的记录",
    INCOMPLETE: "等待补全的记录",
}
LOCK_FILE = "run.lock"


@cli.command()
@data_option
@click.option("--listen", required=True, help="控制台监听的地址,HOST:PORT。")
@click.option("--sync-listen", required=True, help="下级站点来同步的地址,HOST:PORT。")
@click.option("--host", "hosts", multiple=True, help="控制台还允许用哪个主机名打开,可多次。")
@click.option(
    "--stick",
    type=click.Path(file_okay=False, path_type=Path),
    help="盯着这个文件夹(U盘或投递文件夹),里面上报的数据包自动导入。",
)
@click.option("--stick-answer", "answered", is_flag=True, help="导入后把回执写回同一文件夹。")
def run(
    data: Path,
    listen: str,
    sync_listen: str,
    hosts: tuple[str, ...],
    stick: Path | None,
    answered: bool,
) -> None:
    """运行中心:控制台和同步入口。按 Ctrl+C 或收到 SIGTERM 结束。"""
    # Imported late: the other commands start in half the time without the web framework.
    from central.app import make_console
    from central.sync_app import make_sync_app
    from node import memory
    from node.serving import CannotListen, bind, parse_address, serve
    from ui.security import LOOPBACK

    answer = Answer(as_json=False)
    with answer.refusals():
        try:
            memory.keep_small()
            front, back = bind(parse_address(listen)), bind(parse_address(sync_listen))
        except CannotListen as error:
            answer.end(ENVIRONMENT, error.code, error.sentence)
        with alone(data, answer), opened(data) as node:
            names = {*LOOPBACK, listen.rpartition(":")[0], *hosts}
            console = make_console(node, data, hosts=names)
            node.start(None, interval_seconds=0, jitter=lambda: 0.0)
            if stick is not None:
                node.watch_stick(stick, answer=answered)
            click.echo(f"控制台 http://{listen}/  同步入口 http://{sync_listen}/")
            node.after_edition = memory.give_back
            memory.settle()
            serve([(console, front), (make_sync_app(node), back)], tidy=memory.give_back)


@contextmanager
def alone(data: Path, answer: Answer) -> Iterator[None]:
    """Hold the folder for one running central; other commands may still work beside it.

    Over a server's database any number may run: there the database lets one write at a time.
    """
    if database_url():
        yield
        return
    with open(data / LOCK_FILE, "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            answer.end(REFUSED, "already_running", "这个中心已经在运行,没有再启动一个。")
        yield


@cli.command()
@data_option
@as_json_option
def status(data: Path, as_json: bool) -> None:
    """列出各站点的联系情况和日志位置,以及已发布的目录版本。"""
    answer = Answer(as_json)
    with answer.refusals(), opened(data) as node:
        with node.database.read() as transaction:
            lines = Fleet(node, transaction).lines()
            published = shelves_published(transaction)
            held = transaction.event_count()
            aside = quarantine.aside(transaction)
            holes = [hole for line in lines for hole in quarantine.holes_of(transaction, line.code)]
        rows = [
            f"{'  ' * line.depth}{line.code} {line.name}  {_state(line)}  日志 {line.position}"
            for line in lines
        ]
        answer.say(
            {
                "station": node.core.station,
                "release": node.release,
                "events": held,
                "aside": {name: [one._asdict() for one in found] for name, found in aside.items()},
                "holes": [hole._asdict() for hole in holes],
                "stations": [line.as_json() for line in lines],
                "registers": [
                    {"shelf": str(p.shelf), "edition": p.edition, "entries": p.entries}
                    for p in published
                ],
            },
            [
                *rows,
                *_troubles(aside, holes),
                f"事件 {held} 条,目录 {len(published)} 个分册。",
            ],
        )


def _state(line: StationLine) -> str:
    marks = ["已入网" if line.enrolled else "未入网"]
    marks += ["已冻结"] if line.frozen else []
    marks += ["已停用"] if line.revoked else []
    return "  ".join(marks)


def _troubles(aside: dict[str, list[Aside]], holes: list[Hole]) -> list[str]:
    """What does not count, one line each."""
    lines = [f"{_STANDINGS[name]} {len(found)} 条。" for name, found in aside.items() if found]
    lines += [f"{h.station} 第 {h.position} 条未被接收:{reason_words(h.reason)}" for h in holes]
    return lines


@cli.command()
@data_option
@as_json_option
def doctor(data: Path, as_json: bool) -> None:
    """自检,最后只给出一个下一步。有问题时退出码为 3。"""
    answer = Answer(as_json)
    with answer.refusals(), opened(data) as node:
        findings = checkup.look(node, data)
        step = checkup.next_step(findings)
        well = all(finding.ok for finding in findings)
        answer.say(
            {"ok": well, "findings": [f._asdict() for f in findings], "next_step": step},
            [*(f"{'正常' if f.ok else '问题'}  {f.sentence}" for f in findings), f"下一步:{step}"],
        )
    raise SystemExit(DONE if well else DEGRADED)
