"""The second lane between a store and the engine: what an HTTP route, a client or the simulator
calls. Bytes go from store to wire and back in pieces, never a blob at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sync.engine import blobs as engine
from sync.engine.blobs import Want
from sync.engine.core import Core
from sync.protocol.blobs import GET, AnswerReader, Part
from sync.protocol.ports import BlobStore, Store

PIECE_BYTES = 64 * 1024
"""Read, sent and committed at once: what a cut may cost."""


class Served(NamedTuple):
    """An answer on its way: its length in bytes, and the bytes."""

    length: int
    pieces: Iterator[bytes]


class Taken(NamedTuple):
    """What an answer came to: bytes stored, blobs completed, and parts the parent does not have."""

    stored: int
    whole: int
    missing: int


class BlobExchange:
    """Both ends of the second lane for one node."""

    def __init__(
        self,
        core: Core,
        store: Store,
        blobs: BlobStore,
        clock_ms: Callable[[], int],
        switch: Callable[[], object],
    ) -> None:
        """Shapes: `switch` switches to what editions are complete, with what follows from it."""
        self._core = core
        self._store = store
        self._blobs = blobs
        self._clock_ms = clock_ms
        self.switch = switch

    def wanted(self) -> list[Want]:
        """Return what is to be fetched from the parent, and how much of it is here."""
        with self._store.read() as transaction:
            return engine.wanted(transaction, self._blobs)

    def ask(self, parts: Sequence[Part]) -> bytes | None:
        """Return a request for these ranges; None while no round has been answered yet."""
        with self._store.read() as transaction:
            return engine.make_ask(self._core, transaction, GET, parts)

    def serve(self, raw: bytes) -> Served:
        """Return the answer to a child's ask, read from the store as it is sent.

        Raises: PeerProtocolError.
        """
        with self._store.read() as transaction:
            ask, _ = engine.receive_ask(self._core, transaction, raw)
            given = engine.give(self._core, transaction, self._clock_ms(), ask, self._blobs)
        length = sum(len(one.head) + max(one.given, 0) for one in given)
        return Served(length, self._pieces(given))

    def _pieces(self, given: list[engine.Given]) -> Iterator[bytes]:
        waiting = b""
        for one in given:
            waiting += one.head
            at, end = one.part.offset, one.part.offset + max(one.given, 0)
            while at < end:
                data = self._blobs.read(one.part.sha256, at, min(PIECE_BYTES, end - at))
                if not data:
                    return  # dropped since it was promised: the answer ends early, as by a cut
                yield waiting + data
                waiting = b""
                at += len(data)
        if waiting:
            yield waiting

    def taker(self, wants: Sequence[Want], parts: Sequence[Part]) -> Taker:
        """Return what takes the answer to an ask for `parts` of `wants`."""
        return Taker(self._store, self._blobs, wants, parts)


class Taker:
    """Stores an answer as it comes in; what came before a cut stays."""

    def __init__(
        self, store: Store, blobs: BlobStore, wants: Sequence[Want], parts: Sequence[Part]
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._parts = list(parts)
        self._wants = {want.sha256: want for want in wants}
        self._reader = AnswerReader(self._parts)
        self._part = -1
        self._offset = 0
        self._held = bytearray()
        self._whole = self._stored = self._missing = 0

    def feed(self, raw: bytes) -> None:
        """Take bytes of the answer. Raises: Malformed, StorageError."""
        for part, offset, data in self._reader.feed(raw):
            if part != self._part:
                self.flush()
                self._part, self._offset = part, offset
            if data is None:
                self._missing += 1
                continue
            self._held += data
            if len(self._held) >= PIECE_BYTES:
                self.flush()

    def flush(self) -> None:
        """Store what was held back for a piece of full size."""
        if self._held:
            want = self._wants[self._parts[self._part].sha256]
            data = bytes(self._held)
            self._held.clear()
            self._whole += engine.take_piece(self._store, self._blobs, want, self._offset, data)
            self._offset += len(data)
            self._stored += len(data)

    def taken(self) -> Taken:
        """Return what the answer came to so far."""
        return Taken(self._stored, self._whole, self._missing)
