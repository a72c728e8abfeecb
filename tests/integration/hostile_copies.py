"""What carelessness, a dying stick and other programs make of an honest bundle."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from collections.abc import Iterator

from sync.protocol import sealing
from tests.integration.hostile_bundles import ANY, Hostile

FLIPS = 24
SEED = 20261122


def copies(good: bytes) -> Iterator[Hostile]:
    """Yield every spoiled copy."""
    yield from other_files(good)
    yield from starts(good)
    yield from cut(good)
    yield from flipped(good)
    yield from worn(good)


def _head_end(good: bytes) -> int:
    return 8 + int.from_bytes(good[4:8], "big")


def other_files(good: bytes) -> Iterator[Hostile]:
    """Yield files that are none, though they may hold one."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.yzb", good)
    for name, raw in (
        ("empty", b""),
        ("a document", b"%PDF-1.7\n" * 1000),
        ("a program", b"MZ" + bytes(5000)),
        ("in a zip file", packed.getvalue()),
        ("in a gzip file", gzip.compress(good)),
        ("in base64", good.hex().encode()),
        ("behind a byte order mark", b"\xef\xbb\xbf" + good),
        ("behind a blank", b" " + good),
        ("a megabyte of nothing", bytes(1024 * 1024)),
        ("a megabyte of ones", b"\xff" * 1024 * 1024),
        ("backwards", good[::-1]),
        ("a round", b"YZR\1" + good[4:]),
    ):
        yield Hostile(f"file: {name}", raw, "not_a_bundle")


def starts(good: bytes) -> Iterator[Hostile]:
    """Yield magic, version and length that are not what they were."""
    for version in (0, 2, 255):
        raw = good[:3] + bytes([version]) + good[4:]
        yield Hostile(f"start: format {version}", raw, "unsupported_version")
    length = _head_end(good) - 8
    for name, said, code in (
        ("head of nothing", 0, "malformed"),
        ("head one too short", length - 1, "malformed"),
        ("head one too long", length + 1, "malformed"),
        ("head of the whole file", len(good) - 8, "malformed"),
        ("head beyond the file", len(good) - 7, "bundle_truncated"),
        ("head at the limit", 512 * 1024, "bundle_truncated"),
        ("head beyond the limit", 512 * 1024 + 1, "limit_exceeded"),
        ("head of 4 GiB", 2**32 - 1, "limit_exceeded"),
    ):
        raw = good[:4] + said.to_bytes(4, "big") + good[8:]
        yield Hostile(f"start: {name}", raw, code)


def cut(good: bytes) -> Iterator[Hostile]:
    """Yield the file cut at and around every boundary it has."""
    yield Hostile("cut in the magic", good[:2], "not_a_bundle")
    head, chunk = _head_end(good), sealing.CHUNK_BYTES + sealing.TAG_BYTES
    chunks = range(head, len(good), chunk)
    at = {3, 4, 5, 7, 8, 9, head // 2, head - 1, head, head + 1, len(good) - 1}
    at |= {len(good) - sealing.TAG_BYTES, (head + len(good)) // 2}
    at |= {end + by for end in chunks for by in (-1, 0, 1) if head < end + by < len(good)}
    for end in sorted(at):
        yield Hostile(f"cut at {end}", good[:end], "bundle_truncated")


def flipped(good: bytes) -> Iterator[Hostile]:
    """Yield the file with one bit wrong: in the head somewhere, in what is sealed anywhere."""
    chance, head = random.Random(SEED), _head_end(good)
    for at in sorted(chance.sample(range(8, head), FLIPS)):
        yield Hostile(f"head flipped at {at}", _flip(good, at, chance), ANY)
    for at in (head, len(good) - 1, *sorted(chance.sample(range(head, len(good)), FLIPS))):
        yield Hostile(f"content flipped at {at}", _flip(good, at, chance), "bundle_damaged")


def _flip(good: bytes, at: int, chance: random.Random) -> bytes:
    return good[:at] + bytes([good[at] ^ 1 << chance.randrange(8)]) + good[at + 1 :]


def worn(good: bytes) -> Iterator[Hostile]:
    """Yield what drives and programs do: sectors of nothing, blocks twice, more than there was."""
    head = _head_end(good)
    at = head + (len(good) - head) // 2
    for name, raw in (
        ("a byte more", good + b"\0"),
        ("a megabyte more", good + bytes(1024 * 1024)),
        ("twice, end to end", good + good),
        ("an archive behind it", good + gzip.compress(good)),
        ("zeroes at its end", good[:-64] + bytes(64)),
        ("a sector of zeroes", (good[:at] + bytes(512) + good[at + 512 :])[: len(good)]),
        ("its content shifted", good[:head] + b"\0" + good[head:-1]),
        ("its content backwards", good[:head] + good[head:][::-1]),
    ):
        yield Hostile(f"worn: {name}", raw, "bundle_damaged")
    as_text = good.replace(b"\n", b"\r\n")
    yield Hostile("worn: copied as text", as_text if as_text != good else good + b"\r\n", ANY)
