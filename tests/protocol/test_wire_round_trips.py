"""What was written is read again, unknown parts included, and nothing signed can be altered."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.protocol import bodies, canonical, digest, frames, packs, rounds, statements
from sync.protocol.envelope import Envelope, Event, check_body, parse_envelope, signed_message
from sync.protocol.errors import PeerProtocolError
from sync.protocol.frames import BlobPiece, Frame
from sync.protocol.limits import SEQUENCE_MAX, STATEMENT_BYTES_MAX
from sync.protocol.merkle import merkle_root
from sync.protocol.names import EventName, LogName
from sync.protocol.receipts import LogReceipt
from sync.protocol.registers import Entry
from sync.protocol.rounds import Answer, Hello
from sync.protocol.statements import Statement
from sync.signing import Ed25519Verifier
from tests.protocol import wire_samples, wire_values
from tests.protocol.wire_samples import raw_frame
from tests.protocol.wire_values import FEW

VERIFY = Ed25519Verifier().verify


@FEW
@given(wire_values.documents)
def test_canonical_json_reads_what_it_wrote(document: dict[str, object]) -> None:
    """Any document of integers, text, booleans, lists and objects has one spelling."""
    raw = canonical.dumps(document)
    assert document == canonical.loads(raw, bytes_max=len(raw))
    assert raw == canonical.dumps(canonical.loads(raw, bytes_max=len(raw)))


@FEW
@given(wire_values.envelopes)
def test_envelopes_come_back_as_they_were(envelope: Envelope) -> None:
    """parse(dumps(envelope)) is the envelope."""
    assert envelope == parse_envelope(canonical.dumps(envelope))


@FEW
@given(st.integers(0, SEQUENCE_MAX), st.lists(wire_values.events, max_size=5))
def test_events_frames_come_back_as_they_were(through: int, events: list[Event]) -> None:
    """A frame keeps each event's bytes, and a purged body apart from an empty one."""
    assert (through, events) == frames.decode_events(frames.encode_events(through, events).payload)


@FEW
@given(st.lists(wire_values.events, max_size=4))
def test_an_event_takes_in_a_frame_what_event_bytes_says(events: list[Event]) -> None:
    """Senders close frames by a size that is true."""
    payload = frames.encode_events(0, events).payload
    assert len(payload) == 8 + sum(frames.event_bytes(event) for event in events)


@FEW
@given(st.integers(0, SEQUENCE_MAX), st.lists(st.binary(max_size=80), max_size=5))
def test_statements_frames_come_back_as_they_were(through: int, raws: list[bytes]) -> None:
    """Statements are carried as bytes, understood or not."""
    assert (through, raws) == frames.decode_statements(
        frames.encode_statements(through, raws).payload
    )


@FEW
@given(st.lists(st.integers(0, 60_000), max_size=20), st.integers(0, 99).map(Random))
def test_many_statements_are_spread_over_frames_that_pass_the_limits(
    sizes: list[int], chance: Random
) -> None:
    """However many certificates a child must show, no frame of them is too large to send."""
    raws = [chance.randbytes(size) for size in sizes]
    found = frames.statement_frames(raws)
    stream = list(frames.decode_stream(frames.encode_stream(found)))
    assert raws == [raw for frame in stream for raw in frames.decode_statements(frame.payload)[1]]


@FEW
@given(wire_values.blob_pieces)
def test_blob_pieces_come_back_as_they_were(piece: BlobPiece) -> None:
    """Name, size, offset and bytes of a piece survive."""
    assert piece == frames.decode_blob(frames.encode_blob(piece).payload)


@FEW
@given(wire_values.statement_values)
def test_statements_come_back_as_they_were(statement: Statement) -> None:
    """decode(encode(statement)) is the statement."""
    assert statement == statements.decode(statements.encode(statement))


@FEW
@given(wire_values.hellos)
def test_hellos_come_back_as_they_were(hello: Hello) -> None:
    """Every field of a hello survives, left out or said."""
    assert hello == rounds.decode_header(canonical.dumps(hello), Hello)


@FEW
@given(wire_values.answers)
def test_answers_come_back_as_they_were(answer: Answer) -> None:
    """Every field of an answer survives, left out or said."""
    assert answer == rounds.decode_header(canonical.dumps(answer), Answer)


@FEW
@given(st.binary(max_size=255), st.binary(max_size=300))
def test_headers_split_where_they_were_joined(signature: bytes, payload: bytes) -> None:
    """A signature of any length an algorithm may need stands before the payload."""
    assert (signature, payload) == rounds.split_header(rounds.encode_header(signature, payload))


@FEW
@given(wire_values.receipts)
def test_receipts_come_back_as_they_were(receipt: LogReceipt) -> None:
    """Cursor and holes of a receipt survive."""
    raw = canonical.dumps(receipt)
    assert receipt == canonical.load_as(raw, LogReceipt, bytes_max=len(raw))


@FEW
@given(st.lists(wire_values.author_digests, max_size=4))
def test_compare_lines_come_back_as_they_were(lines: list[bodies.AuthorDigest]) -> None:
    """Author, count and digest of a compare line survive."""
    raw = canonical.dumps(lines)
    assert lines == canonical.load_as(raw, list[bodies.AuthorDigest], bytes_max=len(raw))


@FEW
@given(wire_values.entries)
def test_packs_come_back_sorted_and_equal_for_equal_entries(entries: list[Entry]) -> None:
    """A pack depends on its entries alone, not on the order they were given in."""
    raw = packs.encode_pack(entries)
    assert sorted(entries) == list(packs.read_pack(raw))
    assert raw == packs.encode_pack(list(reversed(entries)))
    assert merkle_root(entries) == merkle_root(list(reversed(entries)))


@FEW
@given(st.lists(wire_values.known_frames, max_size=6))
def test_streams_come_back_as_they_were(found: list[Frame]) -> None:
    """Compressed or not, frames come out in order."""
    assert found == list(frames.decode_stream(frames.encode_stream(found)))


@FEW
@given(wire_values.stations, wire_values.positives, wire_values.positives)
def test_names_come_back_as_they_were(station: str, epoch: int, position: int) -> None:
    """A name's text says the name."""
    name = EventName(station, epoch, position)
    assert name == EventName.parse(str(name))
    assert name.log == LogName.parse(f"{station}/{epoch}")


@FEW
@given(st.lists(wire_values.hashes, max_size=6).flatmap(st.permutations))
def test_a_digest_does_not_depend_on_the_order_of_its_set(hashes: list[bytes]) -> None:
    """Two ends that hold the same envelopes reckon the same digest."""
    one_by_one = digest.EMPTY
    for event_hash in sorted(hashes):
        one_by_one = digest.add(one_by_one, event_hash)
    assert one_by_one == digest.total(hashes)


UNKNOWN = {"zz_new": [1, "新"], "aa_new": True}


@pytest.mark.parametrize("name", ["envelope", "health", "receipt_of_a_log", "manifest", "voucher"])
def test_unknown_fields_are_read_past_and_survive_in_the_raw_bytes(name: str) -> None:
    """A newer node's field neither stops this code nor is dropped by it: raw is what travels on."""
    sample = wire_samples.samples()[name]
    known = canonical.loads(wire_samples.golden(name), bytes_max=STATEMENT_BYTES_MAX)
    raw = canonical.dumps({**known, **UNKNOWN})
    read = sample.read(raw)
    fields = sample.value.__struct_fields__
    assert all(getattr(sample.value, field) == getattr(read, field) for field in fields)
    if name == "envelope":
        event = wire_samples.EVENT._replace(envelope=raw)
        carried = frames.decode_events(frames.encode_events(0, [event]).payload)[1][0]
    else:
        carried = Event(
            frames.decode_statements(frames.encode_statements(0, [raw]).payload)[1][0],
            b"",
            b"",
            b"",
        )
    assert raw == carried.envelope


@pytest.mark.parametrize("name", ["hello_full", "answer_ok"])
def test_unknown_fields_of_a_round_header_are_read_past(name: str) -> None:
    """A neighbour one release ahead may say more."""
    sample = wire_samples.samples()[name]
    signature, payload = rounds.split_header(wire_samples.golden(name))
    more = canonical.dumps({**canonical.loads(payload, bytes_max=STATEMENT_BYTES_MAX), **UNKNOWN})
    assert sample.value == sample.read(rounds.encode_header(signature, more))


@pytest.mark.parametrize("encoding", [0, 1, 2, 255])
@pytest.mark.parametrize("kind", [8, 77, 254])
def test_frames_of_unknown_type_are_passed_over_whatever_their_encoding(
    kind: int, encoding: int
) -> None:
    """A newer frame between known ones, even in a dictionary unknown here, costs nothing else."""
    before, after = Frame(frames.STATEMENTS, b"a" * 8), Frame(frames.EVENTS, b"b" * 8)
    raw = frames.magic(1) + frames.encode_frame(before)
    raw += raw_frame(kind, encoding, b"what a later release says") + frames.encode_frame(after)
    assert [before, after] == list(frames.decode_stream(raw))


@FEW
@given(st.data())
def test_a_flipped_byte_of_an_event_is_refused(data: st.DataObject) -> None:
    """No byte of envelope, signature, salt or body can change and still verify."""
    event = wire_samples.EVENT
    part = data.draw(st.sampled_from(["envelope", "signature", "salt", "body"]))
    changed = _flip(getattr(event, part), data)
    assert not _verifies(event._replace(**{part: changed}))


def _verifies(event: Event) -> bool:
    message = signed_message("event", event.envelope)
    if not VERIFY(wire_samples.VILLAGE.public_key(), message, event.signature):
        return False
    try:
        check_body(parse_envelope(event.envelope), event)
    except PeerProtocolError:
        return False
    return True


def test_the_unflipped_event_verifies() -> None:
    """The test above refuses for the flip and nothing else."""
    assert _verifies(wire_samples.EVENT)


SIGNED = [
    "voucher",
    "receipt_of_central",
    "time_mark",
    "attachment",
    "revocation",
    "purge",
    "order",
    "manifest",
]


@FEW
@given(st.sampled_from(SIGNED), st.data())
def test_a_flipped_byte_of_a_statement_is_refused(name: str, data: st.DataObject) -> None:
    """Kind, payload and signature of a statement are all under its signature."""
    statement = statements.decode(wire_samples.golden(name))
    key = wire_samples.AUTHORITY.public_key()
    if statement.signer != statements.AUTHORITY:
        village = statement.signer.startswith("CG0111/")
        key = (wire_samples.VILLAGE if village else wire_samples.CENTRAL).public_key()
    assert VERIFY(key, statement.message(), statement.signature)
    part = data.draw(st.sampled_from(["payload", "signature"]))
    changed = {"payload": statement.payload, "signature": statement.signature}
    changed[part] = _flip(changed[part], data)
    other = Statement(statement.kind, changed["payload"], changed["signature"], statement.signer)
    assert not VERIFY(key, other.message(), other.signature)


@FEW
@given(st.sampled_from(["hello_full", "answer_ok"]), st.data())
def test_a_flipped_byte_of_a_round_header_is_refused(name: str, data: st.DataObject) -> None:
    """Neither signature nor payload of a header can change."""
    kind, _, _ = name.partition("_")
    signer = wire_samples.VILLAGE if kind == "hello" else wire_samples.CENTRAL
    signature, payload = rounds.split_header(_flip(wire_samples.golden(name), data, start=1))
    assert not VERIFY(signer.public_key(), wire_samples.header_message(kind, payload), signature)


@FEW
@given(st.data())
def test_a_flipped_byte_of_a_stream_is_damage_not_content(data: st.DataObject) -> None:
    """Type, encoding, length, sum or payload: a flip on the way never yields another frame."""
    raw = wire_samples.golden("request_stream")
    whole = list(frames.decode_stream(raw))
    got: list[Frame] = []
    with pytest.raises(PeerProtocolError):
        got.extend(frames.decode_stream(_flip(raw, data, start=4)))
    assert got == whole[: len(got)]


def _flip(raw: bytes, data: st.DataObject, start: int = 0) -> bytes:
    at = data.draw(st.integers(start, len(raw) - 1), label="at")
    mask = data.draw(st.integers(1, 255), label="mask")
    return raw[:at] + bytes([raw[at] ^ mask]) + raw[at + 1 :]
