"""The release after the next number: it says more than this one understands, wherever it can.

Version 2 of the protocol; further fields in envelopes, bodies, headers and statements; frames of an
unknown type in every stream; an act, a statement and a register nobody knows here; packs of another
format; a database with one table and one column more.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import msgspec

VERSION = 2
ACT = "site_visited"
FLAG = "到过现场(演示)"
NOTICE, SURVEY = "later.notice", "later.survey"
REGISTER = "advice"
LATER = {"deep": [1, "演示", True]}
FRAME = 77


def change() -> None:
    """Make this the program of the next release."""
    from sync.protocol import limits

    limits.PROTOCOL_VERSION = VERSION  # before anything else is loaded
    _packs()
    _wire()
    _statements()
    _casework()
    _database()


def _wire() -> None:
    from sync.engine import answer, child, record
    from sync.protocol import frames, rounds
    from sync.protocol.envelope import Envelope

    class NextEnvelope(Envelope, frozen=True):
        later: dict[str, Any] = msgspec.field(default_factory=LATER.copy)

    class NextHello(rounds.Hello, frozen=True):
        later: dict[str, Any] = {}

    class NextAnswer(rounds.Answer, frozen=True):
        later: dict[str, Any] = {}

    record.Envelope = NextEnvelope  # type: ignore[misc]
    child.Hello = partial(NextHello, later=LATER)  # type: ignore[misc, assignment]
    answer.Answer = partial(NextAnswer, later=LATER)  # type: ignore[misc, assignment]
    encode = frames.encode_stream

    def with_unknown_frames(parts: Iterable[Any], *packing: Any) -> bytes:
        out: list[Any] = []
        for part in parts:
            out += [frames.Frame(FRAME, b"later" * 3), part]
        return encode([*out, frames.Frame(FRAME, b"")], *packing)

    frames.encode_stream = with_unknown_frames


def _packs() -> None:
    from sync.protocol import packs

    read = packs.read_pack

    def read_any(raw: bytes) -> Any:
        return read(raw[:3] + b"\2" + raw[4:] if raw[:4] == b"YZP\3" else raw)

    packs.read_pack = read_any


def _statements() -> None:
    from sync.engine import authority, notices, receipts
    from sync.protocol import statements
    from sync.protocol.registers import Manifest
    from sync.protocol.statements import Attachment, TimeMark

    class NextAttachment(Attachment, frozen=True):
        later: dict[str, Any] = msgspec.field(default_factory=LATER.copy)

    class NextMark(TimeMark, frozen=True):
        later: dict[str, Any] = msgspec.field(default_factory=LATER.copy)

    class NextReceipt(receipts.CentralReceipt, frozen=True):
        later: dict[str, Any] = msgspec.field(default_factory=LATER.copy)

    class NextManifest(Manifest, frozen=True):
        later: dict[str, Any] = msgspec.field(default_factory=LATER.copy)

    notices.Attachment = NextAttachment  # type: ignore[misc]
    notices.TimeMark = NextMark  # type: ignore[misc]
    receipts.CentralReceipt = NextReceipt  # type: ignore[misc]
    authority.Manifest = NextManifest  # type: ignore[misc]
    statements.KINDS = statements.KINDS | {NOTICE, SURVEY}
    from_above, from_below = notices._from_parent, notices._of_lives_below

    def heed(core: Any, transaction: Any, now_ms: int, statement: Any, effects: Any) -> None:
        from_above(core, transaction, now_ms, statement, effects)
        if statement.kind == NOTICE:
            transaction.put_statement(NOTICE, "", statements.encode(statement))
            for link in transaction.child_links():
                transaction.enqueue(link.station, NOTICE, "")

    def hear(core: Any, transaction: Any, now_ms: int, statement: Any, *rest: Any) -> None:
        from_below(core, transaction, now_ms, statement, *rest)
        if statement.kind == SURVEY:
            transaction.put_statement(SURVEY, statement.signer, statements.encode(statement))

    notices._from_parent, notices._of_lives_below = heed, hear


def _casework() -> None:
    from casework import acts, desk, status
    from casework.status import Act, Custody, Place, Right

    posts = frozenset({"intake", "accept", "review", "decide", "issue"})
    status.ACTS[ACT] = Act(
        ACT, "到现场看过(演示)", None, None, Place.AUDIENCE, (Right(posts),), Custody.NONE
    )
    acts._BODIES[ACT] = lambda wanted: {"note": "演示", "seen": wanted.fields.get("seen", {})}
    base = desk.Desk.base

    def with_more(self: desk.Desk) -> dict[str, Any]:
        return {**base(self), "later": LATER}

    desk.Desk.base = with_more  # type: ignore[method-assign]
    _flag()


def _flag() -> None:
    from dataclasses import replace

    from node import desk as joined

    make = joined.case_row

    def flagged(case: Any, *name: str) -> Any:
        row = make(case, *name)
        visited = any(entry.type == ACT for entry in case.timeline)
        return replace(row, flags=(*row.flags, FLAG)) if visited else row

    joined.case_row = flagged


def _database() -> None:
    from node import schema
    from sync.store.migrations import Migrations

    later = Migrations("later")

    @later()
    def m0001_more(database: Any) -> None:
        database.execute("CREATE TABLE later (n INTEGER NOT NULL) STRICT")
        database.execute("ALTER TABLE child_links ADD COLUMN later TEXT NOT NULL DEFAULT ''")

    release = schema.SCHEMA.release + 1
    schema.SCHEMA = schema.SCHEMA.extended(later, release=release)
