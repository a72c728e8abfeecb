"""What every blob store promises."""

from __future__ import annotations

import hashlib
import random

import pytest

from sync.protocol.errors import LimitExceeded, Malformed
from sync.protocol.ports import BlobStore

DATA = bytes(range(256)) * 40
NAME = hashlib.sha256(DATA).hexdigest()
SIZE = len(DATA)


def test_a_whole_blob_is_stored_under_its_hash(blobs: BlobStore) -> None:
    """`put` names the blob by its content and storing it again changes nothing."""
    assert blobs.put(DATA) == NAME
    assert blobs.put(DATA) == NAME
    assert blobs.size(NAME) == SIZE
    assert blobs.received(NAME) == SIZE
    assert blobs.read(NAME, 0, SIZE) == DATA


def test_a_large_blob_is_read_back_over_piece_borders(blobs: BlobStore) -> None:
    """A range that begins and ends inside pieces comes back exactly."""
    data = random.Random(7).randbytes(600_000)
    name = blobs.put(data)
    assert data[262_000:530_001] == blobs.read(name, 262_000, 268_001)
    assert data == blobs.read(name, 0, 10**6)


def test_an_empty_blob_is_a_blob(blobs: BlobStore) -> None:
    """A file of no bytes is stored whole and in pieces."""
    name = hashlib.sha256(b"").hexdigest()
    assert blobs.size(name) is None
    assert blobs.put_piece(name, 0, 0, b"")
    assert blobs.size(name) == 0
    assert name == blobs.put(b"")


def test_ranges_outside_a_blob_are_empty(blobs: BlobStore) -> None:
    """Reading past the end, before the start or nothing gives no bytes and no error."""
    blobs.put(DATA)
    assert DATA[-3:] == blobs.read(NAME, SIZE - 3, 10)
    assert blobs.read(NAME, SIZE, 10) == b""
    assert blobs.read(NAME, -5, 10) == b""
    assert blobs.read(NAME, 3, 0) == b""
    assert blobs.read(NAME, 3, -2) == b""


def test_an_unknown_blob_is_missing(blobs: BlobStore) -> None:
    """What never came has no size, no bytes and nothing received."""
    assert blobs.size(NAME) is None
    assert blobs.received(NAME) == 0
    assert blobs.read(NAME, 0, 10) == b""


def test_pieces_in_order_complete_a_blob(blobs: BlobStore) -> None:
    """Only the last piece answers True, and `received` says where to go on."""
    for start in range(0, SIZE, 1024):
        assert start == blobs.received(NAME)
        assert blobs.size(NAME) is None
        piece = DATA[start : start + 1024]
        assert (start + 1024 >= SIZE) is blobs.put_piece(NAME, SIZE, start, piece)
    assert blobs.read(NAME, 0, SIZE) == DATA


@pytest.mark.parametrize("seed", range(12))
def test_pieces_of_any_cut_in_any_order_complete_a_blob(blobs: BlobStore, seed: int) -> None:
    """Overlapping, repeated and reordered pieces of any size add up to the blob."""
    chance = random.Random(seed)
    pieces = [
        (start, DATA[start : start + chance.choice((1, 700, 3000))])
        for start in (chance.randrange(SIZE) for _ in range(30))
    ]
    pieces += [(start, DATA[start : start + 999]) for start in range(0, SIZE, 999)]
    chance.shuffle(pieces)
    answers = [blobs.put_piece(NAME, SIZE, start, piece) for start, piece in pieces]
    assert answers[-1]
    assert sorted(answers) == answers
    assert blobs.read(NAME, 0, SIZE) == DATA


def test_received_counts_only_what_is_contiguous(blobs: BlobStore) -> None:
    """A piece beyond a gap does not count until the gap is filled."""
    blobs.put_piece(NAME, SIZE, 2000, DATA[2000:3000])
    assert blobs.received(NAME) == 0
    blobs.put_piece(NAME, SIZE, 0, DATA[:1000])
    assert blobs.received(NAME) == 1000
    blobs.put_piece(NAME, SIZE, 900, DATA[900:2100])
    assert blobs.received(NAME) == 3000


def test_bytes_not_proved_yet_are_not_given_out(blobs: BlobStore) -> None:
    """An incomplete blob has no size and no bytes."""
    blobs.put_piece(NAME, SIZE, 0, DATA[:5000])
    assert blobs.size(NAME) is None
    assert blobs.read(NAME, 0, 100) == b""


def test_a_blob_with_a_wrong_hash_is_dropped_whole(blobs: BlobStore) -> None:
    """One altered byte drops everything, and the right bytes are taken afterwards."""
    wrong = bytearray(DATA)
    wrong[77] ^= 1
    blobs.put_piece(NAME, SIZE, 0, bytes(wrong[:5000]))
    assert not blobs.put_piece(NAME, SIZE, 5000, bytes(wrong[5000:]))
    assert blobs.size(NAME) is None
    assert blobs.received(NAME) == 0
    assert not blobs.put_piece(NAME, SIZE, 0, DATA[:5000])
    assert blobs.put_piece(NAME, SIZE, 5000, DATA[5000:])


def test_wrong_bytes_are_set_aside_with_their_reason(blobs: BlobStore) -> None:
    """What was wrong is kept to be looked at, the newest few of it, and blocks nothing."""
    for n in range(12):
        name = hashlib.sha256(bytes([n])).hexdigest()
        assert not blobs.put_piece(name, 5, 0, b"wrong")
    kept = blobs.aside()
    assert 8 == len(kept)
    assert (hashlib.sha256(bytes([11])).hexdigest(), "wrong_on_arrival", 5) == kept[0]
    assert blobs.put(bytes([11])) == kept[0].sha256


def test_a_sound_blob_verifies_and_a_missing_one_does_not(blobs: BlobStore) -> None:
    """Verifying changes nothing where nothing is wrong."""
    blobs.put(DATA)
    assert blobs.verify(NAME)
    assert not blobs.verify("0" * 64)
    assert [] == list(blobs.aside())
    assert SIZE == blobs.size(NAME)


def test_blobs_under_way_are_listed_and_can_be_dropped(blobs: BlobStore) -> None:
    """What nobody wants any more gives its room back; a whole blob is not under way."""
    blobs.put(b"whole")
    blobs.put_piece(NAME, SIZE, 0, DATA[:5000])
    assert [NAME] == list(blobs.partial())
    blobs.forget(NAME)
    blobs.forget("0" * 64)
    assert [] == list(blobs.partial())
    assert 0 == blobs.received(NAME)


def test_a_piece_that_names_another_size_starts_anew(blobs: BlobStore) -> None:
    """A wrong size claimed first cannot block a blob for ever."""
    blobs.put_piece(NAME, SIZE * 2, 0, DATA)
    assert blobs.received(NAME) == SIZE
    assert not blobs.put_piece(NAME, SIZE, 0, DATA[:10])
    assert blobs.received(NAME) == 10
    assert blobs.put_piece(NAME, SIZE, 10, DATA[10:])


def test_pieces_of_a_complete_blob_change_nothing(blobs: BlobStore) -> None:
    """A late double is success, whatever it says."""
    blobs.put(DATA)
    assert blobs.put_piece(NAME, SIZE + 5, 0, b"other")
    assert blobs.read(NAME, 0, SIZE) == DATA


def test_a_whole_blob_replaces_one_under_way(blobs: BlobStore) -> None:
    """`put` completes a blob of which wrong pieces had come."""
    blobs.put_piece(NAME, SIZE, 0, b"wrong")
    assert blobs.put(DATA) == NAME
    assert blobs.read(NAME, 0, SIZE) == DATA


@pytest.mark.parametrize(
    ("name", "size", "offset", "data", "refusal"),
    [
        (NAME.upper(), SIZE, 0, b"x", Malformed),
        ("../etc", SIZE, 0, b"x", Malformed),
        (NAME, -1, 0, b"", Malformed),
        (NAME, SIZE, -1, b"x", Malformed),
        (NAME, 2**60, 0, b"x", Malformed),
        (NAME, SIZE, SIZE - 1, b"xx", LimitExceeded),
    ],
)
def test_pieces_out_of_bounds_are_refused(
    blobs: BlobStore, name: str, size: int, offset: int, data: bytes, refusal: type[Exception]
) -> None:
    """What cannot be a piece is an error of the peer and leaves nothing behind."""
    with pytest.raises(refusal):
        blobs.put_piece(name, size, offset, data)
    assert blobs.received(NAME) == 0
