"""Link digest: the 128-bit sum of the hashes of a set of envelopes (DESIGN 7, downwards)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

DIGEST_BYTES = 16
MARK_BYTES = 6
MARKS_MAX = 64
_MODULUS = 1 << (DIGEST_BYTES * 8)
EMPTY = bytes(DIGEST_BYTES)


def add(digest: bytes, event_hash: bytes) -> bytes:
    """Return the digest of the set with one more envelope; the order of additions is immaterial."""
    total = int.from_bytes(digest, "big") + int.from_bytes(event_hash[:DIGEST_BYTES], "big")
    return (total % _MODULUS).to_bytes(DIGEST_BYTES, "big")


def difference(digest: bytes, other: bytes) -> bytes:
    """Return what `digest` sums beyond `other`; the same while both grow by the same envelopes."""
    apart = int.from_bytes(digest, "big") - int.from_bytes(other, "big")
    return (apart % _MODULUS).to_bytes(DIGEST_BYTES, "big")


def total(hashes: list[bytes]) -> bytes:
    """Return the digest of a whole set."""
    digest = EMPTY
    for event_hash in hashes:
        digest = add(digest, event_hash)
    return digest


def mark(raws: Iterable[bytes]) -> bytes:
    """Return a short name of a set of statements, for a neighbour that may hold the same.

    Shapes: the first 6 bytes of the SHA-256 of their SHA-256 hashes, in order. It only spares
    bytes: what is told apart by it proves itself.
    """
    hashes = sorted(hashlib.sha256(raw).digest() for raw in raws)
    return hashlib.sha256(b"".join(hashes)).digest()[:MARK_BYTES]


def marks(known: bytes) -> frozenset[bytes]:
    """Return the marks that stand one after another."""
    starts = range(0, len(known) - MARK_BYTES + 1, MARK_BYTES)
    return frozenset(known[at : at + MARK_BYTES] for at in starts)
