"""Link digest: the 128-bit sum of the hashes of a set of envelopes (DESIGN 7, downwards)."""

from __future__ import annotations

DIGEST_BYTES = 16
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
