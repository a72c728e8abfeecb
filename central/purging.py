"""Erasing bodies everywhere by rule or order: decided by a person at central, never taken back."""

from __future__ import annotations

from pathlib import Path

import click

from casework.projection import TAB_ENDED
from central import authority_key
from central.answers import Answer, NotDone
from central.cli import as_json_option, cli, data_option, opened
from node.case_files import BLOBS_ADDED
from node.facts import SYNC_PREFIX
from node.program import Node
from sync.engine import purge
from sync.engine.core import Effects
from sync.protocol.limits import PURGED_MAX
from sync.protocol.names import EventName
from sync.protocol.ports import RECOVERED, StoredEvent, Transaction

ACTOR = "node"


def chosen(
    node: Node, transaction: Transaction, *, case: str, names: list[str]
) -> tuple[list[StoredEvent], str]:
    """Return the events to be purged, and the number their case stays known by.

    Raises: NotDone, Malformed.
    """
    found, subject = _of_case(node, transaction, case) if case else ([], "")
    for name in names:
        held = transaction.event(EventName.parse(name))
        if held is None or not _of_a_case(held):
            raise NotDone("unknown_event", f"中心没有办件记录 {name},没有删除任何内容。")
        found.append(held)
    left = [e for e in found if purge.basis_of(transaction, e.name) is None]
    if not left:
        raise NotDone("nothing_to_purge", "没有可以删除的内容(或者早已删除)。")
    if len(left) > PURGED_MAX:
        raise NotDone("too_many", f"一次最多删除 {PURGED_MAX} 条,没有删除任何内容。请分几次。")
    return left, subject or _subject(node, transaction, left)


def _of_case(node: Node, transaction: Transaction, number: str) -> tuple[list[StoredEvent], str]:
    rows = node.desk.table(transaction).by_number(number.strip().upper())
    if len(rows) != 1:
        raise NotDone("unknown_case", f"没有找到编号 {number} 的办件,没有删除任何内容。")
    if rows[0].tab != TAB_ENDED:
        raise NotDone("case_open", f"办件 {number} 还没有办完,没有删除任何内容。")
    found = [e for e in transaction.stream_events(rows[0].stream) if _of_a_case(e)]
    return found, rows[0].receipt_no


def _of_a_case(event: StoredEvent) -> bool:
    """Return whether a body was written for a case: its files are of it, what is set aside too.

    A recovered one shares its name with what stands under it, which may be of another case.
    """
    written = event.type == BLOBS_ADDED or not event.type.startswith(SYNC_PREFIX)
    return written and event.standing != RECOVERED


def _subject(node: Node, transaction: Transaction, events: list[StoredEvent]) -> str:
    """The number of the one case these events are of, "" if they are of several."""
    streams = {event.stream for event in events}
    row = node.desk.table(transaction).get(streams.pop()) if len(streams) == 1 else None
    return row.receipt_no if row is not None else ""


def purge_events(
    node: Node, folder: Path, *, case: str, names: list[str], basis: str
) -> list[StoredEvent]:
    """Have bodies erased on every node; return the events whose bodies they were.

    Raises: NotDone, Malformed.
    """
    with node.database.write() as transaction:
        events, subject = chosen(node, transaction, case=case, names=names)
        effects: Effects = purge.issue(
            node.core,
            transaction,
            node.clock_ms(),
            authority_key.load(folder),
            events,
            basis=basis,
            actor=ACTOR,
            subject=subject,
        )
    assert effects.judged, "what was chosen is held here"
    node.catch_up()
    return events


@cli.command(name="purge")
@data_option
@click.option("--case", default="", help="收件编号或办件编号:这一件的全部内容。办件须已办完。")
@click.option("--events", default="", help="记录的名字,逗号分开(在办件的 JSON 里)。")
@click.option("--basis", required=True, help="依据,会显示在办件页上;不要写个人信息。")
@click.option("--yes", is_flag=True, help="确认删除。不加时只列出会删除什么。")
@as_json_option
def purge_command(data: Path, case: str, events: str, basis: str, yes: bool, as_json: bool) -> None:
    """依规删除:在所有站点抹去所指记录的内容。删除后任何人都恢复不了。"""
    answer = Answer(as_json)
    with answer.refusals(), opened(data) as node:
        names = [name.strip() for name in events.split(",") if name.strip()]
        if not yes:
            with node.database.read() as transaction:
                found, _ = chosen(node, transaction, case=case, names=names)
            answer.say(
                {"purged": [], "would_purge": [str(one.name) for one in found]},
                [
                    f"会在所有站点抹去 {len(found)} 条记录的内容,不能恢复。现在还没有删除。",
                    "确认无误后,加 --yes 再运行一次。",
                ],
            )
            return
        done = purge_events(node, data, case=case, names=names, basis=basis)
        answer.say(
            {"purged": [str(one.name) for one in done], "basis": basis},
            [
                f"已删除 {len(done)} 条记录的内容,依据:{basis}。",
                "其他站点在下一次联系时删除;断网的、以后恢复旧备份的,联系上后自动删除。",
                "下一步:已有的备份里还有原文,请按备份的保存期限到期销毁。",
            ],
        )
