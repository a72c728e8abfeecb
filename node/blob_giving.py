"""The way up of the second lane: files of this subtree, asked about first and sent in slices."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from node.blobs import BlobExchange
from sync.engine.case_blobs import Piece
from sync.engine.pacing import Pacer
from sync.protocol.blobs import HAVE, PARTIAL, PUT, REFUSED, WHOLE, Part, Standing, decode_standings
from sync.protocol.book import NamedFile
from sync.protocol.errors import Malformed
from sync.protocol.limits import BLOB_PARTS_MAX, BLOB_PUT_BYTES_MAX

ANSWER_BYTES_MAX = 4096
AGAIN_PER_PASS = 4
"""So many refused files are offered again at a time: an ask each is all they may cost."""


class Incoming(Protocol):
    """The body of an answer on its way."""

    def read(self) -> bytes: ...


class BlobRoad(Protocol):
    """Carries asks to the parent, several under way, answered in order."""

    def send(self, ask: bytes) -> None: ...

    def answer(self) -> Incoming: ...

    def abort(self) -> None:
        """Break off from another thread what the calling one waits for."""
        ...

    def close(self) -> None: ...


class _Sent(NamedTuple):
    part: Part
    last: bool
    at: float


class _Refused(Exception):
    """The parent knows a file and does not take it now."""


class NoToken(Exception):
    """No round was answered yet: there is nothing to ask with."""


class Giver:
    """Hands files up; what the parent holds already is never sent."""

    def __init__(
        self,
        exchange: BlobExchange,
        road: BlobRoad,
        *,
        seconds: Callable[[], float],
        may_ask: Callable[[int, int], bool],
    ) -> None:
        """Shapes: `may_ask(under_way, allowed)` waits for a higher lane where need be."""
        self._exchange = exchange
        self._road = road
        self._seconds = seconds
        self._may_ask = may_ask
        self.pacer = Pacer()
        self.sent = 0
        """Bytes the parent took since the start."""

    def give(self) -> int:
        """Hand up what the parent lacks; return how many files it cannot take whole yet.

        What it refuses holds up nothing and counts as nothing to come back for at once.

        Raises: TransportError, PeerProtocolError, StorageError; what it took stays with it.
        """
        try:
            pending = 0
            while not pending and (files := self._exchange.to_give()):
                pending = sum(not self._offer(file) for file in files)
            for file in self._exchange.refused(AGAIN_PER_PASS):
                self._offer(file)
        except NoToken:
            return 1
        return pending

    def _offer(self, file: NamedFile) -> bool:
        """Hand up a file; return whether it is done with for now."""
        try:
            if not self._give_file(file):
                return False
        except _Refused:
            self._exchange.refuse(file)
        else:
            self._exchange.given(file)
        return True

    def _give_file(self, file: NamedFile) -> bool:
        pieces = self._exchange.pieces_of(file)
        if not self._give_pieces(file, pieces[:1]):
            return False
        chunks = self._exchange.pieces_of(file)[1:]
        # A relay hands on the chunks it has, and is done when it had them all.
        whole = bool(chunks)
        for at in range(0, len(chunks), BLOB_PARTS_MAX):
            whole = self._give_pieces(file, chunks[at : at + BLOB_PARTS_MAX]) and whole
        return whole

    def _give_pieces(self, file: NamedFile, pieces: Sequence[Piece]) -> bool:
        """Hand up pieces of a file; return whether the parent has them all now."""
        standings = self._ask_standings(pieces)
        if any(stand.state == REFUSED for stand in standings):
            raise _Refused
        lacking = [
            (piece, stand.held)
            for piece, stand in zip(pieces, standings, strict=True)
            if stand.state == PARTIAL and self._exchange.holds(piece.sha256)
        ]
        done = sum(stand.state == WHOLE for stand in standings)
        under_way: deque[_Sent] = deque()
        for part, last in self._slices(lacking):
            while not self._may_ask(len(under_way), self.pacer.in_flight):
                done += self._take(file, under_way.popleft())
            self._send([part], PUT, self._exchange.read(part.sha256, part.offset, part.count))
            under_way.append(_Sent(part, last, self._seconds()))
        while under_way:
            done += self._take(file, under_way.popleft())
        return done == len(pieces)

    def _slices(self, lacking: Sequence[tuple[Piece, int]]) -> Iterator[tuple[Part, bool]]:
        """Yield the ranges to send, and whether each is the last of its piece."""
        for piece, held in lacking:
            at = held
            while at < piece.size:
                count = min(self.pacer.ask_bytes, BLOB_PUT_BYTES_MAX, piece.size - at)
                yield Part(piece.sha256, at, count), at + count == piece.size
                at += count

    def _take(self, file: NamedFile, sent: _Sent) -> bool:
        """Take the answer to a slice; return whether its piece is whole at the parent now."""
        (stand,) = self._standings(1)
        self.pacer.book(sent.part.count, sent.at, self._seconds())
        if stand.state in (PARTIAL, WHOLE):
            self.sent += sent.part.count
        if sent.last and stand.state == PARTIAL:
            self._exchange.check(file, sent.part.sha256)
        return sent.last and stand.state == WHOLE

    def _ask_standings(self, pieces: Sequence[Piece]) -> list[Standing]:
        self._may_ask(0, 1)
        self._send([Part(piece.sha256, 0, 0) for piece in pieces], HAVE)
        return self._standings(len(pieces))

    def _send(self, parts: list[Part], do: str, data: bytes = b"") -> None:
        ask = self._exchange.ask(parts, do, data)
        if ask is None:
            raise NoToken
        self._road.send(ask)

    def _standings(self, count: int) -> list[Standing]:
        answer, body = self._road.answer(), b""
        while data := answer.read():
            body += data
            if len(body) > ANSWER_BYTES_MAX:
                raise Malformed("standings")
        return decode_standings(body, count)
