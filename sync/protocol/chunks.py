"""Files of a case: chunks of 256 KiB named by their SHA-256, under a manifest named by its own.

An event names a file in the member `blobs` of its body, whatever its type: so every node knows
which streams a file belongs to without knowing what it is about.
"""

from __future__ import annotations

import re

import msgspec

from sync.protocol import canonical
from sync.protocol.errors import LimitExceeded, Malformed, PeerProtocolError
from sync.protocol.limits import (
    BLOBS_PER_EVENT_MAX,
    BODY_BYTES_MAX,
    CHUNK_BYTES,
    FILE_BYTES_MAX,
    FILE_MANIFEST_BYTES_MAX,
    PROTOCOL_VERSION,
)

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,60}")


class FileManifest(msgspec.Struct, frozen=True):
    """What a file is made of. Units: `size` bytes. Shapes: `type` its media type."""

    v: int
    size: int
    type: str
    chunks: list[str]

    def parts(self) -> list[tuple[str, int]]:
        """Return (name, size) of each chunk, in order; only the last one is short."""
        last = len(self.chunks) - 1
        return [
            (name, CHUNK_BYTES if at < last else self.size - last * CHUNK_BYTES)
            for at, name in enumerate(self.chunks)
        ]


class FileName(msgspec.Struct, frozen=True):
    """How an event names a file. Shapes: `bytes` of its manifest, `size` of the file itself."""

    sha256: str
    bytes: int
    size: int


def is_media_type(text: str) -> bool:
    """Return whether a text has the shape of a media type without parameters."""
    return _TYPE.fullmatch(text) is not None


def encode_manifest(size: int, media_type: str, chunks: list[str]) -> bytes:
    """Return a manifest's bytes; they name the file. Raises: LimitExceeded, Malformed."""
    raw = canonical.dumps(FileManifest(PROTOCOL_VERSION, size, media_type, chunks))
    decode_manifest(raw)
    return raw


def decode_manifest(raw: bytes) -> FileManifest:
    """Return a manifest whose numbers fit together. Raises: LimitExceeded, Malformed."""
    manifest = canonical.load_as(raw, FileManifest, bytes_max=FILE_MANIFEST_BYTES_MAX)
    if not 0 < manifest.size <= FILE_BYTES_MAX:
        raise LimitExceeded("size of a file")
    if len(manifest.chunks) != -(-manifest.size // CHUNK_BYTES):
        raise Malformed("chunks of a file")
    if not all(_SHA256.fullmatch(name) for name in manifest.chunks):
        raise Malformed("chunk name")
    if not is_media_type(manifest.type):
        raise Malformed("media type")
    return manifest


class _Named(msgspec.Struct, frozen=True):
    blobs: list[FileName] = []


def names_in(body: bytes | None) -> list[FileName]:
    """Return the files a body names; one that names none, or out of shape, names nothing."""
    if body is None or b'"blobs"' not in body:
        return []
    try:
        found = canonical.load_as(body, _Named, bytes_max=BODY_BYTES_MAX).blobs
    except PeerProtocolError:
        return []
    return [
        name
        for name in found[:BLOBS_PER_EVENT_MAX]
        if _SHA256.fullmatch(name.sha256)
        and 0 < name.bytes <= FILE_MANIFEST_BYTES_MAX
        and 0 < name.size <= FILE_BYTES_MAX
    ]
