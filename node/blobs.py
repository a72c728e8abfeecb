"""The second lane between a store and the engine: what an HTTP route, a client or the simulator
calls. Bytes go from store to wire and back in pieces, never a blob at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sync.engine import blobs as engine
from sync.engine import case_blobs, registers
from sync.engine.blobs import Want
from sync.engine.case_blobs import Piece
from sync.engine.core import Core
from sync.protocol.blobs import GET, PARTIAL, PUT, AnswerReader, Part, encode_standings
from sync.protocol.book import BlobBook, NamedFile
from sync.protocol.ports import BlobStore, Store

PIECE_BYTES = 32 * 1024
"""Read, sent and committed at once: what a cut may cost."""

OWED_LOOKED_AT = 2000
"""Files owed to the parent among which those that are here are looked for."""


class Served(NamedTuple):
    """An answer on its way: its length in bytes, and the bytes."""

    length: int
    pieces: Iterator[bytes]


class Taken(NamedTuple):
    """What an answer came to: bytes stored, blobs completed, and parts the parent does not have."""

    stored: int
    whole: int
    missing: int


class Left(NamedTuple):
    """What the second lane has still to do: blobs and bytes, down and up; what is refused above."""

    to_fetch: int
    fetch_bytes: int
    to_give: int
    give_bytes: int
    refused: int
    refused_bytes: int


class BlobExchange:
    """Both ends of the second lane for one node."""

    def __init__(
        self,
        core: Core,
        store: Store,
        blobs: BlobStore,
        book: BlobBook,
        clock_ms: Callable[[], int],
        switch: Callable[[], object],
        *,
        room: Callable[[], bool] = lambda: True,
    ) -> None:
        """Shapes: `switch` switches to what editions are complete, with what follows from it.

        `room` says whether the disk can take more of other stations' files.
        """
        self._core = core
        self._store = store
        self._blobs = blobs
        self._book = book
        self._clock_ms = clock_ms
        self.switch = switch
        self._room = room
        self.station_bytes_max = 0
        """What the files that one station below added may come to together; 0 sets no limit."""
        self.on_wish: Callable[[], None] = lambda: None
        """Called when a child asked for a file that is not here."""

    def wanted(self) -> list[Want]:
        """Return what is to be fetched from the parent, and how much of it is here."""
        with self._store.read() as transaction:
            return engine.wanted(transaction, self._blobs, self._book)

    def ask(self, parts: Sequence[Part], do: str = GET, data: bytes = b"") -> bytes | None:
        """Return a request about these ranges; None while no round has been answered yet."""
        with self._store.read() as transaction:
            return engine.make_ask(self._core, transaction, do, parts, data)

    def serve(self, raw: bytes) -> Served:
        """Return the answer to a child's ask, read from the store as it is sent.

        Raises: PeerProtocolError.
        """
        with self._store.read() as transaction:
            ask, data = engine.receive_ask(self._core, transaction, raw)
            if ask.do == GET:
                given = engine.give(
                    self._core, transaction, self._clock_ms(), ask, self._blobs, self._book
                )
                if any(one.given < 0 for one in given):
                    self.on_wish()
                length = sum(len(one.head) + max(one.given, 0) for one in given)
                return Served(length, self._pieces(given))
            room = self._room()
            stand = [
                engine.standing(
                    transaction,
                    ask,
                    part,
                    self._blobs,
                    self._book,
                    room=room,
                    station_bytes_max=self.station_bytes_max,
                )
                for part in ask.parts
            ]
        if ask.do == PUT and stand[0].state == PARTIAL:
            stand = [engine.take_put(self._store, self._blobs, self._book, ask.parts[0], data)]
        answer = encode_standings(stand)
        return Served(len(answer), iter([answer]))

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
        return Taker(self._store, self._blobs, self._book, wants, parts)

    def to_give(self) -> Sequence[NamedFile]:
        """Return files of this subtree that the parent is not known to hold, small ones first.

        What is not here itself comes last: a file this node refused holds up no other.
        """
        with self._store.read() as transaction:
            case_blobs.forget_other_parent(transaction, self._book)
        owed = self._book.to_give(OWED_LOOKED_AT)
        return sorted(owed, key=lambda file: not self.holds(file.sha256))[
            : case_blobs.FILES_PER_PASS
        ]

    def refused(self, count: int) -> Sequence[NamedFile]:
        """Return files the parent refused, the one longest ago first."""
        return self._book.refused(count)

    def refuse(self, file: NamedFile) -> None:
        """Note that the parent does not take a file now."""
        self._book.refuse(file.sha256)

    def left(self) -> Left:
        """Return what is still to be fetched and to be given."""
        files, bytes_ = self._book.wished_bytes()
        with self._store.read() as transaction:
            packs = registers.wanted(transaction, self._blobs)
        down = sum(pack.bytes - self._blobs.received(pack.sha256) for pack in packs)
        return Left(
            files + len(packs), bytes_ + down, *self._book.owed(), *self._book.refused_bytes()
        )

    def pieces_of(self, file: NamedFile) -> list[Piece]:
        """Return the manifest and the chunks of a file, each once; the manifest alone if unread."""
        found = {file.sha256: Piece(file.sha256, file.bytes)}
        found.update((name, Piece(name, size)) for name, size in self._book.chunks(file.sha256))
        return list(found.values())

    def holds(self, sha256: str) -> bool:
        """Return whether a blob is whole here."""
        return self._blobs.size(sha256) is not None

    def read(self, sha256: str, offset: int, count: int) -> bytes:
        """Return bytes of a whole blob."""
        return self._blobs.read(sha256, offset, count)

    def given(self, file: NamedFile) -> None:
        """Note that the parent holds a file whole."""
        self._book.given(file.sha256)

    def check(self, file: NamedFile, sha256: str) -> None:
        """Look whether a piece the parent found wrong is wrong here; if so fetch the file again."""
        if not self._blobs.verify(sha256):
            self._book.wish([file.sha256])

    def tidy(self) -> None:
        """Drop what is under way of blobs nobody names any more."""
        wanted = {want.sha256 for want in self.wanted()}
        for sha256 in self._blobs.partial():
            if sha256 not in wanted and not self._book.named(sha256):
                self._blobs.forget(sha256)


class Taker:
    """Stores an answer as it comes in; what came before a cut stays."""

    def __init__(
        self,
        store: Store,
        blobs: BlobStore,
        book: BlobBook,
        wants: Sequence[Want],
        parts: Sequence[Part],
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._book = book
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
            if engine.take_piece(self._store, self._blobs, want, self._offset, data):
                self._whole += 1
                engine.note_whole(self._store, self._blobs, self._book, [want.sha256])
            self._offset += len(data)
            self._stored += len(data)

    def taken(self) -> Taken:
        """Return what the answer came to so far."""
        return Taken(self._stored, self._whole, self._missing)
