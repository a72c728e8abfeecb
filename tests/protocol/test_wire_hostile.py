"""Bytes that were made to hurt: refused with an error of the tree, before they cost anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from sync.protocol import blobs as lane
from sync.protocol import canonical, compression, frames, limits, packs, rounds, statements
from sync.protocol.blobs import Ask, Part
from sync.protocol.envelope import Envelope, check_body, parse_envelope
from sync.protocol.errors import (
    FrameDamaged,
    LimitExceeded,
    Malformed,
    PeerProtocolError,
    UnsupportedVersion,
)
from sync.protocol.frames import Frame
from sync.protocol.limits import (
    AUDIENCE_MAX,
    BODY_BYTES_MAX,
    EDITIONS_MAX,
    ENVELOPE_BYTES_MAX,
    FRAME_BYTES_MAX,
    FRAME_DECODED_BYTES_MAX,
    JSON_DEPTH_MAX,
    PACK_BYTES_MAX,
    RECEIPTS_MAX,
    ROUND_FRAMES_MAX,
)
from sync.protocol.names import EventName, LogName
from sync.protocol.registers import Entry
from sync.protocol.rounds import Answer, Hello
from tests.protocol import wire_samples
from tests.protocol.wire_samples import raw_frame

BOMB_BYTES = 64 * 1024 * 1024
BOMB_RSS_BYTES_MAX = 50 * 1000 * 1000


def _stream(*raw: bytes) -> list[Frame]:
    return list(frames.decode_stream(frames.magic(1) + b"".join(raw)))


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def check_bomb(explode: Callable[[], object]) -> None:
    """Check that decoding stops at its limit without taking the memory the bomb asks for."""
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _status("VmRSS")
    with pytest.raises(LimitExceeded):
        explode()
    assert _status("VmHWM") - before < BOMB_RSS_BYTES_MAX


def _zeros(count: int) -> bytes:
    return zstandard.ZstdCompressor(level=3).compress(bytes(count))


def test_a_bomb_in_a_frame_stops_at_the_limit() -> None:
    """64 MiB of zeros in two kilobytes of frame take no memory to speak of."""
    frame = raw_frame(frames.EVENTS, frames.ZSTD, _zeros(BOMB_BYTES))
    check_bomb(lambda: _stream(frame))


def test_a_bomb_in_a_pack_stops_at_the_limit() -> None:
    """64 MiB of zeros as a pack are one line too long, found in the first slices."""
    pack = b"YZP\1" + _zeros(BOMB_BYTES)
    check_bomb(lambda: list(packs.read_pack(pack)))


def test_a_bomb_of_many_small_lines_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Millions of lines, each a proper entry, stop at the number of entries of a shelf."""
    monkeypatch.setattr(packs, "SHELF_ENTRIES_MAX", 5_000)
    plain = b'["k",""]\n' * (BOMB_BYTES // 9)
    pack = b"YZP\1" + zstandard.ZstdCompressor(level=3).compress(plain)
    del plain
    check_bomb(lambda: list(packs.read_pack(pack)))


def test_a_frame_just_within_the_limit_is_read() -> None:
    """The limit refuses bombs, not frames."""
    payload = bytes(FRAME_DECODED_BYTES_MAX)
    assert [Frame(frames.BLOB, payload)] == _stream(
        frames.encode_frame(Frame(frames.BLOB, payload))
    )
    with pytest.raises(LimitExceeded):
        _stream(raw_frame(frames.BLOB, frames.ZSTD, _zeros(FRAME_DECODED_BYTES_MAX + 1)))


def test_a_window_larger_than_allowed_is_refused() -> None:
    """A frame that asks for a huge window is not given one."""
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27)
    packed = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    payload = packed.compress(b"x" * 100) + packed.flush()
    with pytest.raises(FrameDamaged):
        _stream(raw_frame(frames.EVENTS, frames.ZSTD, payload))


BAD_JSON = {
    "float": b'{"a":1.5}',
    "integer written as float": b'{"a":1.0}',
    "exponent": b'{"a":1e3}',
    "null": b'{"a":null}',
    "text not NFC": '{"a":"e\u0301"}'.encode(),
    "key not NFC": '{"e\u0301":1}'.encode(),
    "duplicate key": b'{"a":1,"a":1}',
    "keys out of order": b'{"b":1,"a":1}',
    "space": b'{"a": 1}',
    "newline at the end": b'{"a":1}\n',
    "needless escape": b'{"a":"\\u0041"}',
    "escaped slash": b'{"a":"\\/"}',
    "upper-case escape": b'{"a":"\\u001F"}',
    "lone surrogate": b'{"a":"\\ud800"}',
    "not UTF-8": b'{"a":"\xff"}',
    "byte order mark": b'\xef\xbb\xbf{"a":1}',
    "minus zero": b'{"a":-0}',
    "leading zero": b'{"a":01}',
    "beyond 2^53": b'{"a":9007199254740992}',
    "beyond 64 bits": b'{"a":123456789012345678901234567890}',
    "five thousand digits": b'{"a":' + b"1" * 5000 + b"}",
    "infinite": b'{"a":1e999}',
    "NaN": b'{"a":NaN}',
    "comment": b'{"a":1}//',
    "two documents": b"{}{}",
    "nothing": b"",
    "cut": b'{"a":',
}


@pytest.mark.parametrize("what", sorted(BAD_JSON))
def test_json_that_is_not_canonical_is_refused(what: str) -> None:
    """There is one spelling of a document, and no floats, nulls or doubtful numbers in it."""
    with pytest.raises(Malformed):
        canonical.loads(BAD_JSON[what], bytes_max=10_000)


@pytest.mark.parametrize("value", [1.5, None, 2**53, "e\u0301", {"e\u0301": 1}, [None], {1.5: 1}])
def test_what_no_reader_takes_is_not_written(value: object) -> None:
    """A writer finds out before it signs."""
    with pytest.raises(Malformed):
        canonical.dumps({"a": value})


@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}")])
def test_json_nested_too_deeply_is_refused(pair: tuple[bytes, bytes]) -> None:
    """Neither one level too many nor a hundred thousand exhaust the reader's stack."""
    opening, closing = pair
    whole = opening * (JSON_DEPTH_MAX - 1) + b"[]" + closing * (JSON_DEPTH_MAX - 1)
    assert whole == canonical.dumps(canonical.loads(whole, bytes_max=len(whole)))
    for depth in (JSON_DEPTH_MAX + 2, 5_000, 100_000):
        raw = opening * depth + b"1" + closing * depth
        with pytest.raises((LimitExceeded, Malformed)):
            canonical.loads(raw, bytes_max=len(raw))


def test_json_longer_than_allowed_is_refused_before_it_is_parsed() -> None:
    """The size is checked first: what follows the limit is not looked at."""
    with pytest.raises(LimitExceeded):
        canonical.loads(b"\xff" * 11, bytes_max=10)


def _envelope(**changes: object) -> bytes:
    fields = canonical.loads(wire_samples.golden("envelope"), bytes_max=ENVELOPE_BYTES_MAX)
    return canonical.dumps({**fields, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"pos": 0},
        {"pos": -1},
        {"epoch": 0},
        {"epoch": -5},
        {"pos": "1"},
        {"pos": True},
        {"station": "cg0111"},
        {"station": "CG01/../1"},
        {"station": "A"},
        {"station": "A" * 13},
        {"stream": ""},
        {"stream": "CG0111/1"},
        {"stream": "CG0111/01/1"},
        {"stream": "CG0111/1/1/1"},
        {"stream": "CG0111/1/\u0661"},
        {"aud": ["x"]},
        {"aud": "CG0111"},
        {"aud": [1]},
        {"body": ""},
        {"body": "AAAA"},
        {"body": "not base64"},
        {"type": 1},
        {"v": "1"},
    ],
    ids=repr,
)
def test_an_envelope_of_wrong_shape_is_refused(changes: dict[str, object]) -> None:
    """Names, positions, audience and body hash are checked, not trusted."""
    assert isinstance(parse_envelope(_envelope()), Envelope)
    with pytest.raises(Malformed):
        parse_envelope(_envelope(**changes))


@pytest.mark.parametrize("field", ["v", "alg", "station", "epoch", "pos", "hlc", "stream", "body"])
def test_an_envelope_that_lacks_a_field_is_refused(field: str) -> None:
    """The fields of the envelope keep their place for ever."""
    fields = canonical.loads(_envelope(), bytes_max=ENVELOPE_BYTES_MAX)
    del fields[field]
    with pytest.raises(Malformed):
        parse_envelope(canonical.dumps(fields))


def test_an_audience_of_more_than_64_stations_is_refused() -> None:
    """Sixty-four are taken, one more is not."""
    codes = [f"CG{n:04d}" for n in range(AUDIENCE_MAX + 1)]
    assert AUDIENCE_MAX == len(parse_envelope(_envelope(aud=codes[:-1])).aud)
    with pytest.raises(LimitExceeded):
        parse_envelope(_envelope(aud=codes))


def test_an_envelope_larger_than_allowed_is_refused() -> None:
    """Unknown fields may be added, but not without end."""
    with pytest.raises(LimitExceeded):
        parse_envelope(_envelope(zz="x" * ENVELOPE_BYTES_MAX))


@pytest.mark.parametrize(
    "body", [b'{"a":2}', b"[]", b"", b"x" * (BODY_BYTES_MAX + 1), b'{"a": 1}', None]
)
def test_a_body_that_is_not_the_envelopes_is_refused(body: bytes | None) -> None:
    """Another body, a body that is no object, an oversized one: refused; none at all: purged."""
    event = wire_samples.EVENT._replace(body=body)
    if body is None:
        check_body(wire_samples.ENVELOPE, event)
        return
    with pytest.raises((Malformed, LimitExceeded)):
        check_body(wire_samples.ENVELOPE, event)


def test_a_salt_of_another_length_is_refused() -> None:
    """Moving bytes between salt and body does not give the same event twice."""
    event = wire_samples.EVENT
    assert event.body is not None
    moved = event._replace(salt=event.salt + event.body[:1], body=event.body[1:])
    with pytest.raises(Malformed):
        check_body(wire_samples.ENVELOPE, moved)


@pytest.mark.parametrize("shape", [Hello, Answer])
def test_round_headers_of_two_versions_on_are_read_and_beyond_refused(shape: type) -> None:
    """A neighbour two versions on speaks this layout to us; beyond that nothing is guessed."""
    name = "hello_full" if shape is Hello else "answer_ok"
    _, payload = rounds.split_header(wire_samples.golden(name))
    fields = canonical.loads(payload, bytes_max=len(payload))
    for version in (1, 2, 3):
        raw = canonical.dumps({**fields, "v": version})
        assert version == rounds.decode_header(raw, shape).v
    for version in (0, 4, -1):
        with pytest.raises(UnsupportedVersion):
            rounds.decode_header(canonical.dumps({**fields, "v": version}), shape)


def test_envelopes_of_three_versions_on_are_carried_and_beyond_refused() -> None:
    """The oldest release of a tree (N-2) carries what the newest (N+1) wrote."""
    for version in (1, 2, 3, 4):
        assert version == parse_envelope(_envelope(v=version)).v
    for version in (0, 5):
        with pytest.raises(UnsupportedVersion):
            parse_envelope(_envelope(v=version))


def test_streams_of_version_2_are_read_and_of_version_3_refused() -> None:
    """The magic names the version; the frame header stays what it is."""
    body = frames.encode_frame(Frame(frames.EVENTS, b"x" * 8))
    assert [Frame(frames.EVENTS, b"x" * 8)] == list(frames.decode_stream(b"YZR\2" + body))
    for version in (0, 3, 255):
        with pytest.raises(UnsupportedVersion):
            list(frames.decode_stream(b"YZR" + bytes([version]) + body))


@pytest.mark.parametrize("raw", [b"", b"Y", b"YZ", b"GET / HTTP/1.1\r\n", b"YZP\1"])
def test_what_is_not_a_round_is_refused(raw: bytes) -> None:
    """Anything else on this path says so at its first bytes."""
    with pytest.raises(Malformed):
        list(frames.decode_stream(raw))


@pytest.mark.parametrize("name", ["request_stream", "answer_stream"])
def test_a_stream_cut_at_any_byte_gives_whole_frames_and_an_error(name: str) -> None:
    """A cut is never taken for an end, unless it falls between two frames."""
    raw = wire_samples.golden(name)
    whole = list(frames.decode_stream(raw))
    ends = []
    for cut in range(len(raw)):
        got: list[Frame] = []
        try:
            got.extend(frames.decode_stream(raw[:cut]))
            ends.append(cut)
        except PeerProtocolError:
            pass
        assert got == whole[: len(got)]
    assert len(whole) == len(ends)


def test_an_unfinished_stream_yields_the_frames_before_the_cut() -> None:
    """What came whole can be committed; only the rest is asked for again."""
    raw = wire_samples.golden("request_stream")
    stream = frames.decode_stream(raw[:-1])
    assert frames.STATEMENTS == next(stream).type
    assert frames.HELLO == next(stream).type
    with pytest.raises(FrameDamaged):
        next(stream)


@pytest.mark.parametrize("name", ["events_frame", "statements_frame", "blob_frame"])
def test_a_payload_cut_at_any_byte_is_malformed_or_shorter(name: str) -> None:
    """Lengths inside a payload are checked against what is there."""
    raw = wire_samples.golden(name)
    sample = wire_samples.samples()[name]
    for cut in range(len(raw)):
        try:
            read = sample.read(raw[:cut])
        except Malformed:
            continue
        assert sample.value != read
        assert raw[:cut] == sample.write(read)


def test_a_frame_longer_than_allowed_is_refused_by_its_header() -> None:
    """The length is judged before the payload is read."""
    with pytest.raises(LimitExceeded):
        _stream(raw_frame(frames.EVENTS, 0, b"", length=FRAME_BYTES_MAX + 1))
    with pytest.raises(FrameDamaged):
        _stream(raw_frame(frames.EVENTS, 0, b"", length=FRAME_BYTES_MAX))


def test_a_known_frame_in_an_unknown_dictionary_is_refused() -> None:
    """A sender may only use a dictionary its neighbour said it has."""
    with pytest.raises(UnsupportedVersion):
        _stream(raw_frame(frames.EVENTS, compression.DICTIONARY_NEWEST + 2, b"x"))


def test_more_frames_than_a_round_may_have_are_refused() -> None:
    """The last allowed frame is read, the next one is not."""
    frame = frames.encode_frame(Frame(frames.EVENTS, bytes(8)))
    assert ROUND_FRAMES_MAX == len(_stream(frame * ROUND_FRAMES_MAX))
    with pytest.raises(LimitExceeded):
        _stream(frame * (ROUND_FRAMES_MAX + 1))


def test_frames_of_unknown_type_count_towards_the_limit() -> None:
    """Passing over is not free without end."""
    with pytest.raises(LimitExceeded):
        _stream(raw_frame(99, 0, b"") * (ROUND_FRAMES_MAX + 1))


@pytest.mark.parametrize("event_head", [b"\xff\xff\xff\xff", b"\0\0\0\0\xff\xff\xff\xfe"])
def test_lengths_inside_an_events_frame_beyond_its_end_are_refused(event_head: bytes) -> None:
    """A claimed length never makes the reader take what is not there."""
    with pytest.raises(Malformed):
        frames.decode_events(bytes(8) + event_head)


def test_a_hello_that_asks_for_too_much_is_refused() -> None:
    """Lists in a hello have ends."""
    with pytest.raises(LimitExceeded):
        rounds.decode_header(
            _hello(editions={f"r/d/{n}": 1 for n in range(EDITIONS_MAX + 1)}), Hello
        )


def _hello(**changes: object) -> bytes:
    hello = wire_samples.FULL_HELLO
    fields = {name: getattr(hello, name) for name in Hello.__struct_fields__}
    return canonical.dumps(Hello(**{**fields, **changes}))


def test_an_ask_for_too_much_is_refused() -> None:
    """An ask has a length and a number of parts."""
    parts = [Part("0" * 64, 0, 1)] * (limits.BLOB_PARTS_MAX + 1)
    with pytest.raises(LimitExceeded):
        lane.decode_ask(canonical.dumps(Ask(1, "CG0111", 1, b"", lane.GET, parts)))
    with pytest.raises(LimitExceeded):
        lane.split_ask((limits.BLOB_ASK_BYTES_MAX + 1).to_bytes(2, "big") + bytes(99))


@pytest.mark.parametrize("raw", [b"", b"\0", b"\0\5abcd"])
def test_an_ask_shorter_than_it_says_is_malformed(raw: bytes) -> None:
    """A claimed length never makes the reader take what is not there."""
    with pytest.raises(Malformed):
        lane.split_ask(raw)


def test_an_answer_with_too_many_receipts_is_refused() -> None:
    """The receipts of an answer have an end."""
    answer = wire_samples.answer(rounds.OK)
    fields = {name: getattr(answer, name) for name in Answer.__struct_fields__}
    receipt = {"station": "A", "epoch": 1, "pos": 1, "chain": ""}
    raw = canonical.loads(canonical.dumps(Answer(**fields)), bytes_max=10_000)
    many = canonical.dumps({**raw, "r": [receipt] * (RECEIPTS_MAX + 1)})
    with pytest.raises(LimitExceeded):
        rounds.decode_header(many, Answer)


@pytest.mark.parametrize("raw", [b"", b"\x40", b"\x40" + b"s" * 63])
def test_a_header_shorter_than_its_signature_is_refused(raw: bytes) -> None:
    """The signature's length is checked against what is there."""
    with pytest.raises(Malformed):
        rounds.decode_header(rounds.split_header(raw)[1], Hello)


@pytest.mark.parametrize(
    "text",
    ["", "CG0111", "CG0111/", "CG0111/0", "CG0111/-1", "CG0111/\u00b2", "CG0111/1 ", "a/1/1", "/1"],
)
def test_a_name_that_is_none_is_refused(text: str) -> None:
    """Digits of other scripts, signs and zeros are no epochs; nothing is guessed."""
    with pytest.raises(Malformed):
        LogName.parse(text)
    with pytest.raises(Malformed):
        EventName.parse(text)


@pytest.mark.parametrize(
    "pack",
    [b"", b"YZP", b"YZP\3", b"YZR\1", b"YZP\1", b"YZP\1garbage", b"YZP\1" + _zeros(10)],
    ids=repr,
)
def test_a_pack_of_another_format_is_refused(pack: bytes) -> None:
    """A pack says its format first; what is neither rows nor columns is no pack."""
    if pack == b"YZP\1":
        assert [] == list(packs.read_pack(pack))
        return
    with pytest.raises(Malformed):
        list(packs.read_pack(pack))


@pytest.mark.parametrize(
    "line", [b'["k"]', b'["k","{}","x"]', b'["k",1]', b'{"k":"{}"}', b'["k", "{}"]', b""]
)
def test_a_line_of_a_pack_that_is_no_entry_is_refused(line: bytes) -> None:
    """Each line is a key and canonical bytes, nothing else."""
    plain = b'["a","{}"]\n' + line
    with pytest.raises(Malformed):
        list(packs.read_pack(b"YZP\1" + zstandard.ZstdCompressor().compress(plain)))


def test_a_pack_larger_than_allowed_is_neither_written_nor_read() -> None:
    """What no node would take is found out by the authority, before it signs."""
    with pytest.raises(LimitExceeded):
        packs.read_pack(b"YZP\1" + bytes(PACK_BYTES_MAX))
    with pytest.raises(LimitExceeded):
        packs.encode_pack([Entry("k", b'"' + b"x" * 300_000 + b'"')])


def test_a_statement_that_is_no_statement_is_refused() -> None:
    """Signatures are base64, kinds are text, and all four fields are there."""
    for raw in (b"{}", b"[]", b'{"kind":"x","payload":"%","signature":"","signer":""}'):
        with pytest.raises(Malformed):
            statements.decode(raw)
