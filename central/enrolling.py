"""How central comes into being, and how it gives its stations their enrolment sheets.

A sheet holds a one-use private key, so it is written once for its addressee and never kept; what
is kept is the voucher, so that the console can say what was given out.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from central import authority_key
from node import enrolment
from node.enrolment import ISSUED, NodeFile, Sheet
from node.program import Node
from node.registry import Registries
from node.storage import founded_in
from sync.engine import authority, revocation, tree, trust
from sync.protocol import statements
from sync.protocol.names import LogName, check_station
from sync.protocol.ports import Transaction
from sync.protocol.statements import Voucher

SHEET_FILE_MODE = 0o600


class EnrolmentRefused(Exception):
    """Central was not founded, or no sheet was given; nothing was changed."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


class Issued(NamedTuple):
    """A voucher given out earlier. Units: milliseconds."""

    station: str
    epoch: int
    not_after_ms: int
    profile: str
    used: bool


def check_empty(database_url: str) -> None:
    """Pass if a new central may be founded in a server's database ("" for one of its own).

    Raises: EnrolmentRefused (another central is in it), DatabaseUnreachable, StorageError.
    """
    held = founded_in(database_url) if database_url else ""
    if held:
        raise EnrolmentRefused(
            "database_in_use",
            f"CENTRAL_DATABASE_URL 的数据库里已有中心 {held} 的数据,没有改动。请另建一个空数据库。",
        )


def found(folder: Path, station: str, now_ms: int) -> NodeFile:
    """Make the authority's key and enrol central itself; return who it is.

    Raises: EnrolmentRefused (the folder holds a node already), Malformed (not a station code).
    """
    check_station(station)
    if (folder / enrolment.NODE_FILE).exists():
        raise EnrolmentRefused(
            "already_initialised", "这个文件夹里已经有一个中心,没有改动。要新建,请另选空文件夹。"
        )
    signer = authority_key.make(folder)
    sheet = enrolment.make_sheet(signer, station, now_ms, root=station, parent="", parent_url="")
    return enrolment.enrol(folder, sheet, now_ms)


def sheet_for(
    node: Node, folder: Path, station: str, *, parent_url: str, profile: str = authority.ONLINE
) -> Sheet:
    """Return a fresh enrolment sheet for a published station and book its voucher.

    Raises: EnrolmentRefused, Malformed.
    """
    check_station(station)
    signer = authority_key.load(folder)
    now = node.clock_ms()
    with node.database.write() as transaction:
        registered = Registries().of(transaction, now).tree
        if station not in registered:
            raise EnrolmentRefused(
                "unknown_station",
                f"站点 {station} 不在已发布的站点目录里,没有签发。请先登记该站点并发布目录。",
            )
        if station == node.core.station:
            raise EnrolmentRefused("is_central", "这是中心自己,不需要入网单,没有签发。")
        parent = registered.parent(station)
        if not parent:
            raise EnrolmentRefused(
                "no_parent", f"站点 {station} 没有登记上级,没有签发。请先补上并发布目录。"
            )
        held = revocation.of(transaction, station)
        if held is not None and not held.trusts(now):
            raise EnrolmentRefused(
                "revoked",
                f"站点 {station} 已停用,没有签发。要恢复,请先运行 yizhan-central readmit。",
            )
        now = enrolment.next_free_epoch(transaction, station, now)
        sheet = enrolment.make_sheet(
            signer,
            station,
            now,
            root=node.core.station,
            parent=parent,
            parent_url=parent_url,
            profile=profile,
            above=_above(node, transaction, station, now),
        )
        epoch = statements.decode(sheet.voucher).read(Voucher).epoch
        transaction.put_statement(ISSUED, f"{station}/{epoch}", sheet.voucher)
    return sheet


def _above(node: Node, transaction: Transaction, station: str, now_ms: int) -> list[bytes]:
    """Return the certificates held here of the nodes above a station, from below."""
    shape = tree.load(node.core, transaction, now_ms)
    above = trust.readers(node.core, transaction, shape.path(station)[1:])
    return [transaction.certificate(log) or b"" for log, _ in above]


def issued(transaction: Transaction) -> list[Issued]:
    """Return the vouchers given out, newest first."""
    given = []
    for _, raw in transaction.statements(ISSUED):
        voucher = statements.decode(raw).read(Voucher)
        used = transaction.certificate(LogName(voucher.station, voucher.epoch)) is not None
        given.append(
            Issued(voucher.station, voucher.epoch, voucher.not_after_ms, voucher.profile, used)
        )
    return sorted(given, key=lambda one: -one.epoch)


def write_sheet(path: Path, sheet: Sheet) -> None:
    """Write a sheet to a new file only its owner can read. Raises: FileExistsError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SHEET_FILE_MODE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(enrolment.sheet_text(sheet) + "\n")
        file.flush()
        os.fsync(file.fileno())
