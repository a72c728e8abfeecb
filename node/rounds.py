"""Rounds between a store and the engine: what an HTTP route, a client or the simulator calls.

Each frame is committed on its own. What a step leaves to do after its commit is handed to
`after_commit`, so that casework never stands between a frame and its receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import structlog

from node import apart, traffic
from node.pace import Used
from sync.engine import answer as answering
from sync.engine import child, editions, parent
from sync.engine.core import Core, Effects, count
from sync.engine.outgoing import UNMEASURED, Budget
from sync.protocol import frames
from sync.protocol.errors import FrameDamaged, LimitExceeded, Malformed, UnsupportedVersion
from sync.protocol.limits import ROUND_BYTES_TARGET
from sync.protocol.ports import BlobStore, Store
from sync.protocol.statements import Health

log = structlog.get_logger("node.rounds")

DUE_EVERY_MS = 60_000
REFUSED_EVERY_MS = 60_000
AfterCommit = Callable[[Effects], None]


class Outcome(NamedTuple):
    """What a round came to: `more` says another one is worth making at once.

    Units: `hint_ms` is when the parent would like to hear of this node again, 0 if it did not say.
    """

    effects: Effects
    more: bool
    hint_ms: int = 0


class Rounds:
    """Both sides of a round for one node."""

    def __init__(
        self,
        core: Core,
        store: Store,
        blobs: BlobStore,
        clock_ms: Callable[[], int],
        after_commit: AfterCommit,
    ) -> None:
        self.core = core
        self.store = store
        self.blobs = blobs
        self._clock_ms = clock_ms
        self._after_commit = after_commit
        self._looked_ms = 0
        self._refused_ms = 0

    def refused(self, error: UnsupportedVersion) -> None:
        """Say in the log that a caller's version cannot be talked to, once a minute at most."""
        now = self._clock_ms()
        with self.store.write() as transaction:
            count(transaction, f"rounds_refused/{error.code}")
        if abs(now - self._refused_ms) >= REFUSED_EVERY_MS:
            self._refused_ms = now
            log.warning("round_refused", code=error.code, sentence=error.sentence, why=str(error))

    def open(self) -> ServedRound:
        """Return what takes a child's request as it arrives."""
        self.switch_due()
        return ServedRound(self, self._clock_ms(), self._after_commit)

    def serve(self, raw: bytes) -> bytes:
        """Return the answer to a child's request that is there in full.

        Raises: as `ServedRound`.
        """
        served = self.open()
        try:
            served.feed(raw)
            return served.finish()
        finally:
            served.close()

    def begin(
        self,
        health: Health | None = None,
        budget: Budget = UNMEASURED,
        used: Used | None = None,
    ) -> bytes:
        """Return the request of a new round to the parent; `used` is booked for the day."""
        with self.store.write() as transaction:
            if used is not None:
                traffic.book(transaction, self._clock_ms(), used)
            return child.begin_round(self.core, transaction, self._clock_ms(), health, budget)

    def was_busy(self, hint_ms: int) -> None:
        """Note that the parent answered, but had no place for the round: it took nothing."""
        with self.store.write() as transaction:
            child.was_busy(transaction, hint_ms)

    def versions_apart(self) -> None:
        """Note that this node and its parent cannot talk until one of them is upgraded."""
        with self.store.write() as transaction:
            child.versions_apart(transaction)

    def take_answer(self, answer: bytes | Iterable[bytes]) -> Outcome:
        """Take the parent's answer as it arrives, then switch what editions are complete.

        Each frame is committed before the next part is asked for.
        Raises: PeerProtocolError, TransportError; frames before it stay committed.
        """
        effects, reader, taking = Effects(), frames.StreamReader(), child.Taking()
        try:
            for part in [answer] if isinstance(answer, bytes) else answer:
                reader.feed(part)
                for frame in reader.frames():
                    effects.add(self._take(taking, frame))
            reader.end()
            effects.add(self.switch_editions())
        finally:
            self._after_commit(effects)
        return Outcome(effects, effects.more, self._hint_ms())

    def _hint_ms(self) -> int:
        with self.store.read() as transaction:
            link = transaction.parent_link()
        return link.hint_ms if link is not None else 0

    def _take(self, taking: child.Taking, frame: frames.Frame) -> Effects:
        with self.store.write() as transaction:
            return child.receive_frame(
                self.core, transaction, self._clock_ms(), self.blobs, taking, frame
            )

    def switch_complete(self) -> None:
        """Switch as `switch_editions` does, outside a round."""
        self._after_commit(self.switch_editions())

    def switch_due(self) -> None:
        """Switch to what has come into force by itself, with the road cut; looked at once a minute.

        The day is that of trusted time where there is any.
        """
        now = self._clock_ms()
        if abs(now - self._looked_ms) < DUE_EVERY_MS:
            return
        self._looked_ms = now
        with self.store.read() as transaction:
            due = editions.due(self.core, transaction, now, self.blobs)
        if due:
            self.switch_complete()

    def switch_editions(self) -> Effects:
        """Switch to every edition that is complete and in force."""
        with self.store.write() as transaction:
            return editions.switch(self.core, transaction, self._clock_ms(), self.blobs)


class ServedRound:
    """One request at the parent: fed as it arrives, each frame committed on its own.

    Holds one frame at a time; what came before a cut stays committed, and the answer's receipts
    say how far it came.
    """

    def __init__(self, rounds: Rounds, now_ms: int, after_commit: AfterCommit) -> None:
        self._rounds = rounds
        self._core, self._store, self._blobs = rounds.core, rounds.store, rounds.blobs
        self._now = now_ms
        self._after_commit = after_commit
        self._reader = frames.StreamReader()
        self._ahead: list[frames.Frame] = []
        self._ahead_bytes = 0
        self._session: parent.Session | None = None
        self._effects = Effects()
        self._damaged = False

    def feed(self, data: bytes) -> None:
        """Take what arrived.

        Raises: PeerProtocolError of a request that cannot be taken at all; damage after the hello
        only ends the request early.
        """
        if self._damaged:
            return
        self._reader.feed(data)
        try:
            for frame in self._reader.frames():
                self._take(frame)
        except UnsupportedVersion as error:
            self._rounds.refused(error)
            raise
        except FrameDamaged:
            if self._session is None:
                raise
            self._damaged = True  # the receipt says how far it came; the child sends the rest again

    def _take(self, frame: frames.Frame) -> None:
        if self._session is not None:
            parent.foresee(self._core, self._store, frame)
            with self._store.write() as transaction:
                self._effects.add(
                    parent.receive_frame(self._core, transaction, self._now, self._session, frame)
                )
        elif frame.type == frames.HELLO:
            self._session = self._greet(frame)
        else:
            self._hold_back(frame)

    def _hold_back(self, frame: frames.Frame) -> None:
        """Keep an introduction until the hello; nobody unknown may fill the memory with them."""
        self._ahead_bytes += len(frame.payload)
        if self._ahead_bytes > ROUND_BYTES_TARGET:
            raise LimitExceeded("before the hello")
        if frame.type == frames.STATEMENTS:
            self._ahead.append(frame)

    def _greet(self, hello: frames.Frame) -> parent.Session:
        try:
            caller = parent.claimed_caller(hello.payload)
        except UnsupportedVersion as error:
            with self._store.write() as transaction:
                apart.note(self._core, transaction, self._now, hello.payload, error)
            raise
        # One transaction: of a caller who cannot sign its hello, nothing is kept.
        with self._store.write() as transaction:
            for frame in self._ahead:
                parent.receive_introduction(self._core, transaction, self._now, frame, caller)
            self._ahead = []
            session = parent.receive_hello(self._core, transaction, self._now, hello.payload)
            apart.clear(transaction, session.child)
        self._effects = session.effects
        return session

    def finish(self) -> bytes:
        """Return the answer; nothing more is fed.

        Raises: PeerProtocolError of a request that ended before its hello.
        """
        if self._session is None:
            self._reader.end()
            raise Malformed("a request without a hello")
        with self._store.write() as transaction:
            return answering.finish(self._core, transaction, self._now, self._session, self._blobs)

    def close(self) -> None:
        """Hand on what was committed, whatever became of the request."""
        effects, self._effects = self._effects, Effects()
        self._after_commit(effects)
