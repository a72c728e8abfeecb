"""How many rounds a parent works on at once, and what those beyond that are told.

Whoever is admitted costs a frame of memory and a moment of the one writer. Small rounds, idle ones
and receipts, wait in a short queue; larger ones are sent away at once, before their body is read,
with a time to come back that grows with how many were sent away lately.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sync.protocol.errors import PeerBusy

ROUNDS_MAX = 64
"""Rounds in work at once, slow ones included."""
SMALL_PLACES = 16
"""Of these only small rounds may take the last ones: thin links must not keep all others out."""
SMALL_BYTES = 4 * 1024
QUEUE_MAX = 256
QUEUE_SECONDS = 10.0
RETRY_SECONDS = 10.0
RETRY_SECONDS_MAX = 300.0


class Admission:
    """Places for rounds; belongs to one event loop."""

    def __init__(
        self,
        *,
        rounds_max: int = ROUNDS_MAX,
        small_places: int = SMALL_PLACES,
        queue_max: int = QUEUE_MAX,
        queue_seconds: float = QUEUE_SECONDS,
    ) -> None:
        self._free = rounds_max
        self._kept_for_small = min(small_places, rounds_max - 1)
        self._queue_max = queue_max
        self._queue_seconds = queue_seconds
        self._waiting: list[asyncio.Future[None]] = []
        self._sent_away = 0

    @asynccontextmanager
    async def place(self, length: int) -> AsyncIterator[None]:
        """Hold a place for a request of `length` bytes while the block runs.

        Raises: PeerBusy.
        """
        await self._enter(small=length <= SMALL_BYTES)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, *, small: bool) -> None:
        if self._free > (0 if small else self._kept_for_small):
            self._free -= 1
            self._sent_away = max(self._sent_away - 1, 0)
            return
        if not small or len(self._waiting) >= self._queue_max:
            raise self._busy()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await asyncio.wait_for(turn, self._queue_seconds)
        except TimeoutError as error:
            raise self._busy() from error
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()  # it was handed a place it will not use
            raise
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)

    def _leave(self) -> None:
        while self._waiting:
            turn = self._waiting.pop(0)
            if not turn.done():
                turn.set_result(None)  # the place goes from hand to hand
                return
        self._free += 1

    def _busy(self) -> PeerBusy:
        """Return the word to come back later; the more are sent away, the later."""
        self._sent_away += 1
        wait = RETRY_SECONDS * (1 + self._sent_away / ROUNDS_MAX)
        return PeerBusy("too many rounds", retry_after=min(wait, RETRY_SECONDS_MAX))
