"""Packs of columns: every entry comes out byte for byte, whatever JSON it is, or goes as a row."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.protocol import canonical, pack_streams, pack_tables, packs
from sync.protocol.errors import LimitExceeded, Malformed
from sync.protocol.merkle import RootSum, merkle_root
from sync.protocol.registers import Entry
from tests.protocol.fuzzing import check_only_tree_errors, tampered
from tests.protocol.test_wire_hostile import check_bomb
from tests.protocol.wire_values import FUZZ

COLUMNS = b"YZP\2"
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6).map(
    lambda text: unicodedata.normalize("NFC", text)
)
scalars = texts | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.just("0a4f")
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "名", "%s", '"']), inner, max_size=4)
    ),
    max_leaves=12,
)
shelves = st.lists(documents, min_size=1, max_size=40)


def entries_of(values: list[Any]) -> list[Entry]:
    """Return one entry per value, keyed by place."""
    return [Entry(f"K-{at:05d}", canonical.dumps(value)) for at, value in enumerate(values)]


@settings(max_examples=150, deadline=None)
@given(shelves)
def test_every_shelf_comes_out_byte_for_byte(values: list[Any]) -> None:
    """Shapes mixed as they come; the logical root is that of what went in."""
    given_entries = entries_of(values)
    raw = packs.encode_columns(given_entries)
    assert raw is not None, "canonical JSON always fits"
    found = list(packs.read_pack(raw))
    assert given_entries == found
    assert merkle_root(given_entries) == merkle_root(found)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(documents, st.sampled_from("XYZ")), min_size=5, max_size=60))
def test_rows_of_one_shape_share_their_columns(values: list[tuple[Any, str]]) -> None:
    """Keys made of fields are not stored again, and still come out."""
    rows = [{"id": f"I{at:04d}", "kind": kind, "v": v} for at, (v, kind) in enumerate(values)]
    shelf = [Entry(f"{row['kind']}/{row['id']}", canonical.dumps(row)) for row in rows]
    raw = packs.encode_columns(sorted(shelf))
    assert raw is not None
    assert sorted(shelf) == list(packs.read_pack(raw))
    assert ["kind", "id"] == header_of(raw)["fields"]


def header_of(raw: bytes) -> dict[str, Any]:
    """Return the header of a pack of columns, read without the reader."""
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(raw[4:])
    length = int.from_bytes(plain[:4], "big")
    header: dict[str, Any] = msgspec.json.decode(plain[4 : 4 + length])
    return header


def test_a_part_that_repeats_is_stored_once() -> None:
    """A law that stands in a thousand entries costs a byte or so in each."""
    laws = [{"name": f"法{n}", "text": hashlib.sha256(b"%d" % n).hexdigest() * 8} for n in range(9)]
    rows = [{"n": n, "laws": [laws[n % 9], laws[n % 7]]} for n in range(1000)]
    raw = packs.encode_pack(entries_of(rows))
    assert len(raw) < 2500
    assert entries_of(rows) == list(packs.read_pack(raw))


@pytest.mark.parametrize(
    "raw",
    [b"new", b"1.5", b"null", b'{"b":1,"a":2}', b'{"a": 1}', b"\xff", b"", b'{"a":1}\n'],
    ids=repr,
)
def test_what_is_not_canonical_json_goes_as_a_row_or_not_at_all(raw: bytes) -> None:
    """Columns never change a byte; what only a row can carry is carried by one."""
    shelf = [Entry("a", b'{"a":1}'), Entry("b", raw)]
    packed = packs.encode_columns(shelf)
    assert packed is None or list(packs.read_pack(packed)) == shelf
    if raw != b"\xff":
        assert shelf == list(packs.read_pack(packs.encode_pack(shelf)))


def test_too_much_for_one_pack_becomes_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to know how large entries may be to publish them."""
    monkeypatch.setattr(packs, "PACK_BYTES_MAX", 20_000)
    rows = [hashlib.shake_256(b"%d" % n).hexdigest(400) for n in range(150)]
    shelf = entries_of(rows)
    found = packs.encode_packs(shelf)
    assert len(found) > 1
    assert all(len(pack.raw) <= 20_000 for pack in found)
    assert shelf == [entry for pack in found for entry in packs.read_pack(pack.raw)]


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70))
def test_the_root_from_a_stream_is_the_root_level_by_level(leaves: list[bytes]) -> None:
    """The stack and the textbook agree at every size."""
    level = leaves
    while len(level) > 1:
        pairs = [
            hashlib.sha256(b"\1" + level[i] + level[i + 1]).digest()
            for i in range(0, len(level) - 1, 2)
        ]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    wanted = level[0].hex() if level else hashlib.sha256(b"").hexdigest()
    total = RootSum()
    for leaf in leaves:
        total.add(leaf)
    assert (wanted, len(leaves)) == (total.root(), total.count)


def pack_of(table: Any, parts: list[bytes], count: int = 4, **more: Any) -> bytes:
    """Return a pack as another program might write it."""
    header = {"entries": count, "keys": ["j"], "table": table, **more}
    keys = [b'"a"\n"b"\n"c"\n"d"\n'] if "fields" not in more else []
    return COLUMNS + pack_streams.pack_streams(header, [*keys, *parts])


LINES = b"1\n2\n3\n4\n"


def test_a_pack_made_by_hand_is_read() -> None:
    """The refusals below are for what they change."""
    table = ["d", 2, ["j"]]
    raw = pack_of(table, [b"\0\1\0\1", b"1\n2\n"])
    assert [b"1", b"2", b"1", b"2"] == [entry.raw for entry in packs.read_pack(raw)]


def shared(depth: int) -> list[Any]:
    """Return lists of 250 references to the level below, so many levels deep."""
    table: list[Any] = ["j"]
    for _ in range(depth):
        table = ["d", 1, ["l", 250, ["d", 1, table]]]
    return table


HOSTILE: dict[str, Callable[[], bytes]] = {
    "unknown kind": lambda: pack_of(["?"], [LINES]),
    "no table": lambda: pack_of(7, [LINES]),
    "empty table": lambda: pack_of([], [LINES]),
    "a row too few": lambda: pack_of(["j"], [b"1\n2\n3\n"]),
    "a row too many": lambda: pack_of(["j"], [LINES + b"5\n"]),
    "an open last line": lambda: pack_of(["j"], [LINES + b"5"]),
    "stream missing": lambda: pack_of(["j"], []),
    "stream left over": lambda: pack_of(["j"], [LINES, LINES]),
    "reference out of range": lambda: pack_of(["d", 2, ["j"]], [b"\0\1\2\1", b"1\n2\n"]),
    "shared parts without number": lambda: pack_of(["d", -1, ["j"]], [LINES]),
    "shared parts of nothing": lambda: pack_of(["d", 0, ["j"]], [b"\0\0\0\0"]),
    "shared parts without table": lambda: pack_of(["d", 2], [b"\0\0\0\0"]),
    "numbers of another count": lambda: pack_of(["d", 2, ["j"]], [b"\0\0\0", b"1\n2\n"]),
    "list of another total": lambda: pack_of(["l", 5, ["j"]], [b"\1\1\1\1", b"1\n" * 5]),
    "list of too many": lambda: pack_of(["l", 10**12, ["d", 1, ["j"]]], [b"\xff" * 8, b"1\n"]),
    "object without keys": lambda: pack_of(["o", [], []], []),
    "object with a key too many": lambda: pack_of(["o", ["a", "b"], [["j"]]], [LINES]),
    "object with a number as key": lambda: pack_of(["o", [1], [["j"]]], [LINES]),
    "shape out of range": lambda: pack_of(["m", [[4, ["j"]]]], [b"\0\0\0\1", LINES]),
    "shape of another count": lambda: pack_of(["m", [[3, ["j"]]]], [b"\0\0\0\0", LINES]),
    "no shapes": lambda: pack_of(["m", []], [b"\0\0\0\0"]),
    "mask of another length": lambda: pack_of(["x", "ab", "1"], [LINES]),
    "mask of other marks": lambda: pack_of(["x", "ab", "13"], [LINES]),
    "fixed texts too short": lambda: pack_of(["x", "ab", "11"], [b"1234567"]),
    "fixed texts not ascii": lambda: pack_of(["x", "公", "1"], [b"1234"]),
    "fields that are not there": lambda: pack_of(["o", ["a"], [["j"]]], [LINES], fields=["b"]),
    "fields of no object": lambda: pack_of(["j"], [LINES], fields=["a"]),
    "key that is no text": lambda: pack_of(["o", ["a"], [["j"]]], [LINES], fields=[["a"]]),
    "too many entries": lambda: pack_of(["j"], [LINES], count=10**9),
    "entries as text": lambda: pack_of(["j"], [LINES], count="4"),  # type: ignore[arg-type]
    "no description at all": lambda: COLUMNS + pack_streams.pack_streams({}, []),
    "nothing compressed": lambda: COLUMNS + b"garbage",
    "nested without end": lambda: pack_of(shared(40), [LINES]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_pack_may_not_say_is_refused(name: str) -> None:
    """One error of the tree, whatever is wrong."""
    with pytest.raises((Malformed, LimitExceeded)):
        list(packs.read_pack(HOSTILE[name]()))


def test_a_header_that_promises_exabytes_allocates_nothing() -> None:
    """Lengths are added up before the first stream is read."""
    plain = b'{"entries":1,"streams":[4611686018427387904]}'
    raw = COLUMNS + zstandard.ZstdCompressor().compress(len(plain).to_bytes(4, "big") + plain)
    check_bomb(lambda: list(packs.read_pack(raw)))


def test_a_bomb_in_a_stream_stops_at_the_limit() -> None:
    """Sixty megabytes of blanks in a few kilobytes."""
    size = 60 * 1024 * 1024
    plain = b'{"entries":1,"streams":[%d]}' % size
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    raw = packer.compress(len(plain).to_bytes(4, "big") + plain)
    for _ in range(60):
        raw += packer.compress(bytes(size // 60))
    check_bomb(lambda: list(packs.read_pack(COLUMNS + raw + packer.flush())))


def test_parts_that_multiply_stop_before_they_are_made() -> None:
    """Lists of lists of one shared part: a kilobyte that would be petabytes."""
    parts: list[bytes] = [b"\xfa"] * 8
    check_bomb(lambda: list(packs.read_pack(pack_of(shared(8), [*parts, b'"boom"\n'], count=4))))


def test_rows_that_multiply_stop_at_the_limit() -> None:
    """Each row is within bounds, all of them together are not."""
    count = 2000
    table = ["l", count * 60, ["d", 1, ["t"]]]
    keys = b"".join(b'"%05d"\n' % n for n in range(count))
    header = {"entries": count, "keys": ["j"], "table": table}
    packed = pack_streams.pack_streams(header, [keys, b"\x3c" * count, b"x" * 4000 + b"\n"])

    def drain() -> None:
        for _ in packs.read_pack(COLUMNS + packed):
            pass

    check_bomb(drain)


def test_tables_nested_beyond_the_limit_are_refused() -> None:
    """No recursion without end."""
    table: list[Any] = ["j"]
    for _ in range(pack_tables.DEPTH_MAX + 1):
        table = ["d", 1, table]
    with pytest.raises(LimitExceeded):
        list(packs.read_pack(pack_of(table, [b"1\n"])))


_SHELF = entries_of(
    [
        {"code": f"{n:04x}", "laws": [{"t": "法" * (n % 3)}] * (n % 3), "n": n, "v": n % 2 == 0}
        for n in range(30)
    ]
    + [[n, "x"] for n in range(10)]
)
_PACK = packs.encode_columns(_SHELF)
assert _PACK is not None


@FUZZ
@given(tampered(_PACK[4:], COLUMNS))
def test_a_pack_tampered_with_is_entries_or_an_error_of_the_tree(raws: list[bytes]) -> None:
    """Whatever is written into header and streams."""
    check_only_tree_errors(lambda raw: list(packs.read_pack(raw)), raws)
