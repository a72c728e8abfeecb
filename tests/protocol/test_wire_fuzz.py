"""Whatever comes in, every decoder answers with a value or with an error of the tree."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import Random

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sync.protocol import blobs as lane
from sync.protocol import canonical, chunks, frames, packs, rounds, statements
from sync.protocol.envelope import parse_envelope
from sync.protocol.errors import PeerProtocolError
from sync.protocol.limits import CHUNK_BYTES, STATEMENT_BYTES_MAX
from sync.protocol.names import EventName, LogName, check_station
from sync.protocol.registers import Shelf
from sync.protocol.rounds import Answer, Hello
from tests.protocol import wire_samples
from tests.protocol.wire_values import FUZZ

INPUTS_PER_EXAMPLE = 20


def check_only_tree_errors(decode: Callable[[bytes], object], raws: list[bytes]) -> None:
    """Check that decoding gives a value or an error of the tree, never anything else."""
    for raw in raws:
        with suppress(PeerProtocolError):
            decode(raw)


def mutated(raw: bytes) -> st.SearchStrategy[list[bytes]]:
    """Return bytes near `raw`: pieces replaced, dropped or doubled; and bytes of no sense."""

    def near(chance: Random) -> bytes:
        if chance.random() < 0.2:
            return chance.randbytes(chance.randrange(200))
        found = bytearray(raw)
        for _ in range(chance.randint(1, 4)):
            at = chance.randint(0, len(found))
            taken = found[at : at + chance.randrange(40)]
            piece = chance.choice([b"", taken * 2, chance.randbytes(chance.randrange(6))])
            found[at : at + chance.randrange(7)] = piece
        return bytes(found)

    return seeded(near)


def documents_near(raw: bytes) -> st.SearchStrategy[list[bytes]]:
    """Return canonical objects like `raw` with fields replaced, added or missing."""
    fields = canonical.loads(raw, bytes_max=STATEMENT_BYTES_MAX)

    def near(chance: Random) -> bytes:
        found = dict(fields)
        for _ in range(chance.randint(1, 3)):
            name = chance.choice([*fields, "zz"])
            if chance.random() < 0.2:
                found.pop(name, None)
            else:
                found[name] = _value(chance, 3)
        return canonical.dumps(found)

    return seeded(near)


def seeded(make: Callable[[Random], bytes]) -> st.SearchStrategy[list[bytes]]:
    """Return what `make` does with the chance of a seed, so many times over."""

    def many(seed: int) -> list[bytes]:
        chance = Random(seed)
        return [make(chance) for _ in range(INPUTS_PER_EXAMPLE)]

    return st.integers(0, 2**63).map(many)


SCALARS = [0, -1, 1, 2, 2**53 - 1, "", "AAAA", "CG0111/1/1", "CG0111/\u00b2", "a" * 5000, True]


def _value(chance: Random, depth: int) -> object:
    kind = chance.randrange(4) if depth else 0
    if kind < 2:
        return chance.choice(SCALARS)
    parts = [_value(chance, depth - 1) for _ in range(chance.randrange(4))]
    return parts if kind == 2 else {str(n): part for n, part in enumerate(parts)}


def _payload(name: str) -> bytes:
    return rounds.split_header(wire_samples.golden(name))[1]


def _ask() -> bytes:
    return rounds.split_header(lane.split_ask(wire_samples.golden("ask"))[0])[1]


def _as_asks(payloads: list[bytes]) -> list[bytes]:
    return [lane.encode_ask(rounds.encode_header(bytes(64), payload)) for payload in payloads]


@FUZZ
@given(mutated(wire_samples.golden("request_stream")))
def test_decode_stream_never_fails_otherwise(raws: list[bytes]) -> None:
    """A request is frames or an error of the tree."""
    check_only_tree_errors(lambda raw: list(frames.decode_stream(raw)), raws)


@FUZZ
@given(st.integers(0, 2**63).map(Random))
def test_frames_of_any_type_and_payload_never_fail_otherwise(chance: Random) -> None:
    """Well-formed frames around payloads of no sense are read by what their type says."""
    readers: dict[int, Callable[[bytes], object]] = {
        frames.EVENTS: frames.decode_events,
        frames.STATEMENTS: frames.decode_statements,
        frames.BLOB: frames.decode_blob,
        frames.HELLO: lambda raw: rounds.decode_header(rounds.split_header(raw)[1], Hello),
        frames.ANSWER: lambda raw: rounds.decode_header(rounds.split_header(raw)[1], Answer),
    }
    for _ in range(INPUTS_PER_EXAMPLE):
        kind, encoding = chance.choice([*readers, 99]), chance.choice([0, 0, 1, 2, 128, 129, 130])
        payload = chance.randbytes(chance.randrange(300))
        if encoding & ~frames.BY_COLUMNS == frames.ZSTD and chance.random() < 0.5:
            payload = zstandard.ZstdCompressor(1).compress(payload)[: chance.randrange(300)]
        if encoding > frames.BY_COLUMNS and chance.random() < 0.9:
            length = chance.randrange(100)
            payload = length.to_bytes(4, "big") + chance.randbytes(length) + payload
        raw = frames.MAGIC + wire_samples.raw_frame(kind, encoding, payload)
        with suppress(PeerProtocolError):
            for frame in frames.decode_stream(raw):
                check_only_tree_errors(readers.get(frame.type, bytes), [frame.payload])


@FUZZ
@given(mutated(wire_samples.golden("events_frame")))
def test_decode_events_never_fails_otherwise(raws: list[bytes]) -> None:
    """A frame of events is events or malformed."""
    check_only_tree_errors(frames.decode_events, raws)


@FUZZ
@given(mutated(wire_samples.golden("statements_frame")))
def test_decode_statements_never_fails_otherwise(raws: list[bytes]) -> None:
    """A frame of statements is statements or malformed, and so is each of them."""

    def decode(raw: bytes) -> None:
        for statement in frames.decode_statements(raw)[1]:
            statements.decode(statement)

    check_only_tree_errors(decode, raws)


@FUZZ
@given(mutated(_payload("hello_full")) | documents_near(_payload("hello_full")))
def test_decode_header_of_a_hello_never_fails_otherwise(raws: list[bytes]) -> None:
    """A hello is a hello or an error of the tree."""
    check_only_tree_errors(lambda raw: rounds.decode_header(raw, Hello), raws)


@FUZZ
@given(mutated(_payload("answer_ok")) | documents_near(_payload("answer_ok")))
def test_decode_header_of_an_answer_never_fails_otherwise(raws: list[bytes]) -> None:
    """An answer is an answer or an error of the tree."""
    check_only_tree_errors(lambda raw: rounds.decode_header(raw, Answer), raws)


@FUZZ
@given(mutated(wire_samples.golden("ask")) | documents_near(_ask()).map(_as_asks))
def test_an_ask_never_fails_otherwise(raws: list[bytes]) -> None:
    """An ask is an ask or an error of the tree."""

    def read(raw: bytes) -> None:
        lane.decode_ask(rounds.split_header(lane.split_ask(raw)[0])[1])

    check_only_tree_errors(read, raws)


@FUZZ
@given(
    seeded(
        lambda chance: b"".join(
            chance.choice([bytes(4), b"\xff" * 4, b"\0\0\0\5"]) + b"x" * chance.randrange(9)
            for _ in range(chance.randint(1, 3))
        )
    )
)
def test_an_answer_to_an_ask_never_fails_otherwise(raws: list[bytes]) -> None:
    """Whatever comes is pieces of what was asked for, or malformed."""
    parts = [lane.Part("0" * 64, 3, 5), lane.Part("1" * 64, 0, 2)]

    def read(raw: bytes) -> None:
        reader = lane.AnswerReader(parts)
        for at in range(0, len(raw), 3):
            for piece in reader.feed(raw[at : at + 3]):
                part = parts[piece.part]
                assert piece.offset + len(piece.data or b"") <= part.offset + part.count

    check_only_tree_errors(read, raws)


_FILE = wire_samples.golden("file_manifest")


@FUZZ
@given(mutated(_FILE) | documents_near(_FILE))
def test_a_file_manifest_never_fails_otherwise(raws: list[bytes]) -> None:
    """A manifest's chunks add up to its size, or it is an error of the tree."""

    def read(raw: bytes) -> None:
        manifest = chunks.decode_manifest(raw)
        assert manifest.size == sum(size for _, size in manifest.parts())
        assert all(0 < size <= CHUNK_BYTES for _, size in manifest.parts())

    check_only_tree_errors(read, raws)


NAMING = b'{"blobs":[{"bytes":70,"sha256":"%s","size":9}],"title":"x"}' % (b"ab" * 32)


@FUZZ
@given(mutated(NAMING) | documents_near(NAMING))
def test_names_in_a_body_never_fail(raws: list[bytes]) -> None:
    """Whatever a body says, it names files in shape or none."""
    for raw in raws:
        for name in chunks.names_in(raw):
            assert 64 == len(name.sha256)
            assert name.size > 0


@FUZZ
@given(mutated(wire_samples.golden("standings")))
def test_standings_never_fail_otherwise(raws: list[bytes]) -> None:
    """So many standings as asked for, or malformed."""
    check_only_tree_errors(lambda raw: lane.decode_standings(raw, 2), raws)


@FUZZ
@given(mutated(wire_samples.golden("envelope")) | documents_near(wire_samples.golden("envelope")))
def test_parse_envelope_never_fails_otherwise(raws: list[bytes]) -> None:
    """An envelope is an envelope or an error of the tree."""
    check_only_tree_errors(parse_envelope, raws)


_PLAIN = zstandard.ZstdDecompressor().stream_reader(wire_samples.PACK[4:]).read(1 << 20)


@FUZZ
@given(
    mutated(wire_samples.PACK)
    | mutated(_PLAIN).map(
        lambda plains: [b"YZP\1" + zstandard.ZstdCompressor(1).compress(p) for p in plains]
    )
)
def test_reading_a_pack_never_fails_otherwise(raws: list[bytes]) -> None:
    """A pack is entries or an error of the tree."""
    check_only_tree_errors(lambda raw: list(packs.read_pack(raw)), raws)


@FUZZ
@given(seeded(lambda chance: "".join(chance.choices("CG01/-٣²", k=chance.randrange(24))).encode()))
def test_parse_of_names_never_fails_otherwise(raws: list[bytes]) -> None:
    """Any text is a name or malformed."""
    for parse in (EventName.parse, LogName.parse, check_station, Shelf.parse):
        check_only_tree_errors(lambda raw, parse=parse: parse(raw.decode()), raws)


def test_the_check_bites() -> None:
    """An error from outside the tree is not taken for an answer."""
    with pytest.raises(ValueError, match="outside"):
        check_only_tree_errors(_outside, [b""])


def _outside(raw: bytes) -> None:
    raise ValueError("outside")
