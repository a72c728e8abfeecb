"""Everything that reads what a neighbour sent, and how it is tried (files: `parsers_of_files`).

A target gives inputs near good ones, reads them, and names the errors its reader declares. What a
reader promises beyond that is asserted in its target.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

import zstandard
from hypothesis import strategies as st

from sync.engine import compare, intake
from sync.protocol import (
    blobs,
    bundles,
    canonical,
    chunks,
    columns,
    compression,
    deltas,
    envelope,
    frames,
    lives,
    merkle,
    pack_streams,
    packs,
    registers,
    rounds,
    statements,
    unfolding,
)
from sync.protocol.envelope import Event
from sync.protocol.errors import PeerProtocolError
from sync.protocol.limits import CHUNK_BYTES, STATEMENT_BYTES_MAX
from sync.protocol.names import EventName, LogName, check_incarnation, check_station
from sync.protocol.rounds import Answer, Hello
from sync.transport import fronts, squeeze
from sync.transport.contexts import Contexts
from tests.protocol import wire_samples, wire_samples_more
from tests.protocol.fuzzing import documents_near, mutated, seeded, tampered

Inputs = st.SearchStrategy[list[bytes]]


class Target(NamedTuple):
    """How one reader is tried."""

    inputs: Inputs
    read: Callable[[bytes], object]
    declared: tuple[type[Exception], ...] = (PeerProtocolError,)


_golden = wire_samples.golden


def _payload(name: str) -> bytes:
    return rounds.split_header(_golden(name))[1]


def near(raw: bytes) -> Inputs:
    """Return bytes near a canonical object, as bytes and as an object."""
    return mutated(raw) | documents_near(raw) | _odd_json


_DEEP = [b"[" * 60_000, b'{"a":' * 20_000, b"[" * 500 + b"]" * 500, b"9" * 5000, b'{"a":"\\ud800"}']
_odd_json = seeded(lambda chance: chance.choice([*_DEEP, b'"\\ud800"', b"\xef\xbb\xbf{}", b"NaN"]))
odd_texts = seeded(
    lambda chance: "".join(chance.choices("CG01/-:٣²[] \n", k=chance.randrange(24))).encode()
)


# -- streams and frames ------------------------------------------------------------------------

READERS: dict[int, Callable[[bytes], object]] = {
    frames.EVENTS: frames.decode_events,
    frames.STATEMENTS: frames.decode_statements,
    frames.BLOB: frames.decode_blob,
    frames.BUNDLE_FACTS: bundles.decode_facts,
    frames.HELLO: lambda raw: rounds.decode_header(rounds.split_header(raw)[1], Hello),
    frames.ANSWER: lambda raw: rounds.decode_header(rounds.split_header(raw)[1], Answer),
}


def odd_frame(chance: Random) -> bytes:
    """Return a well-formed frame around a payload of no sense, sometimes packed as its type is."""
    kind, encoding = chance.choice([*READERS, 99]), chance.choice([0, 0, 1, 2, 128, 129, 130])
    payload = chance.randbytes(chance.randrange(300))
    if encoding & ~frames.BY_COLUMNS == frames.ZSTD and chance.random() < 0.5:
        payload = zstandard.ZstdCompressor(1).compress(payload)[: chance.randrange(300)]
    if encoding > frames.BY_COLUMNS and chance.random() < 0.9:
        length = chance.randrange(100)
        payload = length.to_bytes(4, "big") + chance.randbytes(length) + payload
    return frames.magic(1) + wire_samples.raw_frame(kind, encoding, payload)


def _stream(raw: bytes) -> None:
    for frame in frames.decode_stream(raw):
        READERS.get(frame.type, bytes)(frame.payload)


def _stream_as_it_comes(raw: bytes) -> None:
    reader = frames.StreamReader()
    for at in range(0, len(raw), 7):
        reader.feed(raw[at : at + 7])
        for frame in reader.frames():
            READERS.get(frame.type, bytes)(frame.payload)
    reader.end()


_COLUMN_FRAME = _golden("events_by_columns")


def _columns_again(chance: Random) -> bytes:
    """Return a frame by columns with its payload tampered with and its check sum right again."""
    kind, encoding = _COLUMN_FRAME[4], _COLUMN_FRAME[5]
    payload = bytearray(_COLUMN_FRAME[14:])
    for _ in range(chance.randint(1, 3)):
        payload[chance.randrange(len(payload))] = chance.randrange(256)
    return frames.magic(1) + wire_samples.raw_frame(kind, encoding, bytes(payload))


def _plain_columns(chance: Random) -> bytes:
    """Return columns, not compressed, tampered with where they are numbers and tables."""
    parts = columns.split(18, [wire_samples.EVENT] * 3, lambda event: b"")
    text = bytearray(parts.columns)
    for _ in range(chance.randint(1, 4)):
        text[chance.randrange(len(text))] = chance.choice(b'0123456789,[]"\0\1\x7f\x80\xff')
    payload = len(parts.raw).to_bytes(4, "big") + parts.raw + bytes(text)
    return frames.magic(1) + wire_samples.raw_frame(frames.EVENTS, frames.BY_COLUMNS, payload)


# -- the second lane ---------------------------------------------------------------------------

_PARTS = [blobs.Part("0" * 64, 3, 5), blobs.Part("1" * 64, 0, 2)]


def _ask_of(payload: bytes) -> bytes:
    return blobs.encode_ask(rounds.encode_header(bytes(64), payload))


def _answer_pieces(raw: bytes) -> None:
    reader = blobs.AnswerReader(_PARTS)
    for at in range(0, len(raw), 3):
        for piece in reader.feed(raw[at : at + 3]):
            part = _PARTS[piece.part]
            assert piece.offset + len(piece.data or b"") <= part.offset + part.count


_ASK = rounds.split_header(blobs.split_ask(_golden("ask"))[0])[1]
_lengths = seeded(
    lambda chance: b"".join(
        chance.choice([bytes(4), b"\xff" * 4, b"\0\0\0\5"]) + b"x" * chance.randrange(9)
        for _ in range(chance.randint(1, 3))
    )
)


def _file_manifest(raw: bytes) -> None:
    manifest = chunks.decode_manifest(raw)
    assert manifest.size == sum(size for _, size in manifest.parts())
    assert all(0 < size <= CHUNK_BYTES for _, size in manifest.parts())


_NAMING = b'{"blobs":[{"bytes":70,"sha256":"%s","size":9}],"title":"x"}' % (b"ab" * 32)


def _names_in(raw: bytes) -> None:
    for name in chunks.names_in(raw):
        assert 64 == len(name.sha256)
        assert name.size > 0


# -- registers ---------------------------------------------------------------------------------

_PLAIN_PACK = zstandard.ZstdDecompressor().stream_reader(wire_samples.PACK[4:]).read(1 << 20)
_COLUMN_PACK = packs.encode_columns(wire_samples.ENTRIES) or b""
_OLD, _NEW = (
    wire_samples.ENTRIES,
    [
        registers.Entry(one.key, canonical.dumps({"code": one.key, "name": "新", "n": n}))
        for n, one in enumerate(wire_samples.ENTRIES[3:])
    ],
)
_DELTA = deltas.make_delta(_OLD, _NEW, before=1, edition=2).raw


def _repacked(plains: list[bytes]) -> list[bytes]:
    return [b"YZP\1" + zstandard.ZstdCompressor(1).compress(plain) for plain in plains]


def _edited(raw: bytes) -> None:
    deltas.edited(raw, [deltas.Edit(("name", 0, "x"), False, 1), deltas.Edit(("code",), True)])


def _root(raw: bytes) -> None:
    entries = list(packs.read_pack(raw))
    assert 64 == len(merkle.merkle_root(entries))


# -- statements --------------------------------------------------------------------------------

_STATEMENTS: dict[str, Any] = {
    "voucher": statements.Voucher,
    "certificate": statements.Certificate,
    "receipt_of_central": wire_samples.CentralReceipt,
    "time_mark": statements.TimeMark,
    "attachment": statements.Attachment,
    "revocation": statements.Revocation,
    "purge": statements.Purge,
    "order": statements.Order,
    "life_ask": lives.Ask,
    "evidence": lives.Evidence,
    "recovered": lives.WholeEvent,
    "manifest": registers.Manifest,
}


def _statement(raw: bytes) -> None:
    said = statements.decode(raw)
    for shape in _STATEMENTS.values():
        try:
            said.read(shape)
        except PeerProtocolError:
            continue


_statement_inputs = st.one_of([near(_golden(name)) for name in sorted(_STATEMENTS)]) | st.one_of(
    [
        documents_near(statements.decode(_golden(name)).payload).map(
            lambda payloads, name=name: [
                statements.encode(statements.Statement(name, payload, b"", "CG0111/1"))
                for payload in payloads
            ]
        )
        for name in sorted(_STATEMENTS)
    ]
)


# -- heads of rounds ---------------------------------------------------------------------------

_HELLO, _ANSWER = _payload("hello_full"), _payload("answer_ok")
_halted, _fetching = _payload("hello_of_one_halted"), _payload("answer_to_one_fetching")


def _headers(raw: bytes) -> None:
    for shape in (Hello, Answer):
        try:
            rounds.decode_header(raw, shape)
        except PeerProtocolError:
            continue


def _squeezed(raw: bytes) -> None:
    contexts = Contexts()
    contexts.keep(_CONTEXT)
    contexts.keep(wire_samples_more.CONTEXT)
    squeeze.open_request(raw, contexts)


def _fold(raw: bytes) -> None:
    assert len(unfolding.fold(raw, bytes_max=4096)) <= 4096


def _unpack(raw: bytes) -> None:
    front = fronts.unpack(raw, bytes_max=squeeze.HEAD_BYTES_MAX)
    _stream(front)  # a front that was read has frames that are whole


def _layers(chance: Random) -> bytes:
    """Return marks and pieces one behind the other, opened and closed as it comes."""
    marks = [b"\xf9\3abc", b"\xfa{", b"}\xfb", b"\xfc\2\0\xff", b"\xfd\1\xfa", b"\xf9", b'"a"']
    return b"".join(chance.choices(marks, k=chance.randrange(40)))


_PACKED = fronts.pack(wire_samples_more.FRONT.head, b"")
_CONTEXT = _golden("request_stream")[:400]
_SPLIT = squeeze.split(_golden("request_stream"))
assert _SPLIT is not None
_SQUEEZED = squeeze.squeezed_request(_SPLIT, _CONTEXT)
_SQUEEZED_ANSWER = squeeze.squeezed_answer(_SPLIT, _CONTEXT)


def _as_claims(raw: bytes) -> None:
    intake.claimed_name(Event(raw, b"", b"", b""))


def _utf8(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda raw: parse(raw.decode())


_streams = mutated(_golden("request_stream")) | mutated(_golden("answer_stream"))
_events = mutated(_golden("events_frame"))
_packs = (
    mutated(wire_samples.PACK)
    | mutated(_PLAIN_PACK).map(_repacked)
    | mutated(_COLUMN_PACK)
    | tampered(_COLUMN_PACK[4:], _COLUMN_PACK[:4])
)
_deltas = mutated(_DELTA) | tampered(_DELTA[4:], _DELTA[:4])
_compressed = zstandard.ZstdCompressor(1).compress(_HELLO * 3)

WIRE: dict[str, Target] = {
    "sync.protocol.blobs.split_ask": Target(mutated(_golden("ask")), blobs.split_ask),
    "sync.protocol.blobs.decode_ask": Target(near(_ASK), blobs.decode_ask),
    "sync.protocol.blobs.decode_standings": Target(
        mutated(_golden("standings")), lambda raw: blobs.decode_standings(raw, 2)
    ),
    "sync.protocol.blobs.AnswerReader.feed": Target(_lengths, _answer_pieces),
    "sync.protocol.canonical.loads": Target(
        near(_HELLO), lambda raw: canonical.loads(raw, bytes_max=STATEMENT_BYTES_MAX)
    ),
    "sync.protocol.canonical.load_as": Target(
        near(_golden("health")),
        lambda raw: canonical.load_as(raw, statements.Health, bytes_max=STATEMENT_BYTES_MAX),
    ),
    "sync.protocol.chunks.decode_manifest": Target(near(_golden("file_manifest")), _file_manifest),
    "sync.protocol.chunks.names_in": Target(near(_NAMING), _names_in, ()),
    "sync.protocol.columns.join": Target(
        seeded(_columns_again) | seeded(_plain_columns) | mutated(_COLUMN_FRAME), _stream
    ),
    "sync.protocol.compression.decompress": Target(
        mutated(_compressed), lambda raw: compression.decompress(raw, len(raw) % 3)
    ),
    "sync.protocol.deltas.read_delta": Target(
        _deltas, lambda raw: deltas.applied(_OLD, deltas.read_delta(raw))
    ),
    "sync.protocol.deltas.edited": Target(near(_OLD[0].raw), _edited),
    "sync.protocol.envelope.parse_envelope": Target(
        near(_golden("envelope")), envelope.parse_envelope
    ),
    "sync.protocol.frames.decode_stream": Target(_streams | seeded(odd_frame), _stream),
    "sync.protocol.frames.StreamReader.feed": Target(
        _streams | seeded(odd_frame), _stream_as_it_comes
    ),
    "sync.protocol.frames.decode_events": Target(_events, frames.decode_events),
    "sync.protocol.frames.decode_statements": Target(
        mutated(_golden("statements_frame")), frames.decode_statements
    ),
    "sync.protocol.frames.decode_blob": Target(mutated(_golden("blob_frame")), frames.decode_blob),
    "sync.protocol.lives.unpack_event": Target(
        near(lives.pack_event(wire_samples.EVENT)), lives.unpack_event
    ),
    "sync.protocol.names.LogName.parse": Target(odd_texts, _utf8(LogName.parse)),
    "sync.protocol.names.EventName.parse": Target(odd_texts, _utf8(EventName.parse)),
    "sync.protocol.names.check_incarnation": Target(odd_texts, _utf8(check_incarnation)),
    "sync.protocol.names.check_station": Target(odd_texts, _utf8(check_station)),
    "sync.protocol.pack_streams.unpack_streams": Target(
        mutated(_COLUMN_PACK[4:]), pack_streams.unpack_streams
    ),
    "sync.protocol.packs.read_pack": Target(_packs, _root),
    "sync.protocol.registers.Shelf.parse": Target(odd_texts, _utf8(registers.Shelf.parse)),
    "sync.protocol.rounds.split_header": Target(
        mutated(_golden("hello_full")), rounds.split_header
    ),
    "sync.protocol.rounds.decode_header": Target(
        near(_HELLO) | near(_ANSWER) | near(_halted) | near(_fetching), _headers
    ),
    "sync.protocol.statements.decode": Target(_statement_inputs, _statement),
    "sync.engine.compare.read": Target(mutated(_golden("compare_frame")), compare.read),
    "sync.engine.intake.claimed_name": Target(near(_golden("envelope")), _as_claims),
    "sync.protocol.unfolding.fold": Target(mutated(_PACKED) | seeded(_layers), _fold),
    "sync.transport.fronts.unpack": Target(mutated(_PACKED) | seeded(_layers), _unpack),
    "sync.transport.squeeze.split": Target(_streams, squeeze.split, ()),
    "sync.transport.squeeze.open_request": Target(
        mutated(_SQUEEZED)
        | mutated(_golden("front_request"))
        | mutated(_golden("front_request_of_context")),
        _squeezed,
        (PeerProtocolError, squeeze.UnknownContext),
    ),
    "sync.transport.squeeze.open_answer": Target(
        mutated(_SQUEEZED_ANSWER) | mutated(_golden("front_answer")),
        lambda raw: squeeze.open_answer(raw, _CONTEXT),
    ),
}
