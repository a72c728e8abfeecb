"""Cursors, chain check sums, receipts with holes, and central's signed receipts."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import msgspec

from sync.protocol.names import LogName

CHAIN_BYTES = 16


class Refusal(msgspec.Struct, frozen=True, array_like=True):
    """One refused position with the stable code of its reason."""

    position: int
    reason: str


class LogReceipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far the issuer durably holds one log.

    Shapes: `pos` and `chain` are the cursor; `refused` and `lost` are its holes (at or below pos).
    """

    station: str
    epoch: int
    pos: int
    chain: bytes
    refused: list[Refusal] = []
    lost: list[int] = []

    @property
    def log(self) -> LogName:
        return LogName(self.station, self.epoch)


class CentralReceipt(msgspec.Struct, frozen=True):
    """Payload of a statement signed by central: rung `central` or `backup` of one log."""

    v: int
    station: str
    epoch: int
    pos: int
    chain: bytes
    rung: str
    issued_ms: int
    incarnation: str


class Cursor(NamedTuple):
    """Position and chain check sum of a log."""

    position: int
    chain: bytes


def chain_start(log: LogName) -> bytes:
    """Return the chain check sum of an empty log."""
    return hashlib.sha256(f"{log.station}/{log.epoch}".encode("ascii")).digest()[:CHAIN_BYTES]


def chain_next(chain: bytes, event_hash: bytes) -> bytes:
    """Return the chain check sum after one more envelope (refused ones count as seen)."""
    return hashlib.sha256(chain + event_hash).digest()[:CHAIN_BYTES]
