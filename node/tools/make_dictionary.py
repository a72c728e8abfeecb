"""Makes the shared dictionary of the wire from invented traffic, the same bytes every time.

    python -m node.tools.make_dictionary > sync/protocol/dictionary_1.py

A released dictionary never changes: an improved one is a new version beside it. Everything in it is
invented (演示); it teaches the compressor the words of the wire, not the words of any station.
"""

from __future__ import annotations

import base64
import hashlib
import random
import sys
import textwrap
from collections.abc import Iterator
from typing import Any, Final

import zstandard

from sync.protocol import canonical, columns, frames, rounds, statements
from sync.protocol.envelope import HLC_COUNTER, Envelope, Event, body_hash
from sync.protocol.names import incarnation
from sync.protocol.receipts import CentralReceipt, LogReceipt, Refusal
from sync.protocol.statements import (
    AUTHORITY,
    BY_VOUCHER,
    Attachment,
    Below,
    Certificate,
    Health,
    Statement,
    TimeMark,
    Voucher,
)

SEED: Final = 1
SIZE: Final = 12 * 1024
FRAMES: Final = 400
_K, _D = 512, 8
START_MS: Final = 1_790_000_000_000
_TIERS = ("village", "township", "district")
_FLAGS = ("容缺", "承诺", "代收", "代办", "断网办理", "视为受理", "待核", "旧版事项")
_NOTES = ("演示说明", "材料齐全,演示", "缺原件,已一次性告知,演示", "已现场核验原件,演示")
_BUREAUX = ("CG0100", "CG0101", "CG0102", "KM0000", "XS0103")
_MATTERS = ("000511602005", "000511602011", "000511602148")


class _Traffic:
    """Events, headers and statements of stations that do not exist."""

    def __init__(self) -> None:
        self._random = random.Random(SEED)  # noqa: S311 - the same bytes every time is the point
        self._position = 1
        self._now = START_MS

    def _drawn(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def _station(self) -> str:
        return f"{self._random.choice(('CG', 'XS', 'WH'))}{self._random.randrange(100, 9999):04d}"

    def _later(self) -> int:
        self._now += self._random.randrange(1, 900_000)
        return self._now

    def _body(self, kind: str, stream: str) -> dict[str, Any]:
        pick, at = self._random.choice, self._later()
        station = pick(_BUREAUX)
        under = {"under": stream, "at_ms": at}
        ticks = [
            {"code": f"M{n}", "state": pick(("已收", "缺")), "taken_as": pick(_TAKEN)}
            for n in range(1, 5)
        ]
        bodies: dict[str, dict[str, Any]] = {
            "received": {
                "holder": station,
                "depth": self._random.randrange(2, 5),
                "receipt_no": f"{station}-2026{self._random.randrange(101, 1231):04d}-A-00017-3",
                "matter": {
                    "code": pick(_MATTERS) + f"{self._random.randrange(10**8):08d}",
                    "version": "1",
                    "hash": self._drawn(32).hex(),
                },
                "mode": pick(("直办", "受理", "代收", "代办")),
                "receiving": station,
                "handling": pick(_BUREAUX),
                "delivery": station,
                "applicant": {
                    "name": "演示申请人",
                    "id_type": pick(("居民身份证", "其他")),
                    "id_no": f"00000019{self._random.randrange(10**10):010d}",
                    "phone": f"000{self._random.randrange(10**8):08d}",
                    "address": "演示村1组2号",
                },
                "materials": ticks,
                "flags": sorted({pick(_FLAGS), pick(_FLAGS)}),
            },
            "accepted": {**under, "kind": pick(("普通", "收件即受理", "容缺")), "supplements": []},
            "defects_told": {
                **under,
                "defects": [{"material": "M1", "problem": pick(_NOTES)}],
                "notice_no": 1,
                "reply_by": "2026-12-01",
            },
            "supplement_received": {"materials": ticks, "note": pick(_NOTES), "day": "2026-11-20"},
            "handed_over": {**under, "to": station, "reason": pick(_NOTES)},
            "accepted_custody": {"follows": stream, "holder": station, "depth": 2},
            "step_done": {
                **under,
                "stage": 1,
                "stage_code": "S1",
                "results": [{"task": "T1", "result": "通过", "note": pick(_NOTES)}],
                "note": pick(_NOTES),
            },
            "task_given": {**under, "kind": "送达", "station": station, "due": "2026-12-01"},
            "task_reported": {"task": stream, "result": "已送达", "note": pick(_NOTES)},
            "decided": {**under, "result": pick(("准予", "不予")), "note": pick(_NOTES)},
            "closed": {**under, "result": "准予", "note": pick(_NOTES)},
            "sync.epoch_opened": {"previous": 0, "previous_epoch": 0},
        }
        return bodies[kind]

    def event(self, station: str) -> Event:
        """One signed-looking event of a station."""
        kind = self._random.choice(_KINDS)
        epoch = START_MS + self._random.randrange(10**9)
        self._position += 1
        stream = f"{station}/{epoch}/{self._position}"
        body = canonical.dumps(self._body(kind, stream))
        salt = self._drawn(16)
        other = f"{self._station()}/{epoch}/{self._random.randrange(1, 4000)}"
        envelope = Envelope(
            v=1,
            alg=columns.ALGORITHM,
            station=station,
            epoch=epoch,
            pos=self._position,
            hlc=self._later() * HLC_COUNTER,
            stream=stream if kind == "received" else other,
            type=kind,
            actor=self._random.choice(("node", "S001", "S014", "S120")),
            body=body_hash(salt, body),
            aud=sorted({station, self._random.choice(_BUREAUX)}) if kind == "received" else [],
        )
        return Event(canonical.dumps(envelope), self._drawn(64), salt, body)

    def columns(self) -> bytes:
        """The compressible half of a small frame of events."""
        station = self._station()
        events = [self.event(station) for _ in range(self._random.randrange(1, 4))]
        return columns.split(0, events, lambda _: b"").columns

    def statement(self) -> bytes:
        """One statement as it travels."""
        station, at = self._station(), self._later()
        epoch, life = at - 10**8, incarnation(at - 10**9, self._drawn(8))
        voucher = Voucher(1, station, epoch, self._drawn(32), at, at + 86_400_000, "online", "V-1")
        inner = Statement("voucher", canonical.dumps(voucher), self._drawn(64), AUTHORITY)
        certificate = Certificate(
            1, station, epoch, self._drawn(32), self._drawn(32), statements.encode(inner)
        )
        chain = self._drawn(16)
        central = CentralReceipt(1, station, epoch, 40, chain, "central", at, life)
        kind, payload, signer = self._random.choice(
            [
                (statements.CERTIFICATE, certificate, BY_VOUCHER),
                (statements.RECEIPT, central, f"KM0000/{START_MS}"),
                (statements.TIME_MARK, TimeMark(1, at, life), f"KM0000/{START_MS}"),
                (statements.ATTACHMENT, Attachment(1, station, "CG0101", at), f"{station}/{epoch}"),
            ]
        )
        raw = statements.encode(Statement(kind, canonical.dumps(payload), self._drawn(64), signer))
        return frames.encode_statements(7, [raw]).payload

    def header(self) -> bytes:
        """A hello or an answer."""
        station, epoch = self._station(), self._later()
        life, nonce = incarnation(epoch, self._drawn(8)), self._drawn(8)
        health = Health(
            release="0.1.0",
            started_ms=epoch,
            unsent=self._random.randrange(9),
            oldest_unsent_ms=epoch,
            database_bytes=self._random.randrange(10**8),
            below={self._station(): Below(epoch, 0, 0, 0, "0.1.0") for _ in range(3)},
        )
        shelf = f"matters/{self._random.randrange(10**6):06d}000000/{self._random.choice(_TIERS)}"
        hello = rounds.Hello(
            v=1,
            station=station,
            epoch=epoch,
            incarnation=life,
            nonce=nonce,
            token=self._drawn(16),
            position=self._random.randrange(5000),
            chain=self._drawn(16),
            acknowledged=self._random.randrange(5000),
            acknowledged_incarnation=incarnation(epoch, self._drawn(8)),
            digest=self._drawn(16),
            tree=self._drawn(4).hex(),
            editions={shelf: epoch, "stations/000000000000/all": epoch},
            health=health if self._random.random() < 0.5 else None,
            dictionary=1,
        )
        receipt = LogReceipt(
            station, epoch, 40, self._drawn(16), [Refusal(4, "bad_signature")], [3]
        )
        answer = rounds.Answer(
            v=1,
            station=station,
            epoch=epoch,
            incarnation=life,
            nonce=nonce,
            verdict="ok",
            token=self._drawn(16),
            receipts=[receipt],
            through=self._random.randrange(5000),
            digest=self._drawn(16),
            tree=self._drawn(4).hex(),
            hint_ms=300_000,
            dictionary=1,
        )
        return canonical.dumps(hello if self._random.random() < 0.5 else answer)

    def samples(self) -> Iterator[bytes]:
        """Payloads in the mixture in which they travel."""
        for _ in range(FRAMES):
            yield self.columns()
            yield self.columns()
            yield self.statement()
            yield self.header()


_TAKEN = ("核验原件后退还", "收原件", "收复印件")
_KINDS = (
    "received", "accepted", "defects_told", "supplement_received", "handed_over",
    "accepted_custody", "step_done", "task_given", "task_reported", "decided", "closed",
    "sync.epoch_opened",
)  # fmt: skip


def dictionary() -> bytes:
    """Return dictionary 1."""
    samples: list[bytes | bytearray | memoryview] = list(_Traffic().samples())
    trained = zstandard.train_dictionary(SIZE, samples, k=_K, d=_D, dict_id=1, level=9)
    return trained.as_bytes()


def module(data: bytes) -> str:
    """Return the module that holds a dictionary."""
    lines = textwrap.wrap(base64.b64encode(data).decode("ascii"), 92)
    text = "\n".join(f'    "{line}"' for line in lines)
    return (
        '"""Shared dictionary 1 of the wire, by node.tools.make_dictionary, never by hand.\n'
        "\n"
        f"SHA-256 of the dictionary: {hashlib.sha256(data).hexdigest()[:32]}…\n"
        '"""\n\n'
        "import base64\n\n"
        f"DATA = base64.b64decode(\n{text}\n)\n"
    )


if __name__ == "__main__":
    sys.stdout.write(module(dictionary()))
