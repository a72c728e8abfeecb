"""Central's answer to a node that asks for a new epoch: a person names the copy that goes on.

A setting lets central answer by itself where nothing speaks against it: one copy asks, its log is
not frozen, and nobody else was heard under the identity meanwhile.
"""

from __future__ import annotations

from pathlib import Path

import structlog

from central import authority_key
from node import lives
from node.enrolment import ISSUED, MINUTE_MS
from node.program import Node
from sync.engine import asks, authority
from sync.engine.asks import Waiting
from sync.protocol import statements
from sync.protocol.lives import FORK, OLDER_LIFE, SECOND_COPY
from sync.protocol.names import LogName
from sync.protocol.ports import Signer, Transaction
from sync.protocol.statements import Voucher
from sync.signing import SystemChance

log = structlog.get_logger("central.approvals")

AUTO = "approve_by_itself"
_NEVER_BY_ITSELF = (FORK, SECOND_COPY, OLDER_LIFE)


class NothingToApprove(Exception):
    """No ask fits, or several do; nothing was given."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


def open_asks(transaction: Transaction) -> list[Waiting]:
    """Return the asks no voucher was given for yet and no later life has overtaken."""
    newest: dict[str, int] = {}
    for held in transaction.logs():
        newest[held.name.station] = max(newest.get(held.name.station, 0), held.name.epoch)
    return [
        one
        for one in asks.asks(transaction)
        if not one.granted and newest.get(one.ask.station, 0) <= one.ask.epoch
    ]


def approve(node: Node, folder: Path, station: str, code: str = "") -> Voucher:
    """Give the copy that asked (named by its check code where several ask) its voucher.

    Raises: NothingToApprove.
    """
    signer = authority_key.load(folder)
    with node.database.write() as transaction:
        waiting = [one for one in open_asks(transaction) if one.ask.station == station]
        if code:
            waiting = [one for one in waiting if one.code == code.strip().upper()]
        if not waiting:
            raise NothingToApprove(
                "no_ask", f"没有站点 {station} 的待批申请(或核对码不对),没有批准任何机器。"
            )
        if len(waiting) > 1:
            codes = "、".join(one.code for one in waiting)
            raise NothingToApprove(
                "several_asks",
                f"站点 {station} 有 {len(waiting)} 台机器在申请:{codes}。"
                "请打电话核对哪一台继续用,再写明它的核对码。没有批准任何机器。",
            )
        return _grant(node, transaction, signer, waiting[0])


def _grant(node: Node, transaction: Transaction, signer: Signer, one: Waiting) -> Voucher:
    given = lives.grant(
        node.core,
        transaction,
        node.clock_ms(),
        signer,
        one.ask.key,
        one.ask.station,
        profile=authority.FERRY,
        serial=SystemChance().bytes(8).hex(),
    )
    raw = transaction.statement(statements.VOUCHER, f"{given.station}/{given.epoch}")
    if raw is not None:
        transaction.put_statement(ISSUED, f"{given.station}/{given.epoch}", raw)
    log.info("voucher_given", station=given.station, epoch=given.epoch, code=one.code)
    return given


def set_auto(transaction: Transaction, on: bool) -> None:
    """Let central answer by itself, or not."""
    transaction.set_meta(AUTO, "1" if on else "")


def is_auto(transaction: Transaction) -> bool:
    """Return whether central answers by itself."""
    return bool(transaction.meta(AUTO))


def by_itself(node: Node, folder: Path) -> int:
    """Answer the asks nothing speaks against, if central may; return how many."""
    with node.database.read() as transaction:
        waiting = open_asks(transaction)
        if not waiting or not is_auto(transaction):
            return 0
    signer = authority_key.load(folder)
    with node.database.write() as transaction:
        plain = [one for one in open_asks(transaction) if _plain(transaction, one, waiting)]
        for one in plain:
            _grant(node, transaction, signer, one)
    return len(plain)


def _plain(transaction: Transaction, one: Waiting, waiting: list[Waiting]) -> bool:
    held = transaction.log(LogName(one.ask.station, one.ask.epoch))
    alone = sum(other.ask.station == one.ask.station for other in waiting) == 1
    in_doubt = one.ask.reason in _NEVER_BY_ITSELF or (held is not None and bool(held.frozen))
    return alone and not in_doubt


def join(node: Node, folder: Path) -> None:
    """Let central make out its own vouchers, and answer asks by itself where it may."""

    def own(public: bytes, now_ms: int) -> bytes:
        signer, station = authority_key.load(folder), node.core.station
        serial = SystemChance().bytes(8).hex()
        epoch = max(now_ms, (node.core.epoch // MINUTE_MS + 1) * MINUTE_MS)
        return authority.make_voucher(signer, station, epoch, public, authority.ONLINE, serial)

    node.life.own_voucher = own
    node.after_life = lambda: by_itself(node, folder)
    node.tend_life()
