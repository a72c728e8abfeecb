"""Events by columns: whatever they are, they come out byte for byte, and smaller."""

from __future__ import annotations

import hashlib
import struct
from random import Random

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from node.tools import make_dictionary
from sync.protocol import canonical, compression, dictionary_1, frames
from sync.protocol.compression import DICTIONARY_NEWEST, LEVEL_TIGHT, Packing, packing_for
from sync.protocol.envelope import Envelope, Event, body_hash
from sync.protocol.errors import LimitExceeded, Malformed, UnsupportedVersion
from sync.protocol.limits import FRAME_BYTES_TARGET, SEQUENCE_MAX
from tests.protocol import wire_samples, wire_values
from tests.protocol.fuzzing import check_only_tree_errors, mutated
from tests.protocol.wire_samples import raw_frame
from tests.protocol.wire_values import FEW, FUZZ

TIGHT = Packing(DICTIONARY_NEWEST, LEVEL_TIGHT)
DATA_SHA256 = "8d465422fd9d793159a42d68e438bc95439e505d0d2805aceb566fb73a419da9"

honest = st.builds(
    lambda envelope, salt, signature, body: Event(
        canonical.dumps(
            msgspec.structs.replace(envelope, alg="ed25519", body=body_hash(salt, body))
        ),
        signature,
        salt,
        body,
    ),
    wire_values.envelopes,
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=64, max_size=64),
    wire_values.documents.map(canonical.dumps) | st.sampled_from([b"{}", b"", b"\x01", b"\x02"]),
)


def _read(raw: bytes) -> list[Event]:
    return [e for f in frames.decode_stream(raw) for e in frames.decode_events(f.payload)[1]]


def _cases(count: int) -> list[Event]:
    """Return events of one log as a station that was cut off has them."""
    chance, found = Random(7), []
    for position in range(2, count + 2):
        salt = chance.randbytes(16)
        body = canonical.dumps(
            {"file": chance.randbytes(32).hex(), "note": f"演示{chance.randrange(10**6)}" * 20}
        )
        envelope = Envelope(
            v=1,
            alg="ed25519",
            station="CG0111",
            epoch=wire_samples.EPOCH,
            pos=position,
            hlc=(wire_samples.EPOCH + position * 60_000) * 1024,
            stream=f"CG0111/{wire_samples.EPOCH}/{position}",
            type="received",
            actor="S001",
            body=body_hash(salt, body),
            aud=["CG0101", "CG0111"],
        )
        found.append(Event(canonical.dumps(envelope), chance.randbytes(64), salt, body))
    return found


@FEW
@given(st.integers(0, SEQUENCE_MAX), st.lists(honest | wire_values.events, max_size=8))
def test_events_come_out_of_columns_byte_for_byte(through: int, events: list[Event]) -> None:
    """What fits the columns and what does not, in any mixture and order."""
    plain = frames.encode_events(through, events)
    assert [plain] == list(frames.decode_stream(frames.encode_stream([plain], TIGHT)))


def test_an_envelope_with_a_field_of_a_later_release_travels_as_it_is() -> None:
    """Nothing that cannot be reckoned is left out (G8)."""
    late = canonical.dumps(
        {**canonical.loads(wire_samples.EVENT.envelope, bytes_max=9999), "zz": 1}
    )
    events = [wire_samples.EVENT, wire_samples.EVENT._replace(envelope=late), wire_samples.EVENT]
    assert events == _read(frames.encode_stream([frames.encode_events(3, events)], TIGHT))


def test_a_long_list_of_events_is_cut_into_frames_within_the_target() -> None:
    """Each frame is committed on its own; only the last completes the sequence."""
    events = _cases(900)
    raw = frames.encode_stream([frames.encode_events(77, events)], TIGHT)
    found = list(frames.decode_stream(raw))
    assert len(found) > 1
    assert [0] * (len(found) - 1) + [77] == [frames.decode_events(f.payload)[0] for f in found]
    assert events == _read(raw)
    at = frames.MAGIC_BYTES
    while at < len(raw):
        (length,) = struct.unpack_from(">I", raw, at + 2)
        assert length <= FRAME_BYTES_TARGET
        at += 10 + length


def test_columns_come_close_to_the_limit_of_the_wire() -> None:
    """At most 1.25 times (zstd-19 of the bodies + 64 bytes per signature)."""
    events = _cases(150)
    bodies = b"\n".join(event.body or b"" for event in events)
    limit = len(zstandard.ZstdCompressor(level=19).compress(bodies)) + 64 * len(events)
    assert len(frames.encode_stream([frames.encode_events(0, events)], TIGHT)) <= 1.25 * limit


def test_the_dictionary_makes_a_single_event_smaller() -> None:
    """A station usually has one thing to say; there the dictionary counts most."""
    one = [frames.encode_events(0, [wire_samples.EVENT])]
    assert len(frames.encode_stream(one, TIGHT)) < 0.75 * len(frames.encode_stream(one))


def test_a_neighbour_without_the_dictionary_gets_plain_frames() -> None:
    """It announced none (0); of one newer than ours it also has the older ones."""
    assert Packing(0, 9) == packing_for(0, 9)
    assert Packing(DICTIONARY_NEWEST, 9) == packing_for(DICTIONARY_NEWEST + 5, 9)
    raw = frames.encode_stream([frames.encode_events(0, _cases(3))], packing_for(0, 9))
    assert raw[5] == frames.ZSTD


def test_dictionary_1_is_what_its_tool_makes_and_never_changes() -> None:
    """The committed bytes are reproducible, and old nodes have just these."""
    assert dictionary_1.DATA == make_dictionary.dictionary()
    assert DATA_SHA256 == hashlib.sha256(dictionary_1.DATA).hexdigest()


def test_an_unknown_dictionary_is_refused() -> None:
    """By columns as well as without."""
    for encoding in (DICTIONARY_NEWEST + 2, frames.BY_COLUMNS + DICTIONARY_NEWEST + 2):
        raw = frames.magic(1) + raw_frame(frames.EVENTS, encoding, bytes(40))
        with pytest.raises(UnsupportedVersion):
            list(frames.decode_stream(raw))


def test_columns_of_something_else_than_events_are_malformed() -> None:
    """Only events have columns."""
    raw = frames.magic(1) + raw_frame(frames.BLOB, frames.BY_COLUMNS + frames.ZSTD, bytes(40))
    with pytest.raises(Malformed):
        list(frames.decode_stream(raw))


def test_a_table_entry_used_by_thousands_of_rows_stops_at_the_limit() -> None:
    """A long stream name in the table, named again and again, is a bomb of its own."""
    count = 5000
    tables = msgspec.json.encode([[count], [["CG0111", 1, 1]], ["x" * 100_000], ["t"], ["a"], []])
    numbers = b"".join(bytes([value]) * count for value in (0, 0, 0, 0, 1, 0, 0, 0, 0))
    plain = struct.pack(">QI", 0, len(tables)) + tables + numbers
    packed = compression.compress(plain, Packing())
    payload = struct.pack(">I", 80 * count) + bytes(80 * count) + packed
    with pytest.raises(LimitExceeded):
        _read(frames.magic(1) + raw_frame(frames.EVENTS, frames.BY_COLUMNS + frames.ZSTD, payload))


@FUZZ
@given(mutated(compression.compress(b"x", Packing())))
def test_damaged_compression_never_fails_otherwise(raws: list[bytes]) -> None:
    """What zstd cannot read is a damaged frame."""
    check_only_tree_errors(lambda raw: compression.decompress(raw, 0), raws)


@FUZZ
@given(mutated(frames.columns.split(3, _cases(4), lambda _: b"").columns))
def test_altered_columns_never_fail_otherwise(raws: list[bytes]) -> None:
    """Columns are events or an error of the tree, however they were altered."""

    def read(raw: bytes) -> object:
        payload = struct.pack(">I", 4 * 112) + bytes(4 * 112) + compression.compress(raw, Packing())
        encoding = frames.BY_COLUMNS + frames.ZSTD
        return _read(frames.magic(1) + raw_frame(frames.EVENTS, encoding, payload))

    check_only_tree_errors(read, raws)
