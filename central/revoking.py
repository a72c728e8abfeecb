"""Stopping to trust a station, moving its cut, trusting it again: a person at central decides."""

from __future__ import annotations

from pathlib import Path

import click

from central import authority_key
from central.answers import Answer, NotDone
from central.cli import as_json_option, cli, data_option, opened
from node.program import Node
from sync.engine import revocation
from sync.protocol.names import LogName, check_station
from sync.protocol.ports import Transaction
from sync.protocol.statements import Revocation


def revoke(
    node: Node, folder: Path, station: str, *, epoch: int, last_good: int | None, reason: str
) -> Revocation:
    """Revoke a station at what central holds, or move the cut of one epoch.

    Shapes: `epoch` 0 means the newest one known; `last_good` None means what central holds of
    every epoch that has no cut yet.
    Raises: NotDone, Malformed.
    """
    check_station(station)
    if station == node.core.station:
        raise NotDone("is_central", "这是中心自己,不能停用,没有改动。")
    with node.database.write() as transaction:
        held = revocation.of(transaction, station)
        cuts = {cut.epoch: cut.last_good for cut in held.cuts} if held is not None else {}
        trusted_from = 0
        if last_good is None:
            if held is not None and not held.trusted_from:
                raise NotDone(
                    "already_revoked",
                    f"站点 {station} 已经停用,没有改动。要改从哪一条起作废,请用 --last-good。",
                )
            cuts = _held_here(transaction, station) | cuts
        else:
            known = transaction.epochs(station)
            chosen = epoch or max([*cuts, *known], default=0)
            if chosen not in {*cuts, *known}:
                raise NotDone("unknown_epoch", f"站点 {station} 没有这一期日志,没有改动。")
            # Of the other epochs nothing changes; one revoked for the first time is cut as usual.
            cuts = (_held_here(transaction, station) if held is None else {}) | cuts
            cuts[chosen] = last_good
            trusted_from = held.trusted_from if held is not None else 0
        return _issue(node, folder, transaction, station, cuts, trusted_from, reason)


def readmit(node: Node, folder: Path, station: str, *, epoch: int, reason: str) -> Revocation:
    """Trust a revoked station again, from `epoch` on (0: from its next voucher on).

    Raises: NotDone, Malformed.
    """
    with node.database.write() as transaction:
        held = revocation.of(transaction, check_station(station))
        if held is None or held.trusted_from:
            raise NotDone("not_revoked", f"站点 {station} 没有停用,没有改动。")
        cuts = {cut.epoch: cut.last_good for cut in held.cuts}
        start = epoch or node.clock_ms() + 1
        return _issue(node, folder, transaction, station, cuts, start, reason)


def _held_here(transaction: Transaction, station: str) -> dict[int, int]:
    logs = ((e, transaction.log(LogName(station, e))) for e in transaction.epochs(station))
    return {epoch: log.position for epoch, log in logs if log is not None}


def _issue(
    node: Node,
    folder: Path,
    transaction: Transaction,
    station: str,
    cuts: dict[int, int],
    trusted_from: int,
    reason: str,
) -> Revocation:
    revocation.issue(
        node.core,
        transaction,
        node.clock_ms(),
        authority_key.load(folder),
        station,
        cuts=cuts,
        trusted_from=trusted_from,
        reason=reason,
    )
    made = revocation.of(transaction, station)
    assert made is not None, "a revocation just issued is the newest"
    return made


def _facts(made: Revocation) -> dict[str, object]:
    return {
        "station": made.station,
        "cuts": [{"epoch": cut.epoch, "last_good": cut.last_good} for cut in made.cuts],
        "trusted_from": made.trusted_from,
        "reason": made.reason,
    }


def _cut_lines(made: Revocation) -> list[str]:
    return [f"日志 {c.epoch}:第 {c.last_good} 条及以前算数,以后的一律不算。" for c in made.cuts]


reason_option = click.option("--reason", required=True, help="理由,会告诉所有站点;不要写个人信息。")


@cli.command(name="revoke")
@click.argument("station")
@data_option
@click.option("--epoch", type=click.IntRange(min=1), default=None, help="哪一期日志;不填为最新。")
@click.option(
    "--last-good",
    type=click.IntRange(min=0),
    help="最后一条仍算数的位置;不填则以中心收到的为准。",
)
@reason_option
@as_json_option
def revoke_command(
    station: str,
    data: Path,
    epoch: int | None,
    last_good: int | None,
    reason: str,
    as_json: bool,
) -> None:
    """停用一个站点:钥匙被盗、机器丢失时用。各级不再接它的来访,截点以后的记录处处不算数。

    记录都保留着。对已停用的站点再给 --last-good,就是改截点(放宽后,那些记录重新算数)。
    """
    answer = Answer(as_json)
    with answer.refusals(), opened(data) as node:
        made = revoke(node, data, station, epoch=epoch or 0, last_good=last_good, reason=reason)
        node.catch_up()
        answer.say(
            _facts(made),
            [
                f"站点 {station} 已停用。各级站点在下一次联系时得知,之后不再接它的来访。",
                *_cut_lines(made),
                "截点以后的记录保留作证据,在办件页上显示为“撤销信任后的记录”,不算数。",
                f"下一步:在 /stations/{station} 页核对;恢复使用见 yizhan-central readmit --help。",
            ],
        )


@cli.command(name="readmit")
@click.argument("station")
@data_option
@click.option("--epoch", type=click.IntRange(min=1), default=None, help="从哪一期日志起重新算数。")
@reason_option
@as_json_option
def readmit_command(
    station: str, data: Path, epoch: int | None, reason: str, as_json: bool
) -> None:
    """恢复一个停用的站点:默认从下一张入网单起算数,以前的截点不变。

    停用错了、机器没有离开过本站的,用 --epoch 写明那一期日志,整期重新算数。
    """
    answer = Answer(as_json)
    with answer.refusals(), opened(data) as node:
        made = readmit(node, data, station, epoch=epoch or 0, reason=reason)
        node.catch_up()
        again = "它的记录重新算数,可以继续上报。" if epoch else "请签发新的入网单,重新入网。"
        answer.say(_facts(made), [f"站点 {station} 已恢复。{again}", *_cut_lines(made)])
