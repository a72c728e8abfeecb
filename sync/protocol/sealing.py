"""How a bundle is sealed to its readers: the layout, and the port to what can do it.

A file key of 32 bytes is wrapped for every reader (X25519 with a fresh key, HKDF-SHA256,
ChaCha20-Poly1305). The content is cut into chunks of 64 KiB, each sealed by itself under a key
derived from the file key; its number and whether it is the last are in its nonce, so that chunks
cannot be left out, doubled, put elsewhere or cut off unnoticed (as in age's STREAM).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Protocol

from sync.protocol.bodies import SealedFor
from sync.protocol.errors import BundleDamaged

ALGORITHM = "x25519-hkdf-sha256-chacha20poly1305"
CHUNK_BYTES = 64 * 1024
TAG_BYTES = 16
FILE_KEY_BYTES = 32
SALT_BYTES = 16
_NONCE = struct.Struct(">3xQB")
LAST_CHUNK = 1


class Chunks(Protocol):
    """Seals and opens the chunks of one bundle under its file key."""

    def seal(self, nonce: bytes, plain: bytes) -> bytes: ...

    def open(self, nonce: bytes, sealed: bytes) -> bytes:
        """Return the chunk. Raises: BundleDamaged."""
        ...


class Sealing(Protocol):
    """Wraps file keys for readers, and unwraps with this node's private encryption key."""

    def wrap(self, to: str, public_key: bytes, file_key: bytes) -> SealedFor: ...

    def unwrap(self, sealed: SealedFor) -> bytes:
        """Return the file key. Raises: BundleWrongKey."""
        ...

    def chunks(self, file_key: bytes, salt: bytes) -> Chunks: ...


def nonce(index: int, *, last: bool) -> bytes:
    """Return the nonce of a chunk: 11 bytes of its number, one that says whether it is the last."""
    return _NONCE.pack(index, LAST_CHUNK if last else 0)


def sealed_size(plain_bytes: int) -> int:
    """Return how many bytes content of this size takes when sealed."""
    count = max((plain_bytes + CHUNK_BYTES - 1) // CHUNK_BYTES, 1)
    return plain_bytes + count * TAG_BYTES


def seal(chunks: Chunks, parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the sealed chunks of the parts put end to end; at least one, perhaps of nothing."""
    buffer = bytearray()
    index = 0
    for part in parts:
        buffer += part
        while len(buffer) > CHUNK_BYTES:  # one more byte at least: this one is not the last
            yield chunks.seal(nonce(index, last=False), bytes(buffer[:CHUNK_BYTES]))
            del buffer[:CHUNK_BYTES]
            index += 1
    yield chunks.seal(nonce(index, last=True), bytes(buffer))


def unseal(chunks: Chunks, sealed: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the opened chunks of sealed pieces of `CHUNK_BYTES + TAG_BYTES`, the last one shorter.

    Raises: BundleDamaged.
    """
    index, before = 0, b""
    for piece in sealed:
        if before:
            yield chunks.open(nonce(index, last=False), before)
            index += 1
        before = piece
    if len(before) < TAG_BYTES:
        raise BundleDamaged("sealed part")
    yield chunks.open(nonce(index, last=True), before)
