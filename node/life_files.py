"""Asks and vouchers as files, for stations that are reached by a stick only."""

from __future__ import annotations

import os
from pathlib import Path

from node.program import Node
from sync.engine import asks, lives, tree, trust
from sync.engine.core import Effects
from sync.engine.halt import halted
from sync.protocol import statements
from sync.protocol.errors import LogStopped, Malformed, VoucherRefused
from sync.protocol.limits import STATEMENT_BYTES_MAX
from sync.protocol.lives import Ask, code_of
from sync.protocol.names import LogName
from sync.protocol.statements import Voucher

__all__ = ["code_of", "take_ask", "take_voucher", "write_ask", "write_voucher"]


class NotAsking(LogStopped):
    code = "not_asking"
    sentence = "本机没有停止记录,不需要申请,没有写文件。"


def write_ask(node: Node, path: Path) -> str:
    """Write the ask of this halted node and its certificate to a new file; return the check code.

    Raises: NotAsking, FileExistsError.
    """
    with node.database.read() as transaction:
        halt = halted(transaction)
        if halt is None or not halt.ask:
            raise NotAsking
        signer = LogName.parse(statements.decode(halt.ask).signer)
        certificate = transaction.certificate(signer) or b""
    _write(path, certificate + b"\n" + halt.ask)
    return lives.code(halt)


def take_ask(node: Node, path: Path) -> Ask:
    """At central: hold the ask in a file. Raises: PeerProtocolError."""
    certificate, ask = _lines(path)
    with node.database.write() as transaction:
        if certificate:
            trust.take_certificate(node.core, transaction, certificate, first_hand_ms=None)
        return asks.take(node.core, transaction, statements.decode(ask), Effects())


def write_voucher(node: Node, voucher: Voucher, path: Path) -> None:
    """At central: write a voucher given to an ask to a new file; useless to another copy."""
    with node.database.read() as transaction:
        ref = f"{voucher.station}/{voucher.epoch}"
        raw = transaction.statement(statements.VOUCHER, ref) or b""
    _write(path, b"\n" + raw)


def take_voucher(node: Node, path: Path) -> bool:
    """At the halted node: take the voucher in a file; return whether the log goes on already.

    Raises: VoucherRefused (for another copy or station), PeerProtocolError.
    """
    _, raw = _lines(path)
    said, effects = statements.decode(raw), Effects()
    with node.database.write() as transaction:
        shape = tree.load(node.core, transaction, node.clock_ms())
        voucher = asks.take_voucher(node.core, shape, transaction, said)
        lives.take_voucher(node.core, transaction, raw, voucher, effects)
    if not effects.life:
        raise VoucherRefused("for another copy")
    node.tend_life()
    return not node.life.halted


def _lines(path: Path) -> tuple[bytes, bytes]:
    if path.stat().st_size > 4 * STATEMENT_BYTES_MAX:
        raise Malformed("too large for an ask or a voucher")
    first, _, second = path.read_bytes().partition(b"\n")
    return first, second.strip()


def _write(path: Path, raw: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
