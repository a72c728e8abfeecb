"""The blob port in memory: one bytearray and one map of held bytes per blob."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sync.protocol.ports import BlobAside
from sync.store.blob_names import ASIDE_KEPT, WRONG_ON_ARRIVAL, WRONG_ON_DISK, check_piece
from tests.fakes.memory_blob_book import MemoryBlobBook


class _Partial:
    """A blob under way; `held` has one byte per byte of it, 1 where it has come."""

    def __init__(self, size: int) -> None:
        self.data = bytearray(size)
        self.held = bytearray(size)


class MemoryBlobStore:
    """Implements `sync.protocol.ports.BlobStore`."""

    def __init__(self) -> None:
        self._complete: dict[str, bytes] = {}
        self._partial: dict[str, _Partial] = {}
        self._aside: list[BlobAside] = []
        self.book = MemoryBlobBook()

    def size(self, sha256: str) -> int | None:
        return len(self._complete[sha256]) if sha256 in self._complete else None

    def received(self, sha256: str) -> int:
        if sha256 in self._complete:
            return len(self._complete[sha256])
        partial = self._partial.get(sha256)
        if partial is None:
            return 0
        gap = partial.held.find(0)
        return len(partial.held) if gap < 0 else gap

    def read(self, sha256: str, offset: int, count: int) -> bytes:
        if offset < 0 or count <= 0:
            return b""
        return self._complete.get(sha256, b"")[offset : offset + count]

    def put(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        self._partial.pop(sha256, None)
        self._complete[sha256] = data
        return sha256

    def put_piece(self, sha256: str, size: int, offset: int, data: bytes) -> bool:
        check_piece(sha256, size, offset, data)
        if sha256 in self._complete:
            return True
        partial = self._partial.get(sha256)
        if partial is None or len(partial.data) != size:
            partial = self._partial[sha256] = _Partial(size)
        end = offset + len(data)
        if 1 in partial.held[offset:end]:
            for at, byte in enumerate(data, offset):
                if not partial.held[at]:
                    partial.data[at], partial.held[at] = byte, 1
        else:
            partial.data[offset:end] = data
            partial.held[offset:end] = b"\1" * len(data)
        if 0 in partial.held:
            return False
        del self._partial[sha256]
        if hashlib.sha256(partial.data).hexdigest() != sha256:
            self._set_aside(sha256, WRONG_ON_ARRIVAL, len(partial.data))
            return False
        self._complete[sha256] = bytes(partial.data)
        return True

    def copied(self) -> MemoryBlobStore:
        """Return a store of its own with the same complete blobs."""
        twin = MemoryBlobStore()
        twin._complete = dict(self._complete)
        return twin

    def verify(self, sha256: str) -> bool:
        data = self._complete.get(sha256)
        if data is None or hashlib.sha256(data).hexdigest() == sha256:
            return data is not None
        self._set_aside(sha256, WRONG_ON_DISK, len(self._complete.pop(sha256)))
        return False

    def aside(self) -> Sequence[BlobAside]:
        return self._aside[::-1]

    def partial(self) -> Sequence[str]:
        return sorted(self._partial)

    def forget(self, sha256: str) -> None:
        self._complete.pop(sha256, None)
        self._partial.pop(sha256, None)

    def _set_aside(self, sha256: str, reason: str, count: int) -> None:
        self._aside = [*self._aside, BlobAside(sha256, reason, count)][-ASIDE_KEPT:]

    def close(self) -> None:
        """Nothing to close; here so that both stores can be used alike."""
