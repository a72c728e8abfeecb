"""Rounds between a store and the engine: what an HTTP route, a client or the simulator calls.

Each frame is committed on its own. What a step leaves to do after its commit is handed to
`after_commit`, so that casework never stands between a frame and its receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from sync.engine import answer, child, parent, registers
from sync.engine.core import Core, Effects
from sync.protocol import frames
from sync.protocol.errors import FrameDamaged, LimitExceeded, Malformed
from sync.protocol.limits import ROUND_BYTES_TARGET
from sync.protocol.ports import BlobStore, Store
from sync.protocol.statements import Health

AfterCommit = Callable[[Effects], None]


class Outcome(NamedTuple):
    """What a round came to: `more` says another one is worth making at once."""

    effects: Effects
    more: bool


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

    def serve(self, raw: bytes) -> bytes:
        """Return the answer to a child's request.

        Raises: PeerProtocolError of a request that cannot be taken at all; damage after the hello
        only ends the request early, what was committed is receipted.
        """
        core, now = self.core, self._clock_ms()
        stream = frames.decode_stream(raw)
        ahead, hello = _until_hello(stream)
        caller = parent.claimed_caller(hello.payload)
        # One transaction: of a caller who cannot sign its hello, nothing is kept.
        with self.store.write() as transaction:
            for frame in ahead:
                parent.receive_introduction(core, transaction, now, frame, caller)
            session = parent.receive_hello(core, transaction, now, hello.payload)
        effects = session.effects
        try:
            try:
                for frame in stream:
                    with self.store.write() as transaction:
                        effects.add(parent.receive_frame(core, transaction, now, session, frame))
            except FrameDamaged:
                pass  # the receipt says how far it came; the child sends the rest again
            with self.store.write() as transaction:
                return answer.finish(core, transaction, now, session, self.blobs)
        finally:
            self._after_commit(effects)

    def begin(self, health: Health | None = None) -> bytes:
        """Return the request of a new round to the parent."""
        with self.store.write() as transaction:
            return child.begin_round(self.core, transaction, self._clock_ms(), health)

    def take_answer(self, raw: bytes) -> Outcome:
        """Take the parent's answer frame by frame, then switch what editions are complete.

        Raises: PeerProtocolError; frames before it stay committed.
        """
        effects = Effects()
        try:
            for frame in frames.decode_stream(raw):
                with self.store.write() as transaction:
                    effects.add(
                        child.receive_frame(
                            self.core, transaction, self._clock_ms(), self.blobs, frame
                        )
                    )
            effects.add(self.switch_editions())
        finally:
            self._after_commit(effects)
        return Outcome(effects, effects.more)

    def switch_complete(self) -> None:
        """Switch as `switch_editions` does, outside a round."""
        self._after_commit(self.switch_editions())

    def switch_editions(self) -> Effects:
        """Switch to every edition that is complete and in force."""
        with self.store.write() as transaction:
            return registers.switch(self.core, transaction, self._clock_ms(), self.blobs)


def _until_hello(stream: Iterator[frames.Frame]) -> tuple[list[frames.Frame], frames.Frame]:
    """Return the introductions and the hello; nobody unknown may fill the memory with them."""
    ahead: list[frames.Frame] = []
    size = 0
    for frame in stream:
        if frame.type == frames.HELLO:
            return ahead, frame
        size += len(frame.payload)
        if size > ROUND_BYTES_TARGET:
            raise LimitExceeded("before the hello")
        if frame.type == frames.STATEMENTS:
            ahead.append(frame)
    raise Malformed("a request without a hello")
