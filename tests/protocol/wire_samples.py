"""One fixed value of every wire format, made with fixed keys, and where its golden bytes lie.

`python -m tests.protocol.wire_samples` writes golden files that are missing; it never touches one
that is there, because a changed golden file is a changed protocol.
"""

from __future__ import annotations

import binascii
import hashlib
import struct
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from msgspec.structs import replace

from sync.engine import authority
from sync.protocol import blobs as lane
from sync.protocol import (
    bodies,
    canonical,
    chunks,
    compression,
    digest,
    envelope,
    frames,
    lives,
    packs,
    rounds,
    statements,
)
from sync.protocol.blobs import Ask, Part, Standing
from sync.protocol.chunks import FileManifest
from sync.protocol.envelope import Envelope, Event, body_hash, parse_envelope, signed_message
from sync.protocol.frames import BlobPiece, Frame
from sync.protocol.limits import STATEMENT_BYTES_MAX
from sync.protocol.merkle import merkle_root
from sync.protocol.names import LogName
from sync.protocol.receipts import CentralReceipt, LogReceipt, Refusal, chain_start
from sync.protocol.registers import Entry, Manifest, PackRef
from sync.protocol.rounds import Answer, Hello, Hole
from sync.protocol.statements import (
    Attachment,
    Below,
    Cut,
    Health,
    Order,
    Purge,
    Revocation,
    Statement,
    TimeMark,
)
from sync.signing import Ed25519Signer
from tests.protocol import bundle_sample, golden_files
from tests.protocol.golden_files import golden as golden

EPOCH = 1_790_000_000_000
AT_MS = EPOCH + 60_000
AUTHORITY, ONE_USE = Ed25519Signer(b"A" * 32), Ed25519Signer(b"U" * 32)
VILLAGE, CENTRAL = Ed25519Signer(b"V" * 32), Ed25519Signer(b"C" * 32)
LOG = LogName("CG0111", EPOCH)
SALT, NONCE, TOKEN, DIGEST = bytes(range(16)), b"n" * 8, b"t" * 16, b"d" * 16
INCARNATION = f"{EPOCH:013d}-0011223344556677"

BODY = canonical.dumps(
    {"at_ms": AT_MS, "matter": "演示-001", "paper": [{"code": "M1", "copies": 2}]}
)
ENVELOPE = Envelope(
    v=1,
    alg="ed25519",
    station=LOG.station,
    epoch=LOG.epoch,
    pos=2,
    hlc=AT_MS * envelope.HLC_COUNTER + 1,
    stream=f"{LOG.station}/{LOG.epoch}/2",
    type="received",
    actor="S001",
    body=body_hash(SALT, BODY),
    aud=["CG0101", "CG0111"],
)
_RAW = canonical.dumps(ENVELOPE)
EVENT = Event(_RAW, VILLAGE.sign(signed_message("event", _RAW)), SALT, BODY)
PURGED_EVENT = EVENT._replace(body=None)
ENTRIES = [
    Entry(f"MATTER-{n:03d}", canonical.dumps({"code": f"MATTER-{n:03d}", "name": "演示事项"}))
    for n in range(20)
]
PACK = packs.encode_rows(ENTRIES)
MANIFEST = Manifest(
    v=1,
    shelf="matters/530114000000/village",
    edition=EPOCH,
    base_edition=EPOCH,
    base=[PackRef(hashlib.sha256(PACK).hexdigest(), len(PACK), len(ENTRIES))],
    chain=[],
    root=merkle_root(ENTRIES),
    entries=len(ENTRIES),
    schema=1,
    effective_from="2026-12-01",
    profile="online",
    stale_after_ms=86_400_000,
)
HEALTH = Health(
    release="0.1.0",
    started_ms=EPOCH,
    unsent=3,
    oldest_unsent_ms=AT_MS,
    database_bytes=4096,
    clock_offset_ms=-250,
    clock_trusted=True,
    below={"CG0111": Below(AT_MS, 2, AT_MS, 1, "0.1.0")},
)
BARE_HELLO = Hello(
    1, "CG0111", EPOCH, INCARNATION, NONCE, b"", 0, chain_start(LOG), 0, "", DIGEST, ""
)
FULL_HELLO = Hello(
    v=1,
    station="CG0111",
    epoch=EPOCH,
    incarnation=INCARNATION,
    nonce=NONCE,
    token=TOKEN,
    position=2,
    chain=chain_start(LOG),
    acknowledged=17,
    acknowledged_incarnation=INCARNATION,
    digest=DIGEST,
    tree="0a1b2c3d",
    proof=b"p" * 8,
    editions={"matters/530114000000/village": EPOCH},
    holes=[Hole("CG0111", EPOCH, 5, "bad_signature", EVENT.hash)],
    health=HEALTH,
    dictionary=1,
    ask_receipts=True,
)
ASK = Ask(
    v=1,
    station="CG0111",
    epoch=EPOCH,
    fresh=lane.freshness(TOKEN),
    do=lane.GET,
    parts=[Part(MANIFEST.base[0].sha256, 65_536, 8192)],
)
FILE = FileManifest(1, 300_000, "image/jpeg", ["ab" * 32, "cd" * 32])
LOG_RECEIPT = LogReceipt(
    LOG.station,
    LOG.epoch,
    9,
    chain_start(LOG),
    [Refusal(4, "malformed"), Refusal(7, "bad_signature")],
    [2, 3],
)
_ANSWER = Answer(1, "CG0101", EPOCH, INCARNATION, NONCE, rounds.OK)
_CHANGES: dict[str, dict[str, Any]] = {
    rounds.OK: {
        "token": TOKEN,
        "receipts": [LOG_RECEIPT],
        "through": 18,
        "more": True,
        "digest": DIGEST,
        "tree": "0a1b2c3d",
        "frozen": [f"CG0112/{EPOCH}"],
        "hint_ms": 30_000,
        "statements": 4,
    },
    rounds.PROVE: {"challenge": NONCE, "reason": "second_copy"},
    rounds.REWIND: {"token": TOKEN},
    rounds.FORK: {"token": TOKEN, "frozen": [f"CG0111/{EPOCH}"]},
    rounds.REVOKED: {},
    rounds.BUSY: {"hint_ms": 60_000},
}
COMPARE = [bodies.AuthorDigest("CG0111", 12, DIGEST), bodies.AuthorDigest("CG0112", 0, bytes(16))]


class Sample(NamedTuple):
    """A value, how it is written and how it is read."""

    value: Any
    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]


def _json(value: Any) -> Sample:
    shape = type(value)
    return Sample(
        value,
        canonical.dumps,
        lambda raw: canonical.load_as(raw, shape, bytes_max=STATEMENT_BYTES_MAX),
    )


def signed(kind: str, payload: Any, signer: Ed25519Signer, name: str) -> Statement:
    """Return a statement about `payload`."""
    unsigned = Statement(kind, canonical.dumps(payload), b"", name)
    return Statement(kind, unsigned.payload, signer.sign(unsigned.message()), name)


def _statement(kind: str, payload: Any, signer: Ed25519Signer, name: str) -> Sample:
    return Sample(signed(kind, payload, signer, name), statements.encode, statements.decode)


def header_message(kind: str, payload: bytes) -> bytes:
    """Return what the signature of a golden hello (to the township) or answer covers."""
    if kind == "hello":
        return rounds.hello_message("CG0101", payload)
    return rounds.answer_message(payload)


def _header(kind: str, value: Hello | Answer, signer: Ed25519Signer) -> Sample:
    def write(value: Hello | Answer) -> bytes:
        payload = canonical.dumps(value)
        return rounds.encode_header(signer.sign(header_message(kind, payload)), payload)

    shape: Any = type(value)
    return Sample(
        value, write, lambda raw: rounds.decode_header(rounds.split_header(raw)[1], shape)
    )


def answer(verdict: str) -> Answer:
    """Return a fixed answer of one verdict."""
    fields = {name: getattr(_ANSWER, name) for name in _ANSWER.__struct_fields__}
    return Answer(**{**fields, "verdict": verdict, **_CHANGES[verdict]})


def _frame(value: Any, encode: Callable[[Any], Frame], read: Callable[[bytes], Any]) -> Sample:
    return Sample(value, lambda v: encode(v).payload, read)


def _stream(value: list[Frame]) -> Sample:
    return Sample(value, frames.encode_stream, lambda raw: list(frames.decode_stream(raw)))


LIFE_ASK = lives.Ask(1, "CG0111", EPOCH, INCARNATION, ONE_USE.public_key(), lives.REWIND, 41, AT_MS)
EVIDENCE = lives.Evidence(
    1,
    "CG0111",
    EPOCH,
    2,
    lives.FORK,
    AT_MS,
    lives.pack_event(EVENT),
    lives.pack_event(PURGED_EVENT),
)
FETCHING = replace(
    answer(rounds.REWIND),
    heads=[lives.Head(EPOCH, 41, chain_start(LOG), 43, [lives.HeldHole(40, lives.LOST, b"")])],
    heads_told=True,
)
MOVED_HELLO = replace(
    BARE_HELLO,
    known=digest.mark([b"certificate"]) + digest.mark([b"one", b"another"]),
    budget=40_960,
    lacking=[rounds.Lacking("CG0112", EPOCH, 0, 7)],
    bodies=[f"CG0112/{EPOCH}/3"],
)
HALTED_HELLO = replace(BARE_HELLO, given=7, ask=b"{}", own=[rounds.OwnLog(EPOCH, 7)], fetching=True)


def _compare(raw: bytes) -> list[bodies.AuthorDigest]:
    return canonical.load_as(raw, list[bodies.AuthorDigest], bytes_max=STATEMENT_BYTES_MAX)


def _of_lives(by_village: str, by_central: str) -> dict[str, Sample]:
    return {
        "life_ask": _statement(statements.ASK, LIFE_ASK, VILLAGE, by_village),
        "evidence": _statement(statements.EVIDENCE, EVIDENCE, CENTRAL, by_central),
        "recovered": Sample(
            statements.decode(lives.wrap_recovered(EVENT, by_village)),
            statements.encode,
            statements.decode,
        ),
        "body_epoch_opened_again": _json(bodies.EpochOpened(EPOCH - 1, 41, [[38, 40]])),
        "answer_to_one_fetching": _header("answer", FETCHING, CENTRAL),
        "hello_of_one_moved": _header("hello", MOVED_HELLO, VILLAGE),
        "hello_of_one_halted": _header("hello", HALTED_HELLO, VILLAGE),
    }


def samples() -> dict[str, Sample]:
    """Return every sample by the name of its golden file."""
    voucher = authority.make_voucher(
        AUTHORITY, "CG0111", EPOCH, ONE_USE.public_key(), "online", "V-1"
    )
    certificate = authority.make_certificate(voucher, ONE_USE, VILLAGE.public_key(), b"x" * 32)
    by_village, by_central = f"CG0111/{EPOCH}", f"KM0000/{EPOCH}"
    central = CentralReceipt(
        1, LOG.station, LOG.epoch, 9, chain_start(LOG), "central", AT_MS, INCARNATION
    )
    purge = Purge(1, [f"CG0111/{EPOCH}/2"], "演示依据", AT_MS)
    revocation = Revocation(1, "CG0112", [Cut(EPOCH, 4)], 0, AT_MS, "演示")
    order = Order(1, "CG0111", "doctor", {"depth": "full"}, AT_MS, AT_MS + 1000, "O-1")
    sealed = bodies.SealedBody(
        "x25519-演示", [bodies.SealedFor("KM0000", b"e" * 32, b"w" * 48)], b"b" * 40
    )
    hello, ok = _header("hello", FULL_HELLO, VILLAGE), _header("answer", answer(rounds.OK), CENTRAL)
    piece = BlobPiece(MANIFEST.base[0].sha256, len(PACK), 3, PACK[3:40])
    events = frames.encode_events(18, [EVENT, PURGED_EVENT])
    found = {
        "envelope": Sample(ENVELOPE, canonical.dumps, parse_envelope),
        "events_frame": _frame(
            (18, [EVENT, PURGED_EVENT]), lambda v: frames.encode_events(*v), frames.decode_events
        ),
        "events_by_columns": Sample(
            (18, [EVENT, PURGED_EVENT]),
            lambda v: frames.encode_stream([frames.encode_events(*v)], compression.Packing(1)),
            lambda raw: frames.decode_events(next(frames.decode_stream(raw)).payload),
        ),
        "statements_frame": _frame(
            (0, [certificate, b"{}"]),
            lambda v: frames.encode_statements(*v),
            frames.decode_statements,
        ),
        "blob_frame": _frame(piece, frames.encode_blob, frames.decode_blob),
        "compare_frame": Sample(COMPARE, canonical.dumps, _compare),
        "voucher": Sample(statements.decode(voucher), statements.encode, statements.decode),
        "bundle": Sample(
            bundle_sample.make(EVENT, certificate, VILLAGE, AUTHORITY.public_key(), INCARNATION),
            bundle_sample.write,
            bundle_sample.read,
        ),
        "certificate": Sample(statements.decode(certificate), statements.encode, statements.decode),
        "receipt_of_a_log": _json(LOG_RECEIPT),
        "receipt_of_central": _statement(statements.RECEIPT, central, CENTRAL, by_central),
        "time_mark": _statement(
            statements.TIME_MARK, TimeMark(1, AT_MS, INCARNATION, 7), CENTRAL, by_central
        ),
        "attachment": _statement(
            statements.ATTACHMENT, Attachment(1, "CG0111", "CG0101", AT_MS), VILLAGE, by_village
        ),
        "revocation": _statement(
            statements.REVOCATION, revocation, AUTHORITY, statements.AUTHORITY
        ),
        "purge": _statement(statements.PURGE, purge, AUTHORITY, statements.AUTHORITY),
        "order": _statement(statements.ORDER, order, AUTHORITY, statements.AUTHORITY),
        **_of_lives(by_village, by_central),
        "manifest": _statement(statements.MANIFEST, MANIFEST, AUTHORITY, statements.AUTHORITY),
        "health": _json(HEALTH),
        "hello_full": hello,
        "hello_bare": _header("hello", BARE_HELLO, VILLAGE),
        "pack_format_1": Sample(ENTRIES, packs.encode_rows, _entries),
        "pack_format_2": Sample(ENTRIES, packs.encode_columns, _entries),
        "body_epoch_opened": _json(bodies.EpochOpened(EPOCH - 1, 41)),
        "body_purged": _json(bodies.Purged([f"CG0111/{EPOCH}/2"], "演示", "演示编号")),
        "body_sealed": _json(sealed),
        "request_stream": _stream(
            [
                frames.encode_statements(0, [certificate]),
                Frame(frames.HELLO, hello.write(hello.value)),
                events,
            ]
        ),
        "answer_stream": _stream(
            [Frame(frames.ANSWER, ok.write(ok.value)), events, frames.encode_blob(piece)]
        ),
    }
    for verdict in rounds.VERDICTS:
        found[f"answer_{verdict}"] = _header("answer", answer(verdict), CENTRAL)
    return found | _second_lane()


def _second_lane() -> dict[str, Sample]:
    return {
        "ask": Sample(ASK, _write_ask, lambda raw: lane.decode_ask(_ask_payload(raw))),
        "standings": Sample(
            [Standing(lane.PARTIAL, 8192), Standing(lane.WHOLE, 262_144)],
            lane.encode_standings,
            lambda raw: lane.decode_standings(raw, 2),
        ),
        "file_manifest": Sample(
            FILE, lambda f: chunks.encode_manifest(f.size, f.type, f.chunks), chunks.decode_manifest
        ),
    }


def _write_ask(ask: Ask) -> bytes:
    payload = canonical.dumps(ask)
    signature = VILLAGE.sign(lane.ask_message("CG0101", payload))
    return lane.encode_ask(rounds.encode_header(signature, payload))


def _ask_payload(raw: bytes) -> bytes:
    return rounds.split_header(lane.split_ask(raw)[0])[1]


def _entries(raw: bytes) -> list[Entry]:
    return list(packs.read_pack(raw))


def raw_frame(kind: int, encoding: int, payload: bytes, length: int | None = None) -> bytes:
    """Return a frame as another program might write it; shares no code with the codec."""
    head = struct.pack(">BBI", kind, encoding, len(payload) if length is None else length)
    return head + struct.pack(">I", binascii.crc32(head + payload)) + payload


if __name__ == "__main__":
    from tests.protocol import wire_samples_more

    everything = {**samples(), **wire_samples_more.samples()}
    print(
        "\n".join(golden_files.add((n, partial(s.write, s.value)) for n, s in everything.items()))
    )
