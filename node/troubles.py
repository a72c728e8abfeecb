"""What a person must know of logs in doubt: frozen, with what evidence; lost; recovered.

Shared by the pages of a station and of central and by both command lines. Lists only; nothing here
changes anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from casework.status import ACTS
from node.recovered import Check, check_of
from sync.engine.halt import halted
from sync.engine.lives import code as check_code
from sync.engine.recovery import lost_positions, runs_of
from sync.protocol import canonical, statements
from sync.protocol.envelope import parse_envelope
from sync.protocol.errors import PeerProtocolError
from sync.protocol.limits import STATEMENT_BYTES_MAX
from sync.protocol.lives import (
    BEHIND,
    FORK,
    OLDER_LIFE,
    REBUILT,
    RESTORED,
    REWIND,
    SECOND_COPY,
    Evidence,
    Seen,
    unpack_event,
)
from sync.protocol.ports import RECOVERED, StoredEvent, Transaction
from ui.words import moment

LISTED_MAX = 200
_WHY = {
    REWIND: "本机比上级旧(可能恢复过旧备份或旧快照)",
    FORK: "同一位置有两份不同的记录(可能有两台机器用同一身份)",
    SECOND_COPY: "两台机器在用同一身份",
    OLDER_LIFE: "本站已换到另一台机器,这一台是旧的",
    RESTORED: "从备份恢复",
    REBUILT: "换新机器重建",
    BEHIND: "本机丢了自己写过的记录(可能恢复过旧备份或旧快照)",
}


def why(reason: str) -> str:
    """Return a halt's or a freeze's reason in words."""
    return _WHY.get(reason, reason)


class Side(NamedTuple):
    """One of two contents or machines. Units: milliseconds."""

    title: str
    detail: str
    at_ms: int
    mark: str


class Proof(NamedTuple):
    """Evidence of one freeze, both sides readable."""

    station: str
    epoch: int
    position: int
    kind: str
    witness: str
    at_ms: int
    sides: list[Side]

    def as_json(self) -> dict[str, Any]:
        return {**self._asdict(), "sides": [side._asdict() for side in self.sides]}


class Lost(NamedTuple):
    """Positions of a log that are lost, as runs [first, last]."""

    station: str
    epoch: int
    runs: list[list[int]]

    @property
    def numbers(self) -> str:
        return "、".join(f"{a}" if a == b else f"{a}—{b}" for a, b in self.runs)


class Recovered(NamedTuple):
    """One recovered event as a person may judge it. Units: milliseconds."""

    name: str
    station: str
    stream: str
    title: str
    written_ms: int
    actor: str
    facts: dict[str, Any]
    check: Check | None = None


@dataclass(frozen=True, slots=True)
class Troubles:
    """Everything in doubt that is known here."""

    frozen: list[tuple[str, int, str]] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    recovered: list[Recovered] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.frozen or self.proofs or self.lost or self.recovered)

    @property
    def to_check(self) -> list[Recovered]:
        """The recovered records nobody has checked."""
        return [one for one in self.recovered if one.check is None]

    def as_json(self) -> dict[str, Any]:
        """Return the lists as plain values; bodies are left out."""
        return {
            "frozen": [{"station": s, "epoch": e, "reason": r} for s, e, r in self.frozen],
            "evidence": [proof.as_json() for proof in self.proofs],
            "lost": [one._asdict() for one in self.lost],
            "recovered": [
                {
                    **{k: v for k, v in one._asdict().items() if k not in ("facts", "check")},
                    "checked": one.check is not None,
                }
                for one in self.recovered
            ],
        }


class Own(NamedTuple):
    """Why this node's own log stands still. Units: milliseconds."""

    reason: str
    since_ms: int
    code: str
    voucher: bool
    waiting: list[str]


def own(transaction: Transaction) -> Own | None:
    """Return why the own log stands still, None when it goes on."""
    halt = halted(transaction)
    if halt is None:
        return None
    given = bool(halt.voucher) or halt.reason == REBUILT
    return Own(halt.reason, halt.since_ms, check_code(halt), given, list(halt.waiting))


def of_tree(transaction: Transaction, station: str = "") -> Troubles:
    """Return what is in doubt of all logs held here, or of one station's."""
    logs = [g for g in transaction.logs() if station in ("", g.name.station)]
    lost = [
        Lost(log.name.station, log.name.epoch, runs_of(gone))
        for log in logs
        if (gone := lost_positions(transaction, log.name))
    ]
    return Troubles(
        frozen=[(*log.name, log.frozen) for log in logs if log.frozen],
        proofs=[one for one in evidence(transaction) if station in ("", one.station)],
        lost=lost,
        recovered=[
            recovered(one)._replace(check=check_of(transaction, one))
            for one in transaction.events_standing(RECOVERED, LISTED_MAX)
            if station in ("", one.name.station)
        ],
    )


def recovered(stored: StoredEvent) -> Recovered:
    """Return a recovered event with its words."""
    act = ACTS.get(stored.type)
    body = stored.event.body
    return Recovered(
        name=str(stored.name),
        station=stored.name.station,
        stream=stored.stream,
        title=act.title if act else "本站软件尚不认识的记录",
        written_ms=stored.hlc // 1024,
        actor=stored.actor,
        facts={} if body is None else msgspec.json.decode(body),
    )


def evidence(transaction: Transaction) -> list[Proof]:
    """Return the evidence held here, newest first."""
    found = []
    for _, raw in transaction.statements(statements.EVIDENCE):
        said = statements.decode(raw)
        one = said.read(Evidence)
        found.append(
            Proof(
                one.station,
                one.epoch,
                one.position,
                one.kind,
                said.signer.partition("/")[0],
                one.at_ms,
                [_side(one.first), _side(one.second)],
            )
        )
    return sorted(found, key=lambda proof: -proof.at_ms)


def _side(raw: bytes) -> Side:
    try:
        seen = canonical.load_as(raw, Seen, bytes_max=STATEMENT_BYTES_MAX)
    except PeerProtocolError:
        return _content(raw)
    detail = f"记录到第 {seen.position} 条,校验 {seen.chain.hex()[:8]}"
    return Side("一台机器", detail, seen.at_ms, seen.incarnation)


def _content(raw: bytes) -> Side:
    try:
        event = unpack_event(raw)
        envelope = parse_envelope(event.envelope)
    except PeerProtocolError:
        return Side("看不懂的内容", "", 0, "")
    act = ACTS.get(envelope.type)
    title = act.title if act else "本站软件尚不认识的记录"
    detail = f"{title},经办 {envelope.actor}"
    return Side("一份记录", detail, envelope.hlc // 1024, event.hash.hex()[:16])


def lines(found: Troubles) -> list[str]:
    """Return the lists as lines for a terminal."""
    said = [f"冻结  站点 {s}  日志 {e}  原因:{why(r)}" for s, e, r in found.frozen]
    said += [
        f"缺失  站点 {one.station}  日志 {one.epoch}  第 {one.numbers} 条" for one in found.lost
    ]
    said += [
        f"待核对  {one.name}  {one.title}  {moment(one.written_ms)}  办件 {one.stream}"
        for one in found.to_check
    ]
    return said


def side_by_side(proof: Proof) -> list[str]:
    """Return one freeze's evidence as lines, both sides one below the other."""
    head = (
        f"站点 {proof.station} 日志 {proof.epoch} 第 {proof.position} 条:{why(proof.kind)}。"
        f"由 {proof.witness} 于 {moment(proof.at_ms)} 发现。"
    )
    return [
        head,
        *(
            f"  {mark}  {side.title}:{side.detail};时间 {moment(side.at_ms)};标记 {side.mark}"
            for mark, side in zip("甲乙", proof.sides, strict=True)
        ),
    ]
