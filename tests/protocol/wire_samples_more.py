"""Samples of what stands around the frames: squeezed heads, the second lane's bodies, files."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from node.backup import Manifest as BackupManifest
from node.enrolment import Sheet, sheet_text
from sync.engine import authority
from sync.engine.blobs import Given
from sync.protocol import blobs as lane
from sync.protocol import canonical, chunks, deltas, frames, rounds
from sync.protocol.blobs import AnswerReader, Ask, Part, Piece
from sync.protocol.bundles import BundleFacts, Held
from sync.protocol.chunks import FileName
from sync.protocol.errors import UnsupportedVersion
from sync.protocol.frames import Frame
from sync.protocol.phrases import PHRASES
from sync.protocol.registers import DeltaRef, Entry
from sync.transport import squeeze
from sync.transport.contexts import Contexts
from sync.transport.http_routes import refusal
from sync.transport.squeeze import Split
from tests.protocol import warrant_sample, wire_samples
from tests.protocol.golden_files import golden
from tests.protocol.wire_samples import AT_MS, EPOCH, VILLAGE, Sample

CONTEXT = b"head of the last request and of its answer: " + bytes(range(64))
PUT = Ask(1, "CG0111", EPOCH, lane.freshness(b"t" * 16), lane.PUT, [Part("ab" * 32, 0, 5)])
BROUGHT = b"bytes"
CHANGED = [
    *(
        Entry(e.key, e.raw.replace(b'"name"', b'"fee":"0","name"'))
        for e in wire_samples.ENTRIES[:2]
    ),
    *wire_samples.ENTRIES[3:],
    Entry("MATTER-900", canonical.dumps({"code": "MATTER-900", "name": "演示"})),
]
GIVEN = [Part("ab" * 32, 65_536, 40), Part("cd" * 32, 0, 8192), Part("ef" * 32, 8192, 100)]
"""Of these a parent gives all, nothing, and what there is of the last one: no byte."""
PIECES = [Piece(0, 65_536, bytes(range(40))), Piece(1, 0, None)]
FILES = [FileName("ab" * 32, 180, 300_000)]


HEALTH = msgspec.structs.replace(
    wire_samples.HEALTH,
    set_aside=2,
    disk_free_bytes=1 << 30,
    oldest_below_central_ms=AT_MS,
    waiting={"CG0111": AT_MS},
)
FACTS_UP = BundleFacts(
    1, "CG0111", EPOCH, wire_samples.INCARNATION, 2, position=2, chain=b"c" * 16,
    held=[Held("CG0101", wire_samples.INCARNATION, 17)],
    editions={"matters/530114000000/village": EPOCH},
    holes=wire_samples.FULL_HELLO.holes,
)  # fmt: skip
FACTS_DOWN = BundleFacts(
    1, "CG0101", EPOCH, wire_samples.INCARNATION, 3, receipts=[wire_samples.LOG_RECEIPT],
    frozen=[f"CG0112/{EPOCH}"], verdict=rounds.FORK, after=17, through=21,
)  # fmt: skip


def _front(*around: Frame | bytes) -> Split:
    parts = squeeze.front(frames.encode_stream(around) + b"rest")
    assert parts is not None, "the sample has a head"
    return parts


_STATEMENTS = [golden(name) for name in ("certificate", "receipt_of_central")]
FRONT = _front(
    frames.encode_statements(0, _STATEMENTS),
    Frame(frames.HELLO, golden("hello_of_one_moved")),
    frames.encode_statements(4, [golden("attachment"), golden("order")]),
)
FRONT_OF_ANSWER = _front(
    frames.encode_statements(0, [golden("certificate")]),
    Frame(frames.ANSWER, golden("answer_ok")),
    Frame(frames.COMPARE, golden("compare_frame")),
)


def _json(value: Any) -> Sample:
    shape = type(value)
    return Sample(
        value, canonical.dumps, lambda raw: canonical.load_as(raw, shape, bytes_max=len(raw))
    )


def samples() -> dict[str, Sample]:
    """Return every sample by the name of its golden file."""
    head = Split(golden("request_stream"), b"rest")
    return {
        "squeezed_request": Sample(
            head, lambda s: squeeze.squeezed_request(s, CONTEXT), _open_request
        ),
        "squeezed_answer": Sample(
            head, lambda s: squeeze.squeezed_answer(s, CONTEXT), _open_answer
        ),
        "front_request": Sample(
            FRONT, lambda s: squeeze.front_request(s, squeeze.NO_CONTEXT), _open_request
        ),
        "front_request_of_context": Sample(
            FRONT, lambda s: squeeze.front_request(s, CONTEXT), _open_request
        ),
        "front_answer": Sample(
            FRONT_OF_ANSWER, lambda s: squeeze.front_answer(s, FRONT.head), _open_front_answer
        ),
        "phrases": Sample(PHRASES, lambda _: PHRASES, bytes),
        "ask_put": Sample((PUT, BROUGHT), _write_put, _read_put),
        "get_answer": Sample(PIECES, _given, lambda raw: list(AnswerReader(GIVEN).feed(raw))),
        "warrant": Sample(
            (*warrant_sample.LINE, warrant_sample.ROOT),
            lambda _: warrant_sample.write(wire_samples.AUTHORITY, EPOCH),
            lambda raw: warrant_sample.read(raw, wire_samples.AUTHORITY),
        ),
        "body_blobs": Sample(
            FILES, lambda f: canonical.dumps({"blobs": f, "title": "演示"}), chunks.names_in
        ),
        "delta": Sample(CHANGED, lambda _: _delta(), _applied),
        "enrolment_sheet": Sample(
            _sheet(), lambda s: sheet_text(s).encode(), lambda r: msgspec.json.decode(r, type=Sheet)
        ),
        "backup_manifest": Sample(
            _backup(),
            lambda b: msgspec.json.format(msgspec.json.encode(b), indent=1),
            lambda r: msgspec.json.decode(r, type=BackupManifest),
        ),
        "refusal": Sample(
            {"code": UnsupportedVersion.code, "sentence": UnsupportedVersion.sentence},
            lambda _: bytes(refusal(UnsupportedVersion("sample")).body),
            json.loads,
        ),
        "bundle_facts_up": _json(FACTS_UP),
        "bundle_facts_down": _json(FACTS_DOWN),
        "health_of_a_parent": _json(HEALTH),
        "answer_of_a_dictionary": Sample(
            msgspec.structs.replace(wire_samples.answer(rounds.OK), dictionary=1),
            canonical.dumps,
            lambda raw: rounds.decode_header(raw, rounds.Answer),
        ),
        "manifest_with_chain_and_step": Sample(
            msgspec.structs.replace(
                wire_samples.MANIFEST,
                edition=EPOCH + 1,
                chain=[DeltaRef("cd" * 32, 700, 3, EPOCH + 1)],
                step=DeltaRef("ef" * 32, 650, 2, EPOCH + 1, EPOCH),
            ),
            canonical.dumps,
            lambda raw: canonical.load_as(raw, type(wire_samples.MANIFEST), bytes_max=len(raw)),
        ),
    }


def _open_request(raw: bytes) -> Split:
    contexts = Contexts()
    contexts.keep(CONTEXT)
    opened = squeeze.open_request(raw, contexts)
    assert opened is not None, "the sample is whole"
    return Split(opened.head, raw[opened.rest_at :])


def _open_front_answer(raw: bytes) -> Split:
    opened = squeeze.open_answer(raw, FRONT.head)
    assert opened is not None, "the sample is whole"
    return Split(opened.head, raw[opened.rest_at :])


def _open_answer(raw: bytes) -> Split:
    opened = squeeze.open_answer(raw, CONTEXT)
    assert opened is not None, "the sample is whole"
    return Split(opened.head, raw[opened.rest_at :])


def _write_put(value: tuple[Ask, bytes]) -> bytes:
    ask, brought = value
    payload = canonical.dumps(ask)
    signature = VILLAGE.sign(lane.ask_message("CG0101", payload))
    return lane.encode_ask(rounds.encode_header(signature, payload)) + brought


def _read_put(raw: bytes) -> tuple[Ask, bytes]:
    header, brought = lane.split_ask(raw)
    return lane.decode_ask(rounds.split_header(header)[1]), brought


def _given(pieces: list[Piece]) -> bytes:
    """Return what a parent writes: a head for each part asked for, its bytes behind."""
    data = {piece.part: piece.data or b"" for piece in pieces}
    lengths = [len(data[0]), -1, 0]
    given = [Given(part, length) for part, length in zip(GIVEN, lengths, strict=True)]
    return b"".join(one.head + data.get(at, b"") for at, one in enumerate(given))


def _delta() -> bytes:
    made = deltas.make_delta(wire_samples.ENTRIES, CHANGED, before=EPOCH, edition=EPOCH + 1)
    return made.raw


def _applied(raw: bytes) -> list[Entry]:
    return deltas.applied(wire_samples.ENTRIES, deltas.read_delta(raw))


def _sheet() -> Sheet:
    one_use = wire_samples.ONE_USE
    voucher = authority.make_voucher(
        wire_samples.AUTHORITY, "CG0111", EPOCH, one_use.public_key(), "online", "V-1"
    )
    url = "http://10.0.0.1:7001"
    keys = [wire_samples.AUTHORITY.public_key()]
    above = [golden("certificate")]
    return Sheet("CG0111", "KM0000", "CG0101", url, keys, voucher, b"U" * 32, above)


def _backup() -> BackupManifest:
    fields: dict[str, Any] = {"v": 1, "station": "KM0000", "epoch": EPOCH, "release": "0.1.0"}
    fields |= {"incarnation": wire_samples.INCARNATION, "made_ms": AT_MS, "verified": True}
    logs = [{"station": "CG0111", "epoch": EPOCH, "position": 9, "chain": "Y2M="}]
    fields |= {"events": 12, "files": {"node.db": "ab" * 32}, "logs": logs}
    return msgspec.convert(fields, BackupManifest)
